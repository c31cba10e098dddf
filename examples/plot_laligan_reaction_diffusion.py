"""
Spiral waves are a linear oscillator
====================================

The field of a reaction-diffusion system has a thousand pixels, and none of them moves linearly. Two latent coordinates
in which a rotation is a symmetry turn the wave into a linear oscillator, and forecasts stay on its orbit.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import datasets

# %%
# The data
# --------
# Fields of spiral waves, in their 20 leading modes; the first 400 pairs are learnt from.

data = datasets.reaction_diffusion(samples=700).data
mean = data.x[:400].mean(0)
modes = torch.linalg.svd(data.x[:400] - mean, full_matrices=False).Vh[:20].T
x, y = (data.x - mean) @ modes, (data.y - mean) @ modes

# %%
# The fit
# -------

plan = iso.discover.Plan(epochs=8, rates=(4e-3, 3e-3), average=0.98)
found = iso.discover.LaLiGAN(plan=plan, polish=200).fit(x[:400], y[:400])
print(found.summary())

# %%
# The linear step that commutes with the symmetry: moduli of one mean that a forecast neither dies nor grows.

print("moduli:", [round(float(m), 4) for m in torch.linalg.eigvals(found.step_).abs()])

# %%
# A forecast of 300 steps, from one field.

ahead = found.forecast(x[400:401], 300)[:, 0]
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10.5, 3.4))
left.plot(*found.autoencoder_.encode(x[:400]).T, ".", ms=3)
left.set(xlabel="z1", ylabel="z2", title="latent orbit", aspect="equal")
for axes, field, title in ((middle, y[699], "field 300 steps later"), (right, ahead[-1], "forecast")):
    axes.imshow((field @ modes.T + mean).reshape(32, 32), cmap="RdBu")
    axes.set(title=title, xticks=[], yticks=[])
figure.tight_layout()

# %%
# How to cite this road:

print(iso.cite(found))
