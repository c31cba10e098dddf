"""The road that asks about a network layer by layer."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from isotropy.discover import layers

from .. import truth
from ..answers import line, said
from ..families.draws import Draw, frame
from ..families.groups import ACTIVATIONS
from ..families.laws import LAWS
from ..question import Run
from .problem import FRESH, map_parts


class Activation(nn.Module):
    """A function of every unit, broken by a share of another one."""

    def __init__(self, f: Callable[[Tensor], Tensor], broken: float) -> None:
        super().__init__()
        self.f, self.broken = f, broken

    def forward(self, u: Tensor) -> Tensor:
        """Unit by unit."""
        return self.f(u) + self.broken * torch.cos(1.3 * u + 0.4)


def ask_layers(run: Run, draw: Draw) -> dict[str, Any]:
    """A network of two linear layers with an activation in between; linear ones keep what they intertwine."""
    n, (activation, kept) = run.size, ACTIVATIONS[run.family]
    weights = [frame(draw, n, 3.0) for _ in range(2)]
    net = nn.Sequential(nn.Linear(n, n, bias=False), Activation(activation, run.broken), nn.Linear(n, n, bias=False))
    net = net.double()
    with torch.no_grad():
        net[0].weight.copy_(weights[0])
        net[2].weight.copy_(weights[1])
    law = LAWS[run.law](draw, n)
    x, fresh = law.sample(draw, run.samples), law.sample(draw, FRESH)
    found = layers(net, x)
    lines, kept_by, at = [], [], fresh
    for name, module in net.named_children():
        one, size = found.layers[name], kept * n if name == "1" else n * n
        parts = map_parts(module, at, one.rho_in, one.rho_out, (n,))
        lines.append((line(said(one), parts), size))
        kept_by.append(float(truth.defects(truth.forms(parts))[size - 1]) if size else 0.0)
        at = module(at).detach()
    if found.through is not None:
        one = found.through
        lines.append((line(said(one), map_parts(net, fresh, one.rho_in, one.rho_out, (n,))), 0))
    return _together(lines, None if run.part == "nothing" else max(kept_by))


def _together(lines: list[tuple[dict[str, Any], int]], planted: float | None) -> dict[str, Any]:
    """One line for all layers: certified where each that keeps something is, at its dimension."""
    wanted = [(one, size) for one, size in lines if size]
    right = all(one["status"] == "certified" and one["dimension"] == size for one, size in wanted)
    kept = sum(size for _, size in wanted)
    return {
        "status": "certified" if right else "undecided",
        "dimension": kept if right else 0,
        "ignored": 0,
        **{name: [part for one, _ in lines for part in one[name]] for name in ("numbers", "limits", "spans", "single")},
        "quiet": [None, 0.0],
        "least": None,
        "planted": planted,
        "planted_dimension": kept,
        "planted_silent": 0,
    }
