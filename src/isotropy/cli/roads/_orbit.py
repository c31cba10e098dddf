"""Loss and sharpness along one motion of a network's parameters."""

from __future__ import annotations

import copy
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from ...parameters import Block, Orthogonal, ParameterSymmetry, sharpness_along

_TIMES = torch.linspace(-1.0, 1.0, 9, dtype=torch.float64).tolist()
_TOLERANCE = 1e-4  # of the largest eigenvalue


def curve_of_network(network: nn.Module, symmetry: ParameterSymmetry, x: Tensor, logits: bool) -> dict[str, Any]:
    """Points of the orbit curve ``exp(t 1) theta`` of the first block that grows and shrinks; or why there is none.

    The loss is that of imitating the network as it is, at the inputs `(batch, ...)`: squared differences of outputs
    over squared outputs, or the cross-entropy of softmaxes. So it needs no targets, and it is least at the network.
    """
    growing = [
        block for block in symmetry.blocks if isinstance(block, Block) and not isinstance(block.group, Orthogonal)
    ]
    exact = [block for block in growing if block.exactness.kind == "exact"]
    if not exact:
        return {"why": "no block that grows and shrinks"}
    block = exact[0]
    one = ParameterSymmetry([block], symmetry.shapes)
    xi = block.group.coordinates(block.identity(torch.zeros((), dtype=torch.float64))).flatten()
    try:
        twin = copy.deepcopy(network).double()
        inputs = x.double() if x.dtype.is_floating_point else x
        point = {name: p.detach() for name, p in twin.named_parameters()}
        points = sharpness_along(_Imitation(twin, inputs, logits), one, point, xi, _TIMES, tolerance=_TOLERANCE)
    except Exception as error:  # second derivatives are beyond some networks
        return {"why": f"no second derivatives of this network ({type(error).__name__}: {error})"}
    return {"label": block.label, "group": block.name, "points": [asdict(point) for point in points]}


class _Imitation:
    """Loss of a network with other parameters, against itself."""

    def __init__(self, network: nn.Module, x: Tensor, logits: bool) -> None:
        self.network, self.x, self.logits = network, x, logits
        with torch.no_grad():
            outputs = network(x)
        self.targets = outputs.softmax(-1) if logits else outputs
        self.size = outputs.square().mean().clamp_min(torch.finfo(outputs.dtype).tiny)

    def __call__(self, parameters: dict[str, Tensor]) -> Tensor:
        """The loss."""
        outputs: Any = torch.func.functional_call(self.network, parameters, (self.x,))
        if self.logits:
            return -(self.targets * outputs.log_softmax(-1)).sum(-1).mean()
        return (outputs - self.targets).square().mean() / self.size
