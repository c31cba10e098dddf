"""Which terms to keep: by size or by evidence, never leaving the space that the symmetry allows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ._systems import Solution, System, settled, solve, without

SELECTIONS = ("threshold", "share", "evidence")
_WAYS = 16  # kept on every level of the search
_TIED = 1e-9


def select_terms(
    system: System, basis: Tensor, threshold: float, selection: str, tolerance: float, penalty: Tensor | None = None
) -> Solution:
    """Sparse coefficients in the span of ``basis`` `(k, n, terms)`.

    ``"threshold"``: entries smaller than ``threshold`` are set to zero together, what is left of the space is fitted
    again, until nothing is small. ``"share"``: the same, for entries whose term makes up less than that share of its
    equation. ``"evidence"``: entries are set to zero one after another, the least certain first,
    along the few most promising ways; of all fits on the way without entries smaller than ``threshold`` the one of
    least ``residual / noise + dim (log(rows) + log(dim of the space))`` is taken, the extended Bayesian criterion.
    """
    start = settled(basis, tolerance)
    if selection != "evidence":
        sizes = _shares(system) if selection == "share" else start.new_ones(start.shape[1:])
        return _by_size(system, start, sizes, threshold, tolerance, penalty)
    groups = [list(range(len(system.target)))] if penalty is not None else _coupled(start)
    found = [
        _by_evidence(_rows_of(system, g), _part_of(start, g), threshold, tolerance, penalty)
        for g in groups  # equations that share no parameter are searched on their own
    ]
    return _merged(found, groups, start)


def _shares(system: System) -> Tensor:
    """Size of every term beside the target of every equation, `(n, terms)`."""
    sizes = system.factors.norm(dim=1)
    return sizes[:, :-1] / sizes[:, -1:].clamp_min(1e-300)


def _by_size(
    system: System, basis: Tensor, sizes: Tensor, threshold: float, tolerance: float, penalty: Tensor | None
) -> Solution:
    found = solve(system, basis, penalty)
    while bool((small := found.alive & (found.coef.abs() * sizes < threshold)).any()):
        found = solve(system, settled(without(found.basis, small, tolerance), tolerance), penalty)
    return found


def _by_evidence(system: System, basis: Tensor, threshold: float, tolerance: float, penalty: Tensor | None) -> Solution:
    level = [solve(system, basis, penalty)]
    noise = max(level[0].residual / max(1, system.rows - level[0].dim), 1e-300)

    price = math.log(system.rows) + math.log(max(1, level[0].dim))

    def cost(found: Solution) -> float:
        small = bool((found.alive & (found.coef.abs() < threshold)).any())
        return math.inf if small else found.residual / noise + found.dim * price

    best = level[0]
    while level:
        best = min([best, *level], key=cost)
        spaces = [settled(without(s.basis, entry, tolerance), tolerance) for s, entry in _promising(level)]
        level = [solve(system, space, penalty) for space in spaces]
    return best


def _promising(level: Sequence[Solution]) -> list[tuple[Solution, Tensor]]:
    """Solutions with an entry `(n, terms)` to drop; dropping adds ``(size / standard error)^2`` to the residual."""
    choices: dict[bytes, tuple[float, Solution, Tensor]] = {}
    for found in level:
        losses = torch.where(found.alive, (found.coef / found.errors.clamp_min(1e-300)).square(), math.inf)
        for place in losses.flatten().argsort()[:_WAYS].tolist():
            loss = float(losses.flatten()[place])
            if not math.isfinite(loss):
                continue
            entry = losses == loss  # with it go the entries that the symmetry ties to it
            choice = (found.residual + loss, found, entry)
            key = (found.alive & ~entry).numpy().tobytes()
            choices[key] = min(choice, choices.get(key, choice), key=lambda c: c[0])
    ranked = sorted(choices.values(), key=lambda c: c[0])
    return [(found, entry) for _, found, entry in ranked[:_WAYS]]


def _coupled(basis: Tensor) -> list[list[int]]:
    """Groups of equations that share parameters."""
    n = basis.shape[1]
    flat = basis.flatten(1)
    shared = (flat.T @ flat).abs().reshape(n, basis.shape[2], n, basis.shape[2]).amax(dim=(1, 3)) > _TIED
    groups: list[set[int]] = []
    for i in range(n):
        own = {i, *shared[i].nonzero().flatten().tolist()}
        own = own.union(*(g for g in groups if g & own))
        groups = [*(g for g in groups if not g & own), own]
    return [sorted(g) for g in groups]


def _rows_of(system: System, group: list[int]) -> System:
    return System(system.design[group] if len(system.design) > 1 else system.design, system.target[group])


def _part_of(basis: Tensor, group: list[int]) -> Tensor:
    """The space of a group of equations alone."""
    others = torch.ones(basis.shape[1:], dtype=torch.bool)
    others[group] = False
    return without(basis, others)[:, group]


def _merged(found: list[Solution], groups: list[list[int]], like: Tensor) -> Solution:
    """One solution of all groups."""
    coef, errors = torch.zeros(like.shape[1:], dtype=torch.float64), torch.zeros(like.shape[1:], dtype=torch.float64)
    bases: list[Tensor] = []
    for part, group in zip(found, groups, strict=True):
        coef[group], errors[group] = part.coef, part.errors
        wide = torch.zeros(part.dim, *like.shape[1:], dtype=torch.float64)
        wide[:, group] = part.basis
        bases.append(wide)
    return Solution(coef, errors, torch.cat(bases), sum(part.residual for part in found))
