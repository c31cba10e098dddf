"""What samples say of a smooth map at points of its domain, and what the candidates do there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ...action._action import Action
from . import bars


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
    turns, shifts : Tensor, optional
        `(P, dim, m, m)` and `(P, dim, m)`: outputs move as ``turns y + shifts``, near the most likely map.
    seed : int
        Of the draws.
    """

    mean: Tensor
    roots: tuple[Tensor, ...]
    priors: tuple[Tensor, ...]
    moves: Tensor
    turns: Tensor | None
    shifts: Tensor | None
    seed: int

    @property
    def points(self) -> int:
        """Number of points."""
        return len(self.mean)

    @cached_property
    def lie(self) -> Tensor:
        """``L_k f`` of the most likely map, `(P, m, dim)`."""
        return self._lie(self.mean)

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
        rows = [self._lie(one).flatten(0, 1) for one in self.draws]
        return torch.stack([part.T @ part for part in rows]).mean(0) / self.points

    @cached_property
    def chance(self) -> Tensor:
        """What a defect is compared with, `(dim, dim)`, of the most likely map."""
        return self._chance(self.mean[None])[0]

    @cached_property
    def chances(self) -> Tensor:
        """The same of the draws, `(J, dim, dim)`."""
        return self._chance(self.draws)

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

    def scatter(self, row: Tensor) -> float:
        """Standard error, relative to it, of the defect of one direction `(dim,)`: other points give another."""
        change, moves = (self.lie @ row).square().sum(1), torch.einsum("k,pkn->pn", row, self.moves)
        gradients = torch.einsum("pam,pbm->ab", self.mean[:, 1:], self.mean[:, 1:]) / self.points
        chance = torch.einsum("pa,ab,pb->p", moves, gradients, moves)
        if self.turns is not None:
            chance = chance + (self._images(self.mean[None])[0] @ row).square().sum(1)
        shares = [part / part.mean().clamp_min(1e-300) for part in (change, chance)]
        return float((shares[0] - shares[1]).std()) / self.points**0.5 / 2  # a root halves relative errors

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

    def _lie(self, values: Tensor) -> Tensor:
        """``L_k f`` `(P, m, dim)` of values and slopes `(P, 1 + n, m)`."""
        found = torch.einsum("pnm,pkn->pmk", values[:, 1:], self.moves)
        return found if self.turns is None else found - self._images(values[None])[0]

    def _chance(self, values: Tensor) -> Tensor:
        """``E_{x, x'} |Df(x') xi(x)|^2 + E |xi_out f|^2`` as forms `(J, dim, dim)`, of `(J, P, 1 + n, m)`."""
        gradients = torch.einsum("jpam,jpbm->jab", values[:, :, 1:], values[:, :, 1:]) / self.points
        carried = torch.einsum("pka,plb->klab", self.moves, self.moves) / self.points
        found = torch.einsum("klab,jab->jkl", carried, gradients)
        if self.turns is None:
            return found
        images = self._images(values).flatten(1, 2)
        return found + images.mT @ images / self.points

    def _images(self, values: Tensor) -> Tensor:
        """``xi_out f`` `(J, P, m, dim)` of `(J, P, 1 + n, m)`."""
        assert self.turns is not None
        found = torch.einsum("pkoi,jpi->jpok", self.turns, values[:, :, 0])
        return found if self.shifts is None else found + self.shifts.mT


def outputs_near(rho_out: Action, values: Tensor, x: Tensor, metric: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Turns `(P, dim, m, m)` and shifts `(P, dim, m)` of outputs near values `(P, m)`, in the metric; None where still.

    Exact for outputs that move affinely.
    """
    back = torch.linalg.inv(metric)

    def moved(v: Tensor) -> Tensor:
        return rho_out.fields(v @ back, at=x).to(torch.float64) @ metric

    units = torch.eye(len(metric), dtype=torch.float64).expand(len(x), -1, -1)
    turns = torch.stack([torch.func.jvp(moved, (values,), (unit.contiguous(),))[1] for unit in units.unbind(1)], dim=3)
    shifts = moved(values) - torch.einsum("pkoi,pi->pko", turns, values)
    if not bool(turns.any()) and not bool(shifts.any()):
        return None, None
    still = float(shifts.abs().amax()) <= bars.ROUNDING * float(moved(values).abs().amax())
    return turns, None if still else shifts
