"""
The generator of turns, found by looking
========================================

Pairs of images, before and after a small turn by an angle that nobody tells. One matrix explains them all; as a flow
it turns images much further than any pair did.
"""

import math

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import viz

SIZE, PAIRS = 11, 400

# %%
# Pairs
# -----

angles = math.pi / 10 * (2 * torch.rand(PAIRS, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1)
before = iso.datasets.bump_images(PAIRS)
after = iso.datasets.bump_images(PAIRS, angles)
found = iso.discover.FromPairs(antisymmetric=True, resolution=5e-3, iterations=6).fit(before, after)
print(found.status_, f"{found.held_out_:.3f} of the displacement of pairs left out stays unexplained")

# %%
# A rotation has whole weights: the smallest one sets the unit of angle.

weights = torch.linalg.eigvals(found.generators_[0]).imag
unit = weights[weights > 0.05 * weights.max()].min()
times = found.times_[:, 0] * unit
print(f"correlation with the true angles: {abs(float(torch.corrcoef(torch.stack([times, angles]))[0, 1])):.5f}")

# %%
# The flow
# --------
# What the generator does to a single bright spot says where it pushes it: the change of its centre of mass, here for
# spots all over the image. Below, an image carried half way round in four steps, and the truth.

place = torch.linspace(-1, 1, SIZE, dtype=torch.float64)
pixels = torch.stack(torch.meshgrid(place, place, indexing="ij")[::-1], 2).reshape(-1, 2)
centres = pixels[pixels.norm(dim=1) < 0.7]
spots = torch.exp(-(pixels[None] - centres[:, None]).square().sum(2) / (2 * 0.28**2))
push = (spots @ found.generators_[0].T) @ pixels / spots.sum(1, keepdim=True)
sign = torch.sign((times * angles).sum())

figure, panels = plt.subplots(2, 6, figsize=(11, 4.2))
whole = figure.add_axes((0.06, 0.12, 0.28, 0.76))
whole.quiver(*centres.T, *(sign * push).T, color=viz.OTHER_COLOUR, angles="xy")
whole.set(aspect="equal", xlim=(-1, 1), ylim=(1, -1), title="where the generator pushes")
example = iso.datasets.bump_images(1, seed=5)
for row in panels:
    row[0].remove()
    row[1].remove()
for column, turn in enumerate(torch.linspace(0, math.pi, 4, dtype=torch.float64)):
    moved = found.predict(example, sign * turn / unit)
    truth = iso.datasets.bump_images(1, turn, seed=5)
    for row, image, name in ((0, moved, "flow"), (1, truth, "truth")):
        axes = panels[row, column + 2]
        axes.imshow(image.reshape(SIZE, SIZE), cmap="Greys_r")
        axes.set(xticks=[], yticks=[], title=f"{name}, {math.degrees(turn):.0f}°")

error = float((found.predict(example, sign * math.pi / unit) - truth).norm() / truth.norm())
print(f"error after half a turn: {error:.3f}")
