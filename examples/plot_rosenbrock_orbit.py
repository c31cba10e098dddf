"""
Moving along an orbit of the Rosenbrock function
================================================

The level sets of the Rosenbrock function are circles in other coordinates. Jumping along one of them keeps the loss and
may make the gradient much longer.
"""

import matplotlib.pyplot as plt
import torch

from isotropy.datasets import Rosenbrock

# %%
# Two descents from (-1, -1)
# --------------------------
# One plain, one that moves before every hundredth step to the point of its orbit where the gradient is longest.

rosenbrock, start = Rosenbrock(), -torch.ones(1, 2, dtype=torch.float64)
plain = rosenbrock.descend(start, 1e-3, 700)[:, 0]
moved = rosenbrock.descend(start, 1e-3, 700, move=rosenbrock.steepest, at=range(99, 700, 100))[:, 0]

# %%
# The orbit at the first jump
# ---------------------------

x = start
for _ in range(99):
    x = x - 1e-3 * rosenbrock.gradient(x)
angles = torch.linspace(0, 2 * torch.pi, 400, dtype=torch.float64)
orbit = rosenbrock.turn(angles, x.expand(400, 2))
best = rosenbrock.steepest(x)
print("loss before and after:", float(rosenbrock.loss(x)), float(rosenbrock.loss(best)))
print("squared gradient:", *(round(float(rosenbrock.gradient(p).square().sum()), 3) for p in (x, best)))

figure, panels = plt.subplots(1, 2, figsize=(9, 3.6))
slopes = rosenbrock.gradient(orbit).norm(dim=1)
points = panels[0].scatter(*orbit.T, c=slopes, s=6)
figure.colorbar(points, ax=panels[0], label="length of the gradient")
panels[0].plot(*x[0], "o", color="black", label="before")
panels[0].plot(*best[0], "*", color="black", markersize=12, label="after")
panels[0].legend()
panels[0].set(xlabel="x", ylabel="y")
panels[1].semilogy(plain, label="plain")
panels[1].semilogy(moved, label="with jumps")
panels[1].set(xlabel="step", ylabel="loss")
panels[1].legend()
figure.tight_layout()

# %%
# A word of caution: a random turn does nearly as well here, and networks behave otherwise. See the study of parameter
# symmetry.
