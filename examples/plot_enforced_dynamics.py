"""
Equations of motion that turn with the plane
============================================

A spiral in the plane is seen through noisy velocities. Fitted freely, the equations drift; fitted among the vector
fields that commute with rotations they cannot, and trajectories stay near the true ones for longer.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso

# %%
# A limit cycle, forty noisy velocities
# -------------------------------------

generator = torch.Generator().manual_seed(1)


def normal(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def velocity(x):
    turn = torch.stack([-x[:, 1], x[:, 0]], 1)
    return x * (1 - x.square().sum(1, keepdim=True)) + 2 * turn


x = normal(40, 2)
y = velocity(x) + 0.2 * normal(40, 2)

# %%
# Two fits
# --------
# Velocities move by the tangent of the action on points. Of the twenty coefficients of two cubic polynomials the
# symmetry leaves four: growth and turning, at first and at third order.

G = iso.so(2)
library = iso.dictionary.polynomials(2, degree=3)
hard = iso.enforce.BasisRegression(library, G.vector(), G.vector().tangent()).fit(x, y)
free = torch.linalg.lstsq(library.evaluate(x), y).solution
print(hard.basis_.dim, hard.equations())

# %%
# Where they lead
# ---------------


def simulate(field, start, steps=600, size=0.02):
    """Classical Runge-Kutta."""
    path = [start]
    for _ in range(steps):
        now = path[-1]
        first = field(now)
        second = field(now + size / 2 * first)
        third = field(now + size / 2 * second)
        path.append(now + size / 6 * (first + 2 * second + 2 * third + field(now + size * third)))
    return torch.stack(path)[:, 0]


start = torch.tensor([[0.1, 0.0]], dtype=torch.float64)
paths = {
    "true": simulate(velocity, start),
    "free": simulate(lambda x: library.evaluate(x) @ free, start),
    "so(2) enforced": simulate(hard.predict, start),
}

figure, (plane, gap) = plt.subplots(1, 2, figsize=(9, 3.8))
for name, path in paths.items():
    plane.plot(*path.T, label=name, linewidth=1)
    if name != "true":
        gap.semilogy((path - paths["true"])[1:].norm(dim=1), label=name)
plane.set(aspect="equal", xlabel="x", ylabel="y")
gap.set(xlabel="step", ylabel="distance from the true trajectory")
plane.legend(frameon=False)
gap.legend(frameon=False)
figure.tight_layout()
