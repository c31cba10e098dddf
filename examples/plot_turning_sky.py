"""
The turning sky
===============

Directions fixed among the stars, seen from the turning Earth. Their velocity is known only through their tracks.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import datasets, viz

# %%
# Tracks of 24 stars
# ------------------

problem = datasets.load("stars")
states, times = problem.data.states, problem.data.times

figure = plt.figure(figsize=(5, 5))
axes = figure.add_subplot(projection="3d")
for state in states:
    axes.plot(*state.T, color=viz.OTHER_COLOUR, linewidth=1)
axes.set_aspect("equal")
figure.tight_layout()

# %%
# Which turns of the sphere carry tracks into tracks?
# ---------------------------------------------------
# The field is a polynomial on the sphere, learnt by integrals along the tracks. The candidates are the turns of the
# sphere.

road = iso.discover.FromDynamics(iso.so(3).vector())
found = road.fit(states, times)
print(found.summary(["x", "y", "z"]))

# %%
# One: the turn about the axis of the Earth, which is the z axis of this frame to the precision of the tracks.

figure, panels = plt.subplots(1, 2, figsize=(8, 3.2), width_ratios=[2, 1])
viz.spectrum(found.spectrum_, found.algebra_.dim, ax=panels[0])
viz.generators(found.algebra_.basis, names=["x", "y", "z"], ax=panels[1])
figure.tight_layout()

axis = torch.linalg.svd(found.algebra_.basis[0]).Vh[-1]
print("axis:", [round(value, 5) for value in (axis * axis[2].sign()).tolist()])
