"""
The symmetry of a function
==========================

A function of four numbers depends on them through one quadratic form with signs ``+ - - -``. Nobody tells the
search: the candidates are all 16 linear motions.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import viz

# %%
# The function, and points at which to look
# -----------------------------------------
# Any function of a batch that torch can differentiate will do, a trained network included.

signs = torch.tensor([1.0, -1.0, -1.0, -1.0], dtype=torch.float64)


def interval(x):
    """A function of the form alone."""
    form = (signs * x**2).sum(1)
    return form + torch.sin(form)


generator = torch.Generator().manual_seed(0)
x = torch.randn(500, 4, dtype=torch.float64, generator=generator)

# %%
# The search
# ----------
# Inputs move by matrices, the output does not move.

G = iso.gl(4)
found = iso.discover.FromModel(G.vector(), G.scalar()).fit(interval, x)
print(found.summary(["t", "x", "y", "z"]))

# %%
# The spectrum has one step: ten candidate directions break the function, six leave it alone to rounding.

figure, axes = plt.subplots(figsize=(6.4, 3.2))
viz.spectrum(found.spectrum_, found.algebra_.dim, ax=axes)
figure.tight_layout()

# %%
# Three boosts, symmetric, and three rotations, antisymmetric: the Lorentz algebra.

figure, axes = plt.subplots(2, 3, figsize=(7.5, 5.2))
viz.generators(found.algebra_.basis, names=["t", "x", "y", "z"], ax=list(axes.flat))
figure.tight_layout()

# %%
# The distance to the textbook's algebra is the sine of the largest angle between the two spans.

print(found.identify().name, f"{found.algebra_.distance(iso.so(1, 3)):.1e}")
