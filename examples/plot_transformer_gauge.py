r"""
The gauge of attention heads
============================

Many settings of the parameters of an attention layer give one function. Value and output projections of a head may be
mixed by any invertible matrix, ``W_v -> h W_v``, ``W_o -> W_o h^{-1}``; queries and keys, under rotary positions, only
by what commutes with the rotations: one complex number for each plane. With fewer key heads than query heads, all
queries of a group share the matrix of their key.
"""

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional

from isotropy.parameters import symmetries, teleport

HEADS, GROUPS, D = 4, 2, 8
WIDTH = HEADS * D


def rotate(x):
    """Rotary positions of `(batch, heads, length, d)`, features paired in halves."""
    rates = 100.0 ** (-torch.arange(0, D, 2, dtype=x.dtype) / D)
    angles = torch.arange(x.shape[-2], dtype=x.dtype)[:, None] * rates
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * angles.cos() - b * angles.sin(), a * angles.sin() + b * angles.cos()], dim=-1)


class Attention(nn.Module):
    """Grouped queries with rotary positions."""

    def __init__(self):
        super().__init__()
        self.q, self.o = nn.Linear(WIDTH, WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
        self.k, self.v = nn.Linear(WIDTH, GROUPS * D, bias=False), nn.Linear(WIDTH, GROUPS * D, bias=False)

    def forward(self, x):
        """From and to `(batch, length, width)`."""
        q, k, v = (layer(x).unflatten(-1, (-1, D)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        y = functional.scaled_dot_product_attention(rotate(q), rotate(k), v, enable_gqa=True)
        return self.o(y.transpose(1, 2).flatten(2))


torch.manual_seed(0)
layer = Attention().double()
x = torch.randn(8, 12, WIDTH, dtype=torch.float64)

# %%
# One call is followed, operation by operation. What is left of the freedom of each axis is the symmetry: 2 key heads
# times 8 dimensions for queries and keys, 2 times 64 for values and outputs.

found = symmetries(layer, x[:1])
print(found)
for one in found.permutations:
    print("may be reordered:", one.size, "units of", one.label)

# %%
# A move in a random direction changes every weight and leaves every output. Balancing then looks for the smallest
# weights on the orbit, where the two sides of each head have equal singular values.

before = layer(x).detach()
parameters = {name: p.detach().clone() for name, p in layer.named_parameters()}
moved = found.move(0.6 * torch.randn(found.dim, dtype=torch.float64), parameters)
with torch.no_grad():
    for name, p in layer.named_parameters():
        p.copy_(moved[name])
stages = {"initial": parameters, "random gauge": {name: p.detach().clone() for name, p in layer.named_parameters()}}
drift = float((layer(x).detach() - before).abs().max() / before.abs().max())
report = teleport(layer, lambda: layer(x).square().mean(), found, "balance_weight", radius=20.0, steps=200)
stages["balanced"] = {name: p.detach().clone() for name, p in layer.named_parameters()}
print(f"outputs moved by {drift:.1g} under the random gauge")
print(report)

# %%
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
for label, values in stages.items():
    heads = torch.linalg.svdvals(values["v.weight"].unflatten(0, (GROUPS, D)))
    axes[0].semilogy(heads[0], "o-", label=label)
    total = sum(float(value.square().sum()) for value in values.values())
    axes[1].bar(label, total, color=f"C{len(axes[1].patches)}")
axes[0].set(title="singular values of one value head", xlabel="order")
axes[0].legend(frameon=False)
axes[1].set(title=f"sum of squared weights; outputs differ by {drift:.0e}")
figure.tight_layout()
plt.show()
