"""
Points on a surface
===================

No map, no labels: only points near a surface. A motion is a symmetry of the surface when its velocity is tangent
to it everywhere.
"""

import math

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import viz

# %%
# A torus about a tilted axis
# ---------------------------

generator = torch.Generator().manual_seed(0)


def draw(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


angles = 2 * math.pi * torch.rand(2000, 2, dtype=torch.float64, generator=generator)
around, across = angles.T
ring = 2 + 0.7 * across.cos()
torus = torch.stack([ring * around.cos(), ring * around.sin(), 0.7 * across.sin()], 1)
tilt = torch.linalg.qr(draw(3, 3)).Q
centre = torch.tensor([1.0, -1.0, 0.5], dtype=torch.float64)
x = torus @ tilt.T + centre + 0.02 * draw(2000, 3)

# %%
# The candidates are all affine motions, for neither the axis nor the centre is known.

found = iso.discover.FromPoints(iso.actions.Affine(iso.aff(3))).fit(x)
print(found.summary())

# %%
# One motion is left: the turn about the axis. Its streamlines, drawn through some of the points:

figure = plt.figure(figsize=(7, 5))
axes = figure.add_subplot(projection="3d")
axes.scatter(*x[::3].T, s=4, color=viz.OTHER_COLOUR, depthshade=False)
steps = torch.linspace(0, 2, 30, dtype=torch.float64)
xi = torch.ones(1, dtype=torch.float64)
tracks = torch.stack([found.action_.flow(xi, x[:12], t=float(t)) for t in steps])
for track in tracks.unbind(1):
    axes.plot(*track.T, color=viz.NULL_COLOUR)
axes.set_aspect("equal")
figure.tight_layout()

# %%
# Spectrum against noise
# ----------------------
# On a sphere three directions stay far below the rest. They rise with the noise of the points, the others do not.

noises = [0.003, 0.01, 0.03, 0.1]
sphere = torch.nn.functional.normalize(draw(600, 3), dim=1)
rows, answers = [], []
for noise in noises:
    noisy = sphere + noise * draw(600, 3)
    road = iso.discover.FromPoints(iso.gl(3).vector(), rank=3, dimension=2).fit(noisy)
    rows.append(road.spectrum_)
    answers.append(f"{road.status_}\n{noise:g}")

figure, axes = plt.subplots(figsize=(6.4, 3.6))
spectra = torch.stack(rows)
axes.semilogy(range(len(noises)), spectra[:, :-3], "o-", color=viz.OTHER_COLOUR)
axes.semilogy(range(len(noises)), spectra[:, -3:], "o-", color=viz.NULL_COLOUR)
axes.set_xticks(range(len(noises)), answers)
axes.set(xlabel="noise, in radii", ylabel="relative residual")
figure.tight_layout()
