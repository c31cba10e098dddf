"""All conserved quantities of a network under gradient flow, and what has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import DataError
from .. import bars
from ..find._shifts_and_scales import ShiftBlock
from ..find._symmetries import ParameterSymmetry
from ..moves._blocks import Block
from ..moves._vectors import Parameters, named
from ._block_law import BlockLaw, ShiftLaw, symmetric_dim
from ._neuron_law import NeuronLaw
from ._tracker import Tracker

Law = BlockLaw | ShiftLaw | NeuronLaw


@dataclass(frozen=True)
class Lawless:
    """A symmetry without a conserved quantity.

    Attributes
    ----------
    label : str
        Where it acts.
    why : str
        Why there is none.
    """

    label: str
    why: str


@dataclass(frozen=True)
class Laws:
    """The conserved quantities of a network.

    Attributes
    ----------
    model : Module
        Whose parameters they are about.
    laws : tuple of BlockLaw, ShiftLaw and NeuronLaw
        Each a family of quantities of one block.
    lawless : tuple of Lawless
        Symmetries without a conserved quantity, and why.
    """

    model: nn.Module
    laws: tuple[Law, ...]
    lawless: tuple[Lawless, ...]

    @property
    def dim(self) -> int:
        """Number of quantities, each counted once."""
        return sum(law.dim if isinstance(law, BlockLaw) else len(self._values(law)) for law in self.laws)

    def values(self, parameters: Parameters | None = None) -> dict[str, Tensor]:
        """Values of every law, by its name, at the present parameters or at others."""
        point = named(self.model) if parameters is None else parameters
        return {law.name: law.values(point) for law in self.laws}

    def drift(self, start: Parameters, end: Parameters) -> dict[str, float]:
        """Largest change of the values of every law between two points."""
        before, after = self.values(start), self.values(end)
        return {name: float((after[name] - value).abs().max()) for name, value in before.items()}

    def track(
        self, optimizer: torch.optim.SGD, *, tolerance: float = bars.MOST_ROUNDINGS, alarm: str = "raise"
    ) -> Tracker:
        """Compare every step of SGD with the exact laws from now on; see ``Tracker``.

        Laws of single neurons on orthogonal data are left out: no exact law of a discrete step is known for them.
        """
        rates = learning_rates(self.model, optimizer)
        chosen = [replace(law, rates=rates) for law in self.laws if not isinstance(law, NeuronLaw)]
        return Tracker(self.model, chosen, optimizer, tolerance=tolerance, alarm=alarm)

    def to_dict(self, most: int = 4096) -> dict[str, Any]:
        """Values of every law as plain values for JSON; of more than ``most`` numbers only their count and size."""
        return {
            "conserved": [_row(name, values, most) for name, values in self.values().items()],
            "lawless": [asdict(one) for one in self.lawless],
        }

    def __str__(self) -> str:
        """One line for every law and every symmetry without one."""
        rows = [f"{law.name}: {self._values(law).numel()} values" for law in self.laws]
        return "\n".join([*rows, *(f"{none.label}: none, {none.why}" for none in self.lawless)])

    def _values(self, law: Law) -> Tensor:
        return law.values(named(self.model))


def conserved_quantities(
    model: nn.Module,
    symmetry: ParameterSymmetry,
    *,
    rates: Mapping[str, float] | None = None,
    others: Sequence[ShiftLaw | NeuronLaw] = (),
) -> Laws:
    """Quantities that gradient flow keeps, one family for each block of the symmetry.

    Parameters
    ----------
    model : Module
        The network.
    symmetry : ParameterSymmetry
        What ``symmetries(model, example)`` found.
    rates : mapping, optional
        Learning rates by name of parameter, where they differ from one another; of an optimizer, see
        ``learning_rates``.
    others : sequence of ShiftLaw and NeuronLaw
        Laws of the loss or of the data, which the network alone does not tell.

    Raises
    ------
    DataError
        If the symmetry belongs to another network.

    References
    ----------
    zhao2023conserved
    """
    point = named(model)
    laws: list[Law] = []
    lawless: list[Lawless] = []
    for block in symmetry.blocks:
        missing = [name for name in block.parameters if name not in point]
        if missing:
            raise DataError(
                f"symmetry: expected one of this model, received a block on {missing}, which it has not; "
                "call symmetries(model, example) on this model"
            )
        why = _objection(block, model)
        if why:
            lawless.append(Lawless(block.label, why))
        elif isinstance(block, ShiftBlock):
            laws.extend(ShiftLaw(name, rates or {}) for name in block.parameters)
        else:
            laws.append(BlockLaw(block, rates or {}))
    return Laws(model, (*laws, *others), tuple(lawless))


def _row(name: str, values: Tensor, most: int) -> dict[str, Any]:
    """One family of quantities; symmetric matrices also by their eigenvalues."""
    matrices = values.ndim == 3
    return {
        "label": name,
        "count": values.numel(),
        "norm": float(values.norm()),
        "values": values.tolist() if values.numel() <= most else None,
        "eigenvalues": torch.linalg.eigvalsh(values).tolist() if matrices else None,
    }


def learning_rates(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, float]:
    """Learning rates by name of parameter, relative to the largest; what the optimizer does not hold is left out."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = {
        names[id(parameter)]: float(group["lr"])
        for group in optimizer.param_groups
        for parameter in group["params"]
        if id(parameter) in names
    }
    top = max(found.values(), default=1.0) or 1.0
    return {name: rate / top for name, rate in found.items() if rate > 0}


def _objection(block: Block | ShiftBlock, model: nn.Module) -> str:
    """Why a block has no law; empty if it has one."""
    frozen = [name for name, value in model.named_parameters() if name in block.parameters and not value.requires_grad]
    if frozen:
        return f"{', '.join(frozen)} is frozen, so that the flow leaves it behind"
    if block.exactness.kind != "exact":
        return f"the symmetry is {block.exactness.kind} ({block.exactness.why})"
    if isinstance(block, Block) and not symmetric_dim(block.group):
        return "its field is no gradient; at every moment <d theta/dt, xi> = 0 and no more"
    return ""
