"""The symmetry of a network's parameters as an action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...core._short import MOST_LINES, cut, shortened
from ...errors import NotAnAlgebraError, RepresentationMismatchError
from ..moves._blocks import Block
from ..moves._signed_permutations import Permutation, SignFlip
from ..moves._vectors import Parameters, flatten, unflatten
from ..trace._inference import Skipped
from ._on_batch import BatchBlock
from ._shifts_and_scales import ShiftBlock

_MOST_ENTRIES = 2**27  # of the matrices of an algebra that are written out
_SHOWN = 5  # blocks that are printed


def _matrix_size(block: Block | ShiftBlock) -> int:
    """Size of the matrices of a block."""
    return block.dim + 1 if isinstance(block, ShiftBlock) else block.copies * block.group.size


def _matrices(block: Block | ShiftBlock) -> list[Tensor]:
    """Generators of each copy; shifts as translations."""
    if isinstance(block, ShiftBlock):
        stack = torch.zeros(block.dim, block.dim + 1, block.dim + 1, dtype=torch.float64)
        stack[torch.arange(block.dim), torch.arange(block.dim), -1] = 1.0
        return [stack]
    return [block.group.element(torch.eye(block.group.dim, dtype=torch.float64))] * block.copies


@dataclass(frozen=True)
class SymmetryAlgebra:
    """The direct sum of the algebras of all blocks; its matrices are made when asked for.

    Attributes
    ----------
    blocks : tuple of Block or ShiftBlock
        The summands.
    combos : Tensor or None
        `(k, n)` combinations of the generators, for a subspace.
    """

    blocks: tuple[Block | ShiftBlock, ...]
    combos: Tensor | None = None

    @property
    def dim(self) -> int:
        """Number of generators."""
        return sum(block.dim for block in self.blocks) if self.combos is None else len(self.combos)

    @property
    def basis(self) -> Tensor:
        """Generators `(dim, n, n)` as block-diagonal matrices.

        Raises
        ------
        NotAnAlgebraError
            If they would be too large to write out.
        """
        total = sum(block.dim for block in self.blocks)
        size = sum(_matrix_size(block) for block in self.blocks)
        if size * size * total > _MOST_ENTRIES:
            raise NotAnAlgebraError(
                f"basis: expected an algebra that fits in memory, received {total} matrices of size {size}; "
                "work block by block with block.field and block.moment"
            )
        stack, row, place = torch.zeros(total, size, size, dtype=torch.float64), 0, 0
        for matrices in (matrices for block in self.blocks for matrices in _matrices(block)):
            rows, end = row + len(matrices), place + matrices.shape[-1]
            stack[row:rows, place:end, place:end] = matrices
            row, place = rows, end
        return stack if self.combos is None else torch.einsum("kn,nij->kij", self.combos, stack)

    def span(self, coefficients: Tensor) -> SymmetryAlgebra:
        """The span of combinations `(k, dim)` of the generators."""
        combos = coefficients if self.combos is None else coefficients @ self.combos
        return SymmetryAlgebra(self.blocks, combos)


class ParameterSymmetry(Action):
    """How the parameters of a network may move while its function stays.

    As an ``Action`` it moves flat points `(batch, n)`; ``velocity``, ``move`` and ``moment`` do the same for
    parameters by name. Coordinates ``xi`` `(dim,)` are those of the blocks, one after the other.

    Parameters
    ----------
    blocks : sequence of Block or ShiftBlock
        What moves.
    shapes : dict of str to tuple
        Names and shapes of all parameters of the network, in order.
    skipped : sequence of Skipped
        What does not move, and why.
    permutations, signs : sequence
        The discrete part.
    on_batch : sequence of BatchBlock
        Moves that keep the function on a batch only; they are no part of the algebra.

    Raises
    ------
    RepresentationMismatchError
        If ``xi`` is not of the dimension of the group.
    """

    def __init__(
        self,
        blocks: Sequence[Block | ShiftBlock],
        shapes: dict[str, tuple[int, ...]],
        skipped: Sequence[Skipped] = (),
        permutations: Sequence[Permutation] = (),
        signs: Sequence[SignFlip] = (),
        on_batch: Sequence[BatchBlock] = (),
    ) -> None:
        self.blocks = tuple(blocks)
        self.shapes = dict(shapes)
        self.skipped = tuple(skipped)
        self.permutations = tuple(permutations)
        self.signs = tuple(signs)
        self.on_batch = tuple(on_batch)
        size = sum(int(torch.Size(shape).numel()) for shape in self.shapes.values())
        super().__init__(SymmetryAlgebra(self.blocks), (size,))

    @property
    def dim(self) -> int:
        """Number of generators of all blocks."""
        return self.algebra.dim

    def select(self, *kinds: str, exactness: str | None = None) -> ParameterSymmetry:
        """The symmetry of the blocks of some kinds, and of one exactness."""
        chosen = [
            block
            for block in self.blocks
            if (not kinds or block.kind in kinds) and exactness in (None, block.exactness.kind)
        ]
        return ParameterSymmetry(chosen, self.shapes, self.skipped, self.permutations, self.signs, self.on_batch)

    # -- by name -------------------------------------------------------------------------------------------------

    def parts(self, xi: Tensor) -> list[Tensor]:
        """Coordinates of each block."""
        if tuple(xi.shape) != (self.dim,):
            raise RepresentationMismatchError(
                f"xi: expected {self.dim} coordinates, received shape {tuple(xi.shape)}; pass one per generator"
            )
        return list(xi.split([block.dim for block in self.blocks]))

    def velocity(self, xi: Tensor, parameters: Parameters) -> dict[str, Tensor]:
        """Velocity of every parameter that moves, by name."""
        total: dict[str, Tensor] = {}
        for block, own in zip(self.blocks, self.parts(xi), strict=True):
            for name, tangent in block.field(own, parameters).items():
                total[name] = total[name] + tangent if name in total else tangent
        return total

    def move(self, xi: Tensor, parameters: Parameters) -> dict[str, Tensor]:
        """Every parameter that moves, by name, after the motion ``exp(xi)``."""
        moved: dict[str, Tensor] = {}
        for block, own in zip(self.blocks, self.parts(xi), strict=True):
            moved.update(block.act(block.exp(own), {**parameters, **moved}))
        return moved

    def moment(self, covectors: Parameters, parameters: Parameters) -> Tensor:
        """``<q, xi_k>`` `(dim,)` for every generator and covectors ``q`` by name, such as gradients."""
        if not self.blocks:
            return next(iter(parameters.values())).new_zeros(0)
        return torch.cat([block.moment(covectors, parameters) for block in self.blocks])

    # -- as an action --------------------------------------------------------------------------------------------

    def flatten(self, parameters: Parameters) -> Tensor:
        """Parameters by name as one point `(n,)`."""
        return flatten({name: parameters[name] for name in self.shapes})

    def unflatten(self, point: Tensor) -> dict[str, Tensor]:
        """A point `(n,)` as parameters by name."""
        return unflatten(point, self.shapes)

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Velocity `(batch, dim, n)` of points `(batch, n)` under every generator."""
        units = torch.eye(self.dim, dtype=y.dtype, device=y.device)
        rows = [torch.stack([self._flat_field(unit, point) for unit in units]) for point in y] if self.dim else []
        return torch.stack(rows) if rows else y.new_zeros(len(y), 0, self.size)

    def field(self, xi: Tensor, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Velocity `(batch, n)` of points under one element."""
        return torch.stack([self._flat_field(self._coordinates(xi).to(y), point) for point in y])

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """Closed form of the motion."""
        element = (t * self._coordinates(xi)).to(y)
        parameters = [self.unflatten(point) for point in y]
        return torch.stack([self.flatten({**one, **self.move(element, one)}) for one in parameters])

    def _flat_field(self, xi: Tensor, point: Tensor) -> Tensor:
        parameters = self.unflatten(point)
        still = {name: torch.zeros_like(value) for name, value in parameters.items()}
        return self.flatten({**still, **self.velocity(xi, parameters)})

    def to_dict(self) -> dict[str, Any]:
        """Blocks, discrete moves and what was skipped, as plain values for JSON."""
        rows = [
            {
                "kind": block.kind,
                "group": block.name,
                "dimension": block.dim,
                "label": block.label,
                "parameters": list(block.parameters),
                "exactness": asdict(block.exactness),
            }
            for block in (*self.blocks, *self.on_batch)
        ]
        blocks = {"blocks": rows[: len(self.blocks)], "on_batch": rows[len(self.blocks) :]}
        discrete = {"permutations": self.permutations, "signs": self.signs}
        sizes = {kind: [{"label": one.label, "size": one.size} for one in moves] for kind, moves in discrete.items()}
        return {"dimension": self.dim, **blocks, **sizes, "skipped": [asdict(one) for one in self.skipped]}

    def __str__(self) -> str:
        """How far the parameters may move, along which blocks, and what was skipped, in a few lines."""
        count = f"{self.dim} dimensions of the {self.size} parameters, in {len(self.blocks)} block"
        ending = "" if len(self.blocks) == 1 else "s"
        nothing = f"The function stays along none of the {self.size} parameters"
        lines = [f"The function stays along {count}{ending}" if self.dim else nothing, *self._block_lines()]
        for kind, moves in (("orders", self.permutations), ("signs", self.signs)):
            if moves:
                lines.append(f"  {kind} of units, too: {', '.join(f'{one.size} of {one.label}' for one in moves)}")
        if self.on_batch:
            rows = [f"{b.name} on at most {b.exactness.rank} samples: {b.label}" for b in self.on_batch]
            lines.append(f"  {'; '.join(rows)}")
        skipped = [f"skipped {one.where}: {one.why}" for one in self.skipped]
        lines += [f"  {row}" for row in shortened(skipped, MOST_LINES - len(lines), "skipped")]
        return "\n".join(cut(line, "to_dict()") for line in lines)

    def __repr__(self) -> str:
        """Sizes in one line."""
        return f"ParameterSymmetry(dim={self.dim}, blocks={len(self.blocks)}, parameters={self.size})"

    def _block_lines(self) -> list[str]:
        """The largest blocks first."""
        blocks = sorted(self.blocks, key=lambda block: -block.dim)
        rows = [f"{b.kind} {b.name}, dimension {b.dim}: {b.label} ({b.exactness.kind})" for b in blocks]
        return [f"  {row}" for row in shortened(rows, _SHOWN, "blocks")]
