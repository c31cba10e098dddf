"""
Filters without gradients
=========================

A network that sorts images by class needs filters along which the classes differ. Class-based PCA takes them from two
moments of the data: the leading eigenvectors of the covariance of one class, about the mean of all, less the covariance
of all. No gradient is involved. Here are such filters for handwritten digits, and what happens without the subtraction.
"""

# %%
# Filters of a dense layer
# ------------------------
# ``class_pca_`` fills a layer in place and says which class each filter comes from. With forty filters each digit gets
# four; the first one looks like the digit less the average of all others.
import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn

import isotropy as iso

bunch = load_digits()
x, y = torch.tensor(bunch.data / 16, dtype=torch.float32), torch.tensor(bunch.target)
train = torch.arange(len(x)) % 5 < 3

net = nn.Sequential(nn.Linear(64, 40), nn.ReLU(), nn.Linear(40, 10))
report = iso.nn.init.class_pca_(net, x[train], y[train], head="logistic")
print("held-out accuracy of the frozen layer:", float((net(x[~train]).argmax(1) == y[~train]).double().mean()))

# %%
# Filters of a convolution
# ------------------------
# Patches of all digits look alike, so their leading components are nearly the same for every class: with ``lam=0``
# filters repeat, here shown without the usual removal of duplicates. With ``lam=1``, the default, what is shared is
# taken away first.
bank = {}
for lam in (0.0, 1.0):
    layer = nn.Conv2d(1, 10, 3, padding=1)
    iso.nn.init.class_pca_(layer, x[train].reshape(-1, 1, 8, 8), y[train], layers=[""], lam=lam, duplicate=1.0)
    bank[lam] = layer.weight.detach()[:, 0]

# %%
fig = plt.figure(figsize=(7, 5), layout="constrained")
upper, lower = fig.subfigures(2, 1, height_ratios=[4, 2])
axes = upper.subplots(4, 10)
order = report["0"].classes.argsort(stable=True).reshape(10, 4).T
for ax, unit in zip(axes.flat, order.flatten(), strict=True):
    weight = (net[0].weight.detach()[unit] * x[train].std(0)).reshape(8, 8)
    ax.imshow(weight, cmap="RdBu", vmin=-weight.abs().max(), vmax=weight.abs().max())
    ax.set_axis_off()
for digit, ax in enumerate(axes[0]):
    ax.set_title(digit)
upper.suptitle("dense: four filters for each digit")
for row, (lam, filters) in zip(lower.subplots(2, 10), bank.items(), strict=True):
    for ax, weight in zip(row, filters, strict=True):
        ax.imshow(weight, cmap="RdBu", vmin=-weight.abs().max(), vmax=weight.abs().max())
        ax.set(xticks=[], yticks=[])
    row[0].set_ylabel(f"lam = {lam:g}")
lower.suptitle("convolution: nothing subtracted, and the covariance of all")

# %%
# The order of the classes is that of their labels; ``report["0"].eigenvalues`` says how far each stands out.
print(report["0"].eigenvalues[:10].round(decimals=2).tolist())
