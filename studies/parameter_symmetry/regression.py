"""The multi-layer regression of the teleportation paper, with an action that is exact."""

import math
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from isotropy.parameters import symmetries, teleport

SIZES = (5, 6, 7, 8)
SAMPLES = 4
MOMENT = 5
STEPS = (4, 5, 6, 10, 50, 100, 299)
RATES = (1e-4, 3e-4, 5e-4)
CAPS = (1.5, 4.0, 10.0)


def problem(seed: int) -> tuple[nn.Sequential, torch.Tensor, torch.Tensor]:
    """Network, inputs and targets, drawn as in the published script (float32, then widened)."""
    torch.manual_seed(seed)
    weights = [torch.rand(b, a) for a, b in pairwise(SIZES)]
    x, y = torch.rand(SIZES[0], SAMPLES).T.double(), torch.rand(SIZES[-1], SAMPLES).T.double()
    layers: list[nn.Module] = []
    for weight in weights:
        linear = nn.Linear(*weight.shape[::-1], bias=False)
        linear.weight = nn.Parameter(weight.double())
        layers += [linear, nn.LeakyReLU(0.1)]
    return nn.Sequential(*layers[:-1]), x, y


def regression() -> dict[str, Any]:
    """Mean losses over the five published seeds; one move before the update of step 5."""
    rows = {f"GD {lr:g} none": _mean("GD", lr, "none", 0.0) for lr in RATES}
    rows |= {f"GD {lr:g} random": _mean("GD", lr, "random", 0.0) for lr in RATES}
    rows |= {f"GD {lr:g} teleport {cap:g}": _mean("GD", lr, "teleport", cap) for lr in RATES for cap in CAPS}
    rows |= {f"AdaGrad 0.1 {arm}": _mean("AdaGrad", 0.1, arm, 4.0) for arm in ("none", "reset", "random")}
    rows |= {f"AdaGrad 0.1 teleport {cap:g}": _mean("AdaGrad", 0.1, "teleport", cap) for cap in CAPS}
    return {"steps": list(STEPS), "rows": rows}


def safety() -> dict[str, Any]:
    """Relative loss change and gradient ratio of one teleport over 100 seeds, for every cap."""
    found: dict[str, Any] = {}
    for cap in CAPS:
        reports = []
        for seed in range(100):
            net, x, y = problem(seed)
            loss = _loss(net, x, y)
            reports.append(teleport(net, loss, symmetries(net, x), "grad_norm", cap=cap, radius=10.0))
        found[f"{cap:g}"] = {
            "largest change": max(report.loss_change for report in reports),
            "largest ratio": max(report.ratio for report in reports),
            "smallest ratio": min(report.ratio for report in reports),
            "not finite": sum(not math.isfinite(report.loss_after) for report in reports),
            "accepted": sum(report.accepted for report in reports),
        }
    return {"caps": found}


def _loss(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> Any:
    return lambda: 0.5 * (net(x) - y).square().sum()


def _mean(kind: str, lr: float, arm: str, cap: float) -> list[float]:
    runs = torch.tensor([_descend(kind, lr, arm, cap, n * n * 12345) for n in range(5)], dtype=torch.float64)
    return runs.mean(0).tolist()


def _descend(kind: str, lr: float, arm: str, cap: float, seed: int) -> list[float]:
    net, x, y = problem(seed)
    loss, symmetry = _loss(net, x, y), symmetries(net, x)
    optimizer = _optimizer(kind, net, lr)
    losses = []
    for step in range(STEPS[-1] + 1):
        if step == MOMENT and arm != "none":
            if arm == "teleport":
                teleport(net, loss, symmetry, "grad_norm", cap=cap, radius=10.0)
            if arm == "random":
                move_randomly(net, symmetry, seed)
            optimizer = _optimizer(kind, net, lr)  # every arm but none restarts, as the published one does
        optimizer.zero_grad()
        value = loss()
        value.backward()
        losses.append(float(value.detach()))
        optimizer.step()
    return [losses[step] for step in STEPS]


def move_randomly(net: nn.Module, symmetry: Any, seed: int, scale: float = 0.3) -> None:
    """Move the parameters in place by a random element of the group."""
    generator = torch.Generator().manual_seed(seed)
    owned = dict(net.named_parameters())
    xi = scale * torch.randn(symmetry.dim, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        for name, value in symmetry.move(xi, {k: p.detach() for k, p in owned.items()}).items():
            owned[name].copy_(value)


def _optimizer(kind: str, net: nn.Module, lr: float) -> torch.optim.Optimizer:
    if kind == "GD":
        return torch.optim.SGD(net.parameters(), lr=lr)
    return torch.optim.Adagrad(net.parameters(), lr=lr, eps=1e-10)
