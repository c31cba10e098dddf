r"""
The symmetry of a cloud of points
=================================

A noisy ring fills the plane, so its shape says nothing; there are no labels and no pairs either. What is left is the
density. It is invariant under a field when

.. math:: \\theta \\cdot \\nabla \\log p + \\operatorname{div} \\theta = 0.

The score ``grad log p`` is learnt by score matching, which needs no normalisation.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso

# %%
# The ring is an ellipse about a centre of its own, so the answer is a rotation in other coordinates. A tolerance of 0.1
# lets pass what two waves of 10 % around the ring would break. The noise of means counts in the limits, so that a
# thousand points would leave the answer undecided.

generator = torch.Generator().manual_seed(0)
angle = 2 * torch.pi * torch.rand(40000, generator=generator, dtype=torch.float64)
radius = 1 + 0.2 * torch.randn(40000, generator=generator, dtype=torch.float64)
ring = torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
points = ring @ torch.tensor([[1.5, 0.4], [0.0, 0.8]], dtype=torch.float64) + torch.tensor([2.0, 1.0])

search = iso.discover.FromDensity(iso.actions.Affine(iso.aff(2)), kinds=["polynomial-2", "polynomial-4"], tolerance=0.1)
found = search.fit(points)
print(found.summary())

# %%
# The third moments ask the same question without any density: here the symmetry of the ring makes them vanish, so
# the fourth are taken. The limits of the first answer come from these too, as no learnt score has an error that anybody
# could bound; so the two agree.

moments = iso.discover.FromMoments(iso.actions.Affine(iso.aff(2)), order=4, tolerance=0.1).fit(points)
print(moments.summary())
print("angle between the answers:", found.algebra_.distance(moments.algebra_))

# %%
# Left, the points and the field that leaves their density alone; right, both spectra.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
left.scatter(*points[::30].T, s=3, color="0.7")
grid = torch.cartesian_prod(torch.linspace(-1, 5, 13), torch.linspace(-1, 3, 11)).double()
arrows = found.action_.fields(grid)[:, 0]
left.quiver(*grid.T, *arrows.T, color="tab:red", width=0.004)
left.set_aspect("equal")
for result, name in ((found, "density"), (moments, "moments")):
    right.semilogy(range(1, len(result.spectrum_) + 1), result.spectrum_, "o-", label=name)
right.set(xlabel="candidate direction", ylabel="error")
right.legend(frameon=False)
figure.tight_layout()
plt.show()
