"""Lie derivatives of maps that are linear in their coefficients, and what these are compared with, as tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ...action._action import Action
from ...errors import DataError
from ._polynomial_class import PolynomialClass

Denominator = Literal["shuffled", "terms"]


@dataclass(frozen=True)
class LearntForms:
    """Norms over the domain as Euclidean norms: ``|L_k f| = |lie[k] @ beta|`` for every candidate k.

    Attributes
    ----------
    lie : Tensor
        `(dim, rows, K)`.
    chance : Tensor
        `(dim, more rows, K)`: what the defect is compared with.
    motion : Tensor
        `(dim, dim)` Gram matrix of the fields, ``E[xi_k^T Sigma^-1 xi_l]`` with the covariance of the domain.
    outputs : int
        K is a multiple of it; coefficients of one term are neighbours.
    """

    lie: Tensor
    chance: Tensor
    motion: Tensor
    outputs: int

    def leading(self, terms: int) -> LearntForms:
        """The same for the class of the first terms; rows that this leaves empty go."""
        columns = terms * self.outputs
        return LearntForms(_filled(self.lie, columns), _filled(self.chance, columns), self.motion, self.outputs)


def learnt_forms(
    family: PolynomialClass,
    fields: Tensor,
    turns: Tensor | None = None,
    outputs: int = 1,
    metric: Tensor | None = None,
    denominator: Denominator = "shuffled",
) -> LearntForms:
    """Write the Lie derivative of a class of maps down.

    Parameters
    ----------
    family : PolynomialClass
        The maps, and the domain over which norms are taken.
    fields : Tensor
        `(points, dim, n)` the fields of the candidates at the domain's points, in the user's coordinates.
    turns : Tensor, optional
        `(points, dim, m, m)` or `(dim, m, m)`: outputs move as ``y -> B_k(x) y``. Left out: they stay.
    outputs : int
        m, where outputs stay.
    metric : Tensor, optional
        `(m, m)` with ``y @ metric`` the outputs in which lengths are taken; coefficients are those of ``y @ metric``.
    denominator : "shuffled" or "terms"
        "shuffled": what gradients paired with points at random give, ``E|C^(1/2) xi|^2 + E|xi_out f|^2``. "terms": the
        two terms of the Lie derivative apart, ``|Df xi|^2 + |xi_out f|^2``.

    Raises
    ------
    DataError
        If the denominator has another name.
    """
    if denominator not in ("shuffled", "terms"):
        raise DataError(f"denominator: expected 'shuffled' or 'terms', received {denominator!r}; take one of them")
    weights = family.weights.sqrt()[:, None, None]
    moves = torch.linalg.solve_triangular(family.root, fields.to(torch.float64), upper=True, left=False) * weights
    slopes = family.slopes(family.points) * weights
    basis = family.evaluate(family.centre + family.points @ family.root) * weights[:, 0]
    width = outputs if turns is None else turns.shape[-1]
    along = torch.einsum("pqn,pkn->pkq", slopes / weights, moves)
    turned = None if turns is None else _turned(turns, metric, basis)
    parts = _on(basis, along, *([] if turned is None else [turned]))
    unit = torch.eye(width, dtype=torch.float64)
    first = torch.einsum("rkq,oi->kroqi", parts[0], unit).flatten(3).flatten(1, 2)
    second = torch.zeros_like(first)
    if turns is not None:
        images = parts[1]
        if turns.ndim == 3:
            images = torch.einsum("koi,rq->rkoiq", in_metric(turns, metric), images)
        second = images.permute(1, 0, 2, 4, 3).flatten(3).flatten(1, 2)
    rest = first if denominator == "terms" else _shuffled(basis, slopes, moves, unit)
    weighted = moves.transpose(0, 1).flatten(1)
    return LearntForms(first - second, torch.cat([rest, second], dim=1), weighted @ weighted.T, width)


def matrices_of(action: Action, points: Tensor) -> Tensor:
    """Matrices `(points, dim, m, m)` by which the outputs move; the action has to be linear in them."""
    units = torch.eye(action.size, dtype=torch.float64)
    columns = [action.fields(unit.expand(len(points), -1), at=points) for unit in units]
    return torch.stack(columns, dim=3)


def in_metric(turns: Tensor, metric: Tensor | None) -> Tensor:
    """The matrices in the outputs of the metric."""
    if metric is None:
        return turns.to(torch.float64)
    side = metric.to(torch.float64).T
    return side @ turns.to(torch.float64) @ torch.linalg.inv(side)


def _turned(turns: Tensor, metric: Tensor | None, values: Tensor) -> Tensor:
    """``B_k(x) phi(x)`` `(points, dim, m, m, terms)`; of constant matrices the values `(points, terms)` say enough."""
    return values if turns.ndim == 3 else torch.einsum("pkoi,pq->pkoiq", in_metric(turns, metric), values)


def _shuffled(basis: Tensor, slopes: Tensor, moves: Tensor, unit: Tensor) -> Tensor:
    """Rows whose squares add up to ``E_{x, x'} |Df(x') xi(x)|^2``: products of an orthonormal system with itself."""
    (there,), (here,) = _on(basis, slopes), _on(basis, moves)
    pairs = torch.einsum("ukn,vqn->kuvq", here, there).flatten(1, 2)
    return torch.einsum("krq,oi->kroqi", pairs, unit).flatten(3).flatten(1, 2)


def _on(basis: Tensor, *parts: Tensor) -> list[Tensor]:
    """Functions on points, `(points, ...)` each, in one orthonormal system `(rows, ...)` that begins with the basis.

    Polynomials stay polynomials of the same degree under affine motions, and then the basis is enough; what it leaves
    is compressed apart, without squaring a condition number.
    """
    tall = torch.cat([part.flatten(1) for part in parts], dim=1)
    rows = basis.T @ tall
    rest = tall - basis @ rows
    if float(rest.abs().amax()) > 1e-10 * float(tall.abs().amax()):
        rows = torch.cat([rows, _compressed(rest)])
    kept = rows.norm(dim=1) > 1e-12 * rows.norm()
    split = rows[kept].split([part[0].numel() for part in parts], dim=1)
    return [piece.unflatten(1, part.shape[1:]) for piece, part in zip(split, parts, strict=True)]


def _compressed(tall: Tensor) -> Tensor:
    """As few rows as possible with the same Gram matrix."""
    if len(tall) > tall.shape[1]:
        tall = torch.linalg.qr(tall, mode="r").R
    _, sizes, axes = torch.linalg.svd(tall, full_matrices=False)
    kept = sizes > 1e-12 * sizes.amax()
    return (sizes[:, None] * axes)[kept]


def _filled(part: Tensor, columns: int) -> Tensor:
    """First columns `(dim, fewer rows, columns)`; in a system ordered by degree the rows of larger ones are empty."""
    kept = part[:, :, :columns]
    sizes = kept.square().sum((0, 2)).sqrt()
    return kept[:, sizes > 1e-12 * sizes.amax()]
