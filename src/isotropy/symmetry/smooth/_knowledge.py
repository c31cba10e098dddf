"""What samples say of a smooth map at points of its domain, and what the candidates do there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from . import bars
from ._process import Process


@dataclass(frozen=True)
class Knowledge:
    """Values and slopes of a map at P points, with their errors, and the motions of dim candidates.

    Attributes
    ----------
    mean : Tensor
        `(P, 1 + n, m)` values and slopes along whitened coordinates.
    roots, priors : tuple of Tensor
        For each output roots `(P (1 + n), r)` of the covariance of the errors, and of what it was before the samples
        were seen.
    moves : Tensor
        `(P, dim, n)` motions in whitened coordinates.
    turns : Tensor, optional
        `(P, dim, m, m)` by which the outputs move.
    seed : int
        Of the draws.
    """

    mean: Tensor
    roots: tuple[Tensor, ...]
    priors: tuple[Tensor, ...]
    moves: Tensor
    turns: Tensor | None
    seed: int

    @property
    def points(self) -> int:
        """Number of points."""
        return len(self.mean)

    @cached_property
    def lie(self) -> Tensor:
        """``L_k f`` of the most likely map, `(P, m, dim)`."""
        return _lie(self.mean, self.moves, self.turns)

    @cached_property
    def draws(self) -> Tensor:
        """Maps that the samples allow, `(J, P, 1 + n, m)`."""
        generator = torch.Generator().manual_seed(self.seed)
        errors = [
            torch.randn(bars.DRAWS, root.shape[1], generator=generator, dtype=torch.float64) @ root.T
            for root in self.roots
        ]
        return self.mean + torch.stack(errors, dim=2).unflatten(1, self.mean.shape[:2])

    @cached_property
    def broken(self) -> Tensor:
        """Gram matrix `(dim, dim)` of the Lie derivatives, on average over maps that the samples allow."""
        rows = [_lie(one, self.moves, self.turns).flatten(0, 1) for one in self.draws]
        return torch.stack([part.T @ part for part in rows]).mean(0) / self.points

    @cached_property
    def chance(self) -> Tensor:
        """What a defect is compared with, `(dim, dim)`, of the most likely map."""
        return _chance(self.mean[None], self.moves, self.turns)[0]

    @cached_property
    def chances(self) -> Tensor:
        """The same of the draws, `(J, dim, dim)`."""
        return _chance(self.draws, self.moves, self.turns)

    @cached_property
    def motion(self) -> Tensor:
        """Gram matrix `(dim, dim)` of motions, in standard deviations."""
        flat = self.moves.transpose(0, 1).flatten(1)
        return flat @ flat.T / self.points

    @cached_property
    def spread(self) -> float:
        """Standard deviation of the map, all outputs together."""
        values = self.mean[:, 0]
        return float((values - values.mean(0)).square().sum(1).mean().sqrt())

    @cached_property
    def effective(self) -> float:
        """How many of the points carry the squares of the gradient."""
        sizes = self.mean[:, 1:].square().sum((1, 2))
        return float(sizes.sum().square() / sizes.square().sum().clamp_min(1e-300))

    def along(self, span: Tensor, parts: tuple[Tensor, ...]) -> Tensor:
        """``L_e`` of functions given by columns, for rows e of a span `(k, dim)`: `(k, P m, columns)`.

        ``parts`` holds, for every output, columns `(P (1 + n), r)` of values and slopes of that output alone.
        """
        moves = torch.einsum("ek,pkn->epn", span, self.moves)
        turns = None if self.turns is None else torch.einsum("ek,pkoi->epoi", span, self.turns)
        found: list[Tensor] = []
        for output, part in enumerate(parts):
            columns = part.unflatten(0, self.mean.shape[:2])
            slope = torch.einsum("epn,pnc->epc", moves, columns[:, 1:])
            whole = torch.zeros(*slope.shape[:2], len(parts), slope.shape[2], dtype=slope.dtype)
            whole[:, :, output] = slope
            if turns is not None:
                whole = whole - turns[..., output, None] * columns[None, :, None, 0]
            found.append(whole.flatten(1, 2))
        return torch.cat(found, dim=2)


def known(
    processes: tuple[Process, ...], points: Tensor, moves: Tensor, turns: Tensor | None, centre: Tensor, seed: int
) -> Knowledge:
    """What processes, one for each output, know of a map at whitened points `(P, n)`; ``centre`` `(m,)` is added."""
    means, roots, priors = zip(*[process.posterior(points) for process in processes], strict=True)
    mean = torch.stack(means, dim=2)
    mean[:, 0] += centre
    return Knowledge(mean, roots, priors, moves, turns, seed)


def _lie(values: Tensor, moves: Tensor, turns: Tensor | None) -> Tensor:
    """``L_k f`` `(P, m, dim)` of values and slopes `(P, 1 + n, m)`."""
    found = torch.einsum("pnm,pkn->pmk", values[:, 1:], moves)
    return found if turns is None else found - torch.einsum("pkoi,pi->pok", turns, values[:, 0])


def _chance(values: Tensor, moves: Tensor, turns: Tensor | None) -> Tensor:
    """``E_{x, x'} |Df(x') xi(x)|^2 + E |xi_out f|^2`` as forms `(J, dim, dim)`, of `(J, P, 1 + n, m)`."""
    points = len(moves)
    gradients = torch.einsum("jpam,jpbm->jab", values[:, :, 1:], values[:, :, 1:]) / points
    carried = torch.einsum("pka,plb->klab", moves, moves) / points
    found = torch.einsum("klab,jab->jkl", carried, gradients)
    if turns is None:
        return found
    images = torch.einsum("pkoi,jpi->jpok", turns, values[:, :, 0]).flatten(1, 2)
    return found + images.mT @ images / points
