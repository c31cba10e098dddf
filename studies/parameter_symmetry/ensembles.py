"""Ensembles of data-dependent moves on digits: accuracy, and attacks on the base network and on the ensemble."""

from typing import Any

import torch
from torch import Tensor, nn
from training import load

from isotropy.errors import SymmetryError
from isotropy.parameters import move_outgoing

WIDTH, MEMBERS, SEEDS = 16, 50, 10
SCALES = (0.1, 0.3, 1.0, 3.0)
ATTACKS = (0.0, 0.03, 0.1)  # of the range of a pixel
LEAKY = nn.LeakyReLU(0.1)
Member = tuple[Tensor, Tensor, Tensor]


def ensembles() -> dict[str, Any]:
    """Accuracy for every seed; ``inverse`` undoes g on the hidden layer as if it were linear."""
    runs = [_one(seed) for seed in range(SEEDS)]
    rows = {name: {key: [round(one[name][key], 6) for one in runs] for key in runs[0][name]} for name in runs[0]}
    return {"chance": 0.1, "members": MEMBERS, "seeds": SEEDS, "rows": rows}


def _one(seed: int) -> dict[str, dict[str, float]]:
    data = load("digits")
    x, test, labels = data.x.double(), data.x_test.double(), data.y_test
    torch.manual_seed(seed)
    first = nn.Sequential(nn.Linear(64, 32), nn.LeakyReLU(0.1))
    net = nn.Sequential(first, nn.Linear(32, WIDTH), nn.LeakyReLU(0.1), nn.Linear(WIDTH, 10)).double()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(400):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), data.y).backward()
        optimizer.step()
    net.requires_grad_(False)
    v, u, b, last = net[1].weight, net[3].weight, net[1].bias, net[3].bias
    base = [(v, u, b)]
    rows = {"base": _accuracies(base, base, first, last, test, labels)}
    generator = torch.Generator().manual_seed(seed)
    for scale in SCALES:
        moved, inverse = _members(v, u, b, first(x), scale, generator)
        rows[f"data-dependent {scale:g}"] = _accuracies(moved, base, first, last, test, labels)
        rows[f"inverse {scale:g}"] = _accuracies(inverse, base, first, last, test, labels)
    return rows


def _members(
    v: Tensor, u: Tensor, b: Tensor, x: Tensor, scale: float, generator: torch.Generator
) -> tuple[list[Member], list[Member]]:
    """Members by moves that are exact on as many samples as hidden units, and by the inverse."""
    moved: list[Member] = []
    inverse: list[Member] = []
    while len(moved) < MEMBERS:
        noise = torch.randn(WIDTH, WIDTH, generator=generator, dtype=v.dtype) / WIDTH**0.5
        g = torch.linalg.matrix_exp(scale * noise)
        batch = x[torch.randperm(len(x), generator=generator)[:WIDTH]]
        try:
            new_v, new_u, new_b = move_outgoing(g, v, u, batch, LEAKY, b)
        except SymmetryError:  # the moved states depend on one another
            continue
        moved.append((new_v, new_u, b if new_b is None else new_b))
        inverse.append((g @ v, u @ torch.linalg.inv(g), g @ b))
    return moved, inverse


def _accuracies(
    members: list[Member], base: list[Member], first: nn.Module, last: Tensor, x: Tensor, y: Tensor
) -> dict[str, float]:
    """On clean images, and under one-step attacks on the base network (grey) and on the members (white)."""
    found = {"clean": _accuracy(members, last, first(x), y)}
    for size in ATTACKS[1:]:
        for name, victims in (("grey", base), ("white", members)):
            slope = torch.func.grad(
                lambda z, victims=victims: nn.functional.nll_loss(_log(victims, last, first(z)), y)
            )(x)
            found[f"{name} {size:g}"] = _accuracy(members, last, first(x + size * slope.sign()), y)
    return found


def _accuracy(members: list[Member], last: Tensor, x: Tensor, y: Tensor) -> float:
    return float((_log(members, last, x).argmax(1) == y).double().mean())


def _log(members: list[Member], last: Tensor, x: Tensor) -> Tensor:
    """Logarithm of the mean probability over members."""
    votes = [torch.softmax(LEAKY(x @ v.T + b) @ u.T + last, 1) for v, u, b in members]
    return torch.stack(votes).mean(0).clamp_min(1e-300).log()
