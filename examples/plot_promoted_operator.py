"""
Learning an operator from three fields
======================================

A neural operator, ``v(y) = int K(y, x) u(x) dx`` with a network for ``K``, is trained on three pairs of fields. Asking
the kernel to break few rigid motions of both its points makes it work on fields it has not seen.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import viz
from isotropy.actions import Affine, Product

# %%
# Fields on a square
# ------------------

torch.manual_seed(0)
axis = torch.linspace(-1, 1, 6)
points = torch.cartesian_prod(axis, axis)
count, cell = len(points), 4 / len(points)
pairs = torch.cat([points.repeat_interleave(count, 0), points.repeat(count, 1)], 1)  # (y, x)
true = torch.exp(-2 * (pairs[:, :2] - pairs[:, 2:]).square().sum(1)).reshape(count, count)


def smooth(number):
    """Random waves sampled at the points."""
    waves, phases = 2 * torch.randn(number, 4, 2), 6.3 * torch.rand(number, 4, 1)
    return torch.sin(waves @ points.T + phases).sum(1)


def apply(kernel, u):
    return cell * u @ kernel.reshape(count, count).T


u, fresh = smooth(3), smooth(100)
v = apply(true, u) + 0.01 * torch.randn(3, count)

# %%
# Two trainings
# -------------
# The penalty looks at the kernel as a function of two points, which rigid motions move together.

se2 = iso.se(2)
together = Product(Affine(se2), Affine(se2))


def train(weight, steps=400):
    """Relative error on unseen fields at each step, and the kernel."""
    torch.manual_seed(1)
    kernel = torch.nn.Sequential(torch.nn.Linear(4, 48), torch.nn.Tanh(), torch.nn.Linear(48, 48), torch.nn.Tanh())
    kernel = kernel.append(torch.nn.Linear(48, 1)).append(torch.nn.Flatten(0))
    penalty = iso.promote.LiePenalty(together, se2.scalar())
    optimizer, errors = torch.optim.Adam(kernel.parameters(), lr=5e-3), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (apply(kernel(pairs), u) - v).square().mean()
        if weight:
            loss = loss + weight * penalty(kernel, 2 * torch.rand(64, 4) - 1)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            wrong = apply(kernel(pairs), fresh) - apply(true, fresh)
            errors.append(float(wrong.norm() / apply(true, fresh).norm()))
    return kernel, errors


# %%

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
distance = (pairs[:, :2] - pairs[:, 2:]).norm(dim=1)
for weight, colour in ((0.0, viz.OTHER_COLOUR), (0.02, viz.NULL_COLOUR)):
    kernel, errors = train(weight)
    print(f"weight {weight}: error on unseen fields {errors[-1]:.2f}")
    left.semilogy(errors, color=colour, label=f"weight {weight}")
    right.plot(distance, kernel(pairs).detach(), ".", color=colour, markersize=2)
left.set(xlabel="step", ylabel="relative error on unseen fields")
left.legend(frameon=False)
right.set(xlabel="|y - x|", ylabel="learned kernel K(y, x)")
figure.tight_layout()
