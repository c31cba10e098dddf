"""
Sharpness along an orbit
========================

A ReLU network is moved along its own orbit: the function stays, the conserved quantity and the sharpness move.
"""

import matplotlib.pyplot as plt
import torch
from torch import nn

from isotropy.parameters import canonical, sharpness_along, symmetries, top_eigenvalue

# %%
# Train a small network
# ---------------------

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 2)).double()
x = torch.randn(40, 3, dtype=torch.float64)
y = torch.sin(x[:, :2])
optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
for _ in range(1500):
    optimizer.zero_grad()
    (net(x) - y).square().mean().backward()
    optimizer.step()


def loss(parameters):
    """Mean square on the data."""
    return (torch.func.functional_call(net, parameters, (x,)) - y).square().mean()


# %%
# Move all neurons together
# -------------------------
# Weights into the neurons grow by ``exp(t)``, weights out of them shrink by as much.

symmetry = symmetries(net, x)
print(symmetry)
point = {name: value.detach() for name, value in net.named_parameters()}
times = torch.linspace(-0.8, 0.8, 17).tolist()
points = sharpness_along(loss, symmetry, point, torch.ones(symmetry.dim, dtype=torch.float64), times)
print("loss, smallest and largest:", min(p.loss for p in points), max(p.loss for p in points))

# %%
# One number for the whole orbit
# ------------------------------
# In the canonical gauge every quantity is zero, so that sharpness means something.

fixed = top_eigenvalue(loss, canonical(symmetry, point))
print("sharpness in the canonical gauge:", round(fixed, 3))

figure, axes = plt.subplots(figsize=(5, 3.6))
axes.plot([p.quantity for p in points], [p.eigenvalue for p in points], "o-", label="along the orbit")
axes.axhline(fixed, color="gray", linestyle="--", label="canonical gauge")
axes.set(xlabel="conserved quantity, sum over neurons", ylabel="largest Hessian eigenvalue")
axes.legend()
figure.tight_layout()
