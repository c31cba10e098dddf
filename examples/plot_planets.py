"""
Eight planets and the law of areas
==================================

The tracks of the planets are thin: eight curves, almost in one plane. A field of forces cannot be learnt from them.
But a symmetry of the force shows as a quantity that stays constant along each orbit, and that can be looked for
directly.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import datasets, viz

# %%
# The data
# --------
# Positions and velocities about the Sun, computed with ERFA.

problem = datasets.load("planets")
print(problem.description, "-", len(problem.data.states), "orbits")

figure, axes = plt.subplots(figsize=(4.5, 4.5))
for label, state in list(zip(problem.data.labels, problem.data.states, strict=True))[:4]:
    axes.plot(*state[:, :2].T, linewidth=1, label=label)
axes.set(xlabel="x, au", ylabel="y, au", aspect="equal")
axes.legend(frameon=False, fontsize=8)
figure.tight_layout()

# %%
# The search
# ----------
# For every matrix ``A`` there is a charge ``v . A x``. Those that stay constant on all orbits belong to symmetries.

found = iso.discover.FromNoether(iso.gl(3).vector()).fit(problem.data.states)
print(found.summary(["x", "y", "z"]))

# %%
# Six directions vary, three do not: the angular momenta. They are constant to the size of what the planets do to
# one another.

figure, axes = plt.subplots(figsize=(6.4, 3.2))
viz.spectrum(found.spectrum_, found.algebra_.dim, ax=axes)
figure.tight_layout()

# %%
# Along each orbit
# ----------------
# The charge of the first found generator, relative to its largest possible size, beside that of a direction that is
# broken.

generators = {"found": found.algebra_.basis[0], "broken": torch.diag(torch.tensor([1.0, -1.0, 0.0])).double()}
figure, panels = plt.subplots(1, 2, figsize=(7.5, 3), sharey=True)
for axes, (name, matrix) in zip(panels, generators.items(), strict=True):
    for state in problem.data.states:
        x, v = state[:, :3], state[:, 3:]
        charge = (v * (x @ matrix.T)).sum(1) / (v.norm(dim=1) * x.norm(dim=1)).mean()
        axes.plot(torch.linspace(0, 1, len(charge)), charge, linewidth=1)
    axes.set(title=name, xlabel="share of the record")
panels[0].set_ylabel("charge, relative to |v| |x|")
figure.tight_layout()

# %%
# How to cite this road:

print(iso.cite(found))
