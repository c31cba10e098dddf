"""
Equations of motion from three velocities
=========================================

Two cubic polynomials in the plane have twenty coefficients, and three velocities are six equations. Of all vector
fields that fit, ``promote`` takes one that breaks as few as it can of its candidates, and finds the right one.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import viz

# %%
# Three samples of a field
# ------------------------

generator = torch.Generator().manual_seed(0)
x = 2 * torch.rand(3, 2, dtype=torch.float64, generator=generator) - 1


def velocity(x):
    turn = torch.stack([-x[:, 1], x[:, 0]], 1)
    return x * (1 - x.square().sum(1, keepdim=True)) + 2 * turn


# %%
# Promote
# -------
# The candidate is the rotation; that it holds is not told. With ``tangent`` the penalty is on the commutator of the
# motion with the field.

G = iso.so(2)
library = iso.dictionary.polynomials(2, degree=3)
found = iso.promote.BasisRegression(library, G.vector(), G.vector().tangent()).fit(x, velocity(x))
plain = torch.linalg.lstsq(library.evaluate(x), velocity(x), driver="gelsd").solution
print(found.status_, found.algebra_.identify().name, f"gap to the minimum {found.gap_:.0e}")

# %%
# Both fields meet the samples (dots). Only one is right elsewhere.

axis = torch.linspace(-1, 1, 13, dtype=torch.float64)
grid = torch.cartesian_prod(axis, axis)
fields = {"smallest coefficients": library.evaluate(grid) @ plain, "fewest broken symmetries": found.predict(grid)}

figure, panels = plt.subplots(1, 2, figsize=(8.5, 4), sharey=True)
for panel, (name, values) in zip(panels, fields.items(), strict=True):
    wrong = float((values - velocity(grid)).norm() / velocity(grid).norm())
    panel.quiver(*grid.T, *velocity(grid).T, color="lightgrey")
    panel.quiver(*grid.T, *values.T, color=viz.NULL_COLOUR)
    panel.plot(*x.T, "o", color="black")
    panel.set(title=f"{name}: error {wrong:.0e}", aspect="equal")
figure.tight_layout()
