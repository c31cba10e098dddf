"""
A rotation that an adversary cannot see
=======================================

Two equal masses circle one another. A generator turns positions and momenta by random matrices that it learns; an
adversary tries to tell turned steps from real ones. What neither can improve is the symmetry of the problem.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import datasets

# %%
# The data
# --------
# Pairs of states, one time unit apart. Each state is (q1, p1, q2, p2).

data = datasets.two_body(trajectories=100).data
print(tuple(data.x.shape), "states of", data.x_names)

# %%
# The game
# --------
# One free matrix of gl(2) for each of the four vectors: 16 numbers, and nothing says that they belong together.

blocks = iso.gl(2) + iso.gl(2) + iso.gl(2) + iso.gl(2)
V = iso.Representation(blocks, blocks.basis)
plan = iso.discover.Plan(epochs=15)
found = iso.discover.LieGAN(V, V, plan=plan, kinds=["polynomial"], seed=0).fit(data.x, data.y)
print(found.summary())

# %%
# The held-out equivariance error decides which epoch is kept, and the matrix is that of a common rotation.

outcome = found.outcomes_[0]
figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.6))
left.semilogy(range(1, outcome.epoch + 1), outcome.history, marker="o")
left.axvline(outcome.best, color="0.7", zorder=0)
left.set(xlabel="epoch", ylabel="held-out equivariance error")
matrix = found.proposal_.basis[0]
largest = float(matrix.abs().max())
right.imshow(matrix / largest, cmap="RdBu", vmin=-1, vmax=1)
right.set(title="learnt generator", xticks=[0, 2, 4, 6], yticks=[0, 2, 4, 6])
right.set_xticklabels(["q1", "p1", "q2", "p2"])
right.set_yticklabels(["q1", "p1", "q2", "p2"])
figure.tight_layout()

# %%
# How far it is from a rotation by the same angle of all four:

turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
common = torch.block_diag(turn, turn, turn, turn)
print(f"cosine {abs(float((matrix * common).sum() / (matrix.norm() * common.norm()))):.5f}")

# %%
# How to cite this road:

print(iso.cite(found))
