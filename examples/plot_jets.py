"""
The metric in a jet
===================

Four numbers for each jet of particles at a collider, its energy and momentum, and whether it came from a top quark.
Nothing says that energy is special or that space and time have a metric. The label knows both.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import datasets, viz

# %%
# Jets
# ----
# 3000 jets from the event generator Pythia, half of them boosted tops.

problem = datasets.load("jets")
momenta, label = problem.data.x, problem.data.y[:, 0]
names = ["E", "px", "py", "pz"]
print(momenta[:3].round(decimals=1), label[:3].tolist())

# %%
# Which linear maps leave the label alone?
# ----------------------------------------
# A map of all particles of a jet maps their sum, so the candidates act on the four numbers of the jet. Jets are nearly
# light-like, so that a common factor on all four numbers is hardly seen; the candidates have no trace.

G = iso.sl(4)
kinds = ["classifier-logistic-2", "classifier-logistic-3"]
found = iso.discover.FromData(G.vector(), G.scalar(), kinds=kinds).fit(momenta, label)
print(found.status_, found.algebra_.identify().name)
print(f"Grassmann distance to so(1,3): {found.algebra_.distance(iso.so(1, 3)):.3f}")

# %%
# The metric they keep
# --------------------
# Three generators turn the momentum, three mix it with the energy. The condition on a form that all of them keep is
# linear in it, so six generators known to a per cent give one form.

form = iso.enforce.invariant_forms(found.algebra_)[0]
minkowski = torch.diag(torch.tensor([-1.0, 1, 1, 1], dtype=torch.float64))
print(f"cosine to the metric of Minkowski: {float((form * minkowski).sum()) / 4:.5f}")

pictures = torch.cat([found.algebra_.basis, form[None], minkowski[None]]).round(decimals=2)
titles = [*(f"generator {k}" for k in range(1, 7)), "metric they keep", "Minkowski"]
figure, panels = plt.subplots(2, 4, figsize=(10.5, 5.4))
viz.generators(pictures, names=names, titles=titles, ax=panels.flatten())
figure.tight_layout()

# %%
# What it measures in a jet is the mass, which tells tops from light jets. Jets are nearly light-like, so one per cent
# in the metric is seen in the mass of a top, 173 GeV and a little more with what else falls into the jet.

for metric, words in ((form, "found"), (minkowski, "Minkowski")):
    mass = -torch.einsum("si,ij,sj->s", momenta, metric, momenta)
    medians = [float(mass[label == value].clamp_min(0).median().sqrt()) for value in (1, 0)]
    print(f"{words}: median mass of tops {medians[0]:.0f} GeV, of light jets {medians[1]:.0f} GeV")
