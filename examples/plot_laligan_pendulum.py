"""
Orbits of a pendulum, found without its equation
================================================

A pendulum that swings higher swings slower, so no matrix is a symmetry of its steps. In the right two coordinates each
swing is a circle, and shifting the phase turns all circles alike. The coordinates and the rotation are learnt together,
from pairs of states.
"""

import math

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import datasets

# %%
# The data
# --------
# A state is angle and speed; the next one is 0.4 time units later.

data = datasets.pendulum().data
print(tuple(data.x.shape), "states of", data.x_names)

# %%
# The fit
# -------
# A short game finds a rotation, and the direct road then bends the coordinates until steps commute with it.

plan = iso.discover.Plan(epochs=8, rates=(4e-3, 3e-3), average=0.98)
found = iso.discover.LaLiGAN(plan=plan, polish=200).fit(data.x, data.y)
print(found.summary())
print("label:", found.labels_[0])

# %%
# The generator moves states along their own orbits, as every integrable system allows: that is what the label says.
# Left: learnt orbits are circles in latent coordinates. Right: the field of the generator on level sets of the energy.

encode = found.autoencoder_.encode
starts = torch.stack([torch.linspace(0.4, 2.7, 6, dtype=torch.float64), torch.zeros(6, dtype=torch.float64)], dim=1)
speed = float(torch.linalg.eigvals(found.action_.latent.drho(torch.ones(1))).imag.abs().max())
orbits = torch.stack([found.action_.flow(torch.ones(1), starts, t) for t in torch.linspace(0, 2 * math.pi / speed, 80)])

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
for k in range(len(starts)):
    left.plot(*encode(orbits[:, k]).T, lw=1.5)
    right.plot(*orbits[:, k].T, lw=1.5)
left.set(xlabel="z1", ylabel="z2", title="latent orbits", aspect="equal")
line_q, line_p = torch.linspace(-3, 3, 120), torch.linspace(-2.1, 2.1, 100)
grid = torch.stack(torch.meshgrid(line_q, line_p, indexing="xy"), dim=2).double()
levels = right.contour(grid[..., 0], grid[..., 1], datasets.pendulum_energy(grid), 9, colors="0.8")
levels.set_zorder(0)
some = data.x[::25]
field = found.action_.field(torch.ones(1), some)
right.quiver(*some.T, *field.T, width=0.003, alpha=0.6)
right.set(xlabel="q", ylabel="p", title="learnt orbits, field, level sets of the energy", xlim=(-3.1, 3.1))
figure.tight_layout()

# %%
# How to cite this road:

print(iso.cite(found))
