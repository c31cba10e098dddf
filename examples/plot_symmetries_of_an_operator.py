"""
The symmetry of an operator on fields
=====================================

Fields on a square go through an unknown integral operator, ``v(y) = int K(y, x) u(x) dx``. Its kernel is fitted from
pairs of fields, and the kernel's symmetries are those of the operator: motions of outputs and inputs that it connects.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import viz
from isotropy.actions import Affine, Product

# %%
# Fields in, fields out
# ---------------------

generator = torch.Generator().manual_seed(0)
axis = torch.linspace(-1, 1, 7, dtype=torch.float64)
points = torch.cartesian_prod(axis, axis)
cell = 4 / len(points)
pairs = torch.cat([points.repeat_interleave(len(points), 0), points.repeat(len(points), 1)], 1)  # (y, x)


def kernel(pairs):
    return (1 - (pairs[:, :2] - pairs[:, 2:]).square().sum(1) / 8) ** 2


u = torch.randn(40, len(points), dtype=torch.float64, generator=generator)
v = cell * u @ kernel(pairs).reshape(len(points), -1).T
v = v + 1e-3 * torch.randn(v.shape, dtype=torch.float64, generator=generator)

# %%
# The kernel by least squares
# ---------------------------
# In a basis of functions of both points the operator is linear in the coefficients.

library = iso.dictionary.polynomials(4, degree=4)
values = library.evaluate(pairs).reshape(len(points), len(points), -1)  # (y, x, terms)
design = cell * torch.einsum("bx,yxk->byk", u, values).flatten(0, 1)
coefficients = torch.linalg.lstsq(design, v.reshape(-1, 1), driver="gelsd").solution

# %%
# Discover
# --------
# Outputs and inputs may move independently, by three rigid motions each. All six keep areas, so the divergence term
# vanishes. What is found are three, each moving both sides alike: the operator commutes with rigid motions.

both = iso.se(2) + iso.se(2)
sides = Product(Affine(both, 0), Affine(both, 1))
found = iso.discover.FromModel(sides, both.scalar()).fit(lambda p: library.evaluate(p) @ coefficients, pairs)
print(found.status_, found.algebra_.dim)
print(found.summary(["y1", "y2", "x1", "x2"]))

# %%

figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.2))
viz.spectrum(found.spectrum_, found.algebra_.dim, ax=left)
distance = (pairs[:, :2] - pairs[:, 2:]).norm(dim=1)
right.plot(distance, library.evaluate(pairs) @ coefficients, ".", markersize=2, color=viz.NULL_COLOUR)
right.set(xlabel="|y - x|", ylabel="fitted kernel K(y, x)")
figure.tight_layout()
