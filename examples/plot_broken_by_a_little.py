"""
Broken by a little
==================

Real symmetries are rarely exact. Here a planted one is broken more and more; the measured error follows, and the
search says how long it still counts the direction as a symmetry.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import viz

# %%
# A round function with a dent
# ----------------------------

generator = torch.Generator().manual_seed(0)
x = torch.randn(400, 3, dtype=torch.float64, generator=generator)


def dented(size):
    """A function of the radius, plus a part that is not."""
    return lambda x: torch.sin(x.square().sum(1)) + size * x[:, 0] * x[:, 1] ** 2


# %%
# Measure and discover
# --------------------

sizes = [0.0, 1e-8, 1e-6, 1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0]
so3, gl3 = iso.so(3), iso.gl(3)
errors, spectra, answers = [], [], []
for size in sizes:
    f = dented(size)
    errors.append(iso.measure.equivariance(f, x, so3.vector(), so3.scalar()).defect)
    found = iso.discover.FromModel(gl3.vector(), gl3.scalar()).fit(f, x)
    spectra.append(found.spectrum_)
    answers.append((found.status_, found.algebra_.dim))
    print(f"dent {size:7.0e}: defect {errors[-1]:.1e}, {found.status_}, dimension {found.algebra_.dim}")

# %%
# The three smallest values are the rotations. They grow in proportion to the dent until they meet the others.

shown = [max(size, 1e-10) for size in sizes]
figure, axes = plt.subplots(figsize=(6.4, 3.8))
values = torch.stack(spectra)
axes.loglog(shown, values[:, :-3], "o", color=viz.OTHER_COLOUR, markersize=4)
axes.loglog(shown, values[:, -3:], "o", color=viz.NULL_COLOUR, markersize=4)
axes.loglog(shown, errors, "-", color="black", linewidth=1, label="defect of so(3)")
axes.set(xlabel="size of the dent (leftmost: none)", ylabel="relative error (1 is chance)")
axes.legend(frameon=False)
figure.tight_layout()

# %%
# A certified answer with values far above rounding is an approximate symmetry: read the spectrum beside the word.
