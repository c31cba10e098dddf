"""
What a trained network has learned
==================================

A plain network learns a round function of two coordinates plus a third from samples. It was told nothing, so its
symmetry is approximate: the spectrum shows how well it has been learned. Then each layer is asked on its own.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import viz

# %%
# Training
# --------

torch.manual_seed(0)
x = torch.randn(2000, 3)
y = torch.sqrt(1 + x[:, :2].square().sum(1)) + x[:, 2]
network = torch.nn.Sequential(torch.nn.Linear(3, 64), torch.nn.Tanh(), torch.nn.Linear(64, 1), torch.nn.Flatten(0))
optimizer = torch.optim.LBFGS(network.parameters(), max_iter=300, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = (network(x) - y).square().mean()
    loss.backward()
    return loss


optimizer.step(closure)
print(f"training error {closure().item():.1e}")

# %%
# The whole network
# -----------------
# Nine candidates. One value stands apart: the turn about the third axis, learned but not exact.

G = iso.gl(3)
found = iso.discover.FromModel(G.vector(), G.scalar()).fit(network, torch.randn(500, 3))
print(found.summary(["x", "y", "z"]))

# %%
# Layer by layer
# --------------
# The candidates before and after a layer are independent here. A linear map of full rank intertwines every motion of
# its input with one of its output, while tanh of each coordinate allows none: symmetry of a network need not pass
# through its layers.

small = torch.nn.Sequential(
    torch.nn.Linear(3, 3, bias=False), torch.nn.ReLU(), torch.nn.Linear(3, 3, bias=False), torch.nn.Tanh()
)
layers = iso.discover.layers(small.double(), 3 * torch.randn(300, 3, dtype=torch.float64)).layers
dimensions = {type(small[int(name)]).__name__ + f" {name}": layer.algebra_.dim for name, layer in layers.items()}
print(dimensions)

figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.2))
viz.spectrum(found.spectrum_, found.algebra_.dim, ax=left)
right.bar(list(dimensions), list(dimensions.values()), color=viz.NULL_COLOUR)
right.set(ylabel="symmetries of the layer")
figure.tight_layout()
