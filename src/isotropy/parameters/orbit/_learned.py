"""Learning where to teleport: a recurrent network proposes group elements and is trained through short descents."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ...errors import DataError, SymmetryError
from ..find._parameter_symmetry import ParameterSymmetry
from ..moves._blocks import Block
from ..moves._vectors import Parameters, flatten

Loss = Callable[[dict[str, Tensor]], Tensor]
Problem = Callable[[int], tuple[Loss, dict[str, Tensor]]]
Memory = list[tuple[Tensor, Tensor]]


class LearnedTeleport(nn.Module):
    """Proposes ``g = exp(size * T / |T|)`` for each block from the gradients of its parameters, with a memory.

    One LSTM cell for each block. The moves belong to the group, so that every proposal keeps the function, however
    badly it was learned; what is learned is only which point of the orbit descends faster. It learns the problems that
    it is shown; gains on new ones were small in our trials.

    Parameters
    ----------
    symmetry : ParameterSymmetry
        Its exact matrix and scaling blocks are used; all problems must have networks of its shapes.
    hidden : int
        Units of each cell.
    size : float
        Norm of each proposal in the algebra.
    seed : int
        Of the initial weights.

    Raises
    ------
    SymmetryError
        If there is no block to move.

    References
    ----------
    zhao2024improving
    """

    def __init__(self, symmetry: ParameterSymmetry, *, hidden: int = 20, size: float = 0.01, seed: int = 0) -> None:
        super().__init__()
        self.blocks = [b for b in symmetry.blocks if isinstance(b, Block) and b.exactness.kind == "exact"]
        if not self.blocks:
            raise SymmetryError("symmetry: expected an exact block to move, received none; this network has no orbit")
        self.size = size
        widths = [sum(int(torch.Size(symmetry.shapes[n]).numel()) for n in b.parameters) for b in self.blocks]
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.cells = nn.ModuleList(nn.LSTMCell(width + 1, hidden) for width in widths)
            self.heads = nn.ModuleList(nn.Linear(hidden, block.dim) for block in self.blocks)

    def forward(
        self, parameters: Parameters, gradients: Parameters, memory: Memory | None = None
    ) -> tuple[dict[str, Tensor], Memory]:
        """Moved parameters, by name, and the memory for the next call."""
        moved, kept = dict(parameters), []
        for k, (cell, head, block) in enumerate(zip(self.cells, self.heads, self.blocks, strict=True)):
            features = _features(gradients, block).to(next(head.parameters()))
            state = cell(features[None], None if memory is None else memory[k])
            proposal = head(state[0])[0]
            xi = self.size * proposal / torch.linalg.vector_norm(proposal)
            moved.update(block.act(block.exp(xi).to(next(iter(moved.values()))), moved))
            kept.append(state)
        return moved, kept

    def descend(self, loss: Loss, start: Parameters, lr: float, steps: int) -> Tensor:
        """Losses `(steps,)` of gradient descent with a proposal before each step, differentiable in the proposals.

        Raises
        ------
        DataError
            If the descent diverges.
        """
        point, memory, losses = dict(start), None, []
        for _ in range(steps):
            slopes, value = torch.func.grad_and_value(loss)(point)
            if not bool(torch.isfinite(value)):
                raise DataError(f"loss: expected a finite descent, received {float(value.detach())}; lower lr={lr}")
            losses.append(value)
            point, memory = self(point, {name: slope.detach() for name, slope in slopes.items()}, memory)
            slopes = torch.func.grad(loss)(point)
            point = {name: place - lr * slopes[name] for name, place in point.items()}
        return torch.stack(losses)

    def fit(self, problem: Problem, *, lr: float, steps: int = 10, rounds: int = 50, rate: float = 1e-3) -> list[float]:
        """Train on ``problem(0)``, ``problem(1)``, ...; the mean logarithm of the losses of each round.

        Parameters
        ----------
        problem : callable
            Takes a number to a loss of named parameters and a start.
        lr, steps : float, int
            Of the descents that are differentiated through.
        rounds : int
            Problems to train on, one for each step of Adam.
        rate : float
            Learning rate of Adam.

        Raises
        ------
        DataError
            If a descent diverges.
        """
        optimizer = torch.optim.Adam(self.parameters(), lr=rate)
        history: list[float] = []
        for number in range(rounds):
            loss, start = problem(number)
            objective = self.descend(loss, start, lr, steps).log().mean()
            optimizer.zero_grad()
            objective.backward()
            optimizer.step()
            history.append(float(objective.detach()))
        return history


def _features(gradients: Parameters, block: Block) -> Tensor:
    """Gradients of a block, of unit norm, and the logarithm of their norm."""
    flat = flatten({name: gradients[name] for name in block.parameters})
    norm = torch.linalg.vector_norm(flat).clamp_min(torch.finfo(flat.dtype).tiny)
    return torch.cat([flat / norm, norm.log()[None]])
