"""
A penalty that asks for symmetry
================================

A network sees sixty noisy samples of a function of the radius. ``LiePenalty`` adds to its loss how many rotations it
breaks, at points that need no labels.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import viz

# %%
# Data and two trainings
# ----------------------

torch.manual_seed(0)
x, fresh = torch.randn(60, 3), torch.randn(2000, 3)


def truth(x):
    return torch.sin(2 * x.norm(dim=1))


y = truth(x) + 0.05 * torch.randn(60)
so3 = iso.so(3)


def train(weight, steps=300):
    """Test error after every step, and the finished network."""
    torch.manual_seed(1)
    layers = [torch.nn.Linear(3, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64), torch.nn.Tanh(), torch.nn.Linear(64, 1)]
    network = torch.nn.Sequential(*layers, torch.nn.Flatten(0))
    penalty = iso.promote.LiePenalty(so3.vector(), so3.scalar())
    optimizer, errors = torch.optim.Adam(network.parameters(), lr=1e-2), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (network(x) - y).square().mean() + weight * penalty(network, torch.randn(60, 3))
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            errors.append(float((network(fresh) - truth(fresh)).square().mean()))
    return network, errors


# %%
# What each keeps
# ---------------
# A penalty without memory reads the finished network at many points.

runs = {weight: train(weight) for weight in (0.0, 0.1)}
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
for (weight, (network, errors)), colour in zip(runs.items(), (viz.OTHER_COLOUR, viz.NULL_COLOUR), strict=True):
    reading = iso.promote.LiePenalty(so3.vector(), so3.scalar(), decay=0.0)
    reading(network, fresh)
    relative = reading.readout().relative
    print(f"weight {weight}: test error {errors[-1]:.3f}, rotations broken by {[round(float(v), 2) for v in relative]}")
    left.semilogy(errors, color=colour, label=f"weight {weight}")
    right.semilogy(range(1, 4), relative, "o", color=colour)
left.set(xlabel="step", ylabel="error on fresh points")
left.legend(frameon=False)
right.set(xlabel="direction", ylabel="relative size of the Lie derivative", xticks=[1, 2, 3], ylim=(0.01, 1))
figure.tight_layout()
