"""Quadrature rules on rotations: averages over SO(3) and O(3) that are exact up to a stated degree.

A rule ``{R_i, w_i}`` has degree L when ``sum_i w_i D^l(R_i) = 0`` for ``1 <= l <= L``. The average of any function of
band limit L over the rule is then its average over the group, from every starting orientation.

What a rule has to integrate depends on the quantity. Outputs of rank r that are turned back have r degrees more than
raw ones, and squares (variances, spectra) have twice as many.
"""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from .core import bars
from .errors import CoarseRuleWarning, DataError

_ORDERS = (*range(3, 32, 2), *range(35, 132, 6))  # orders of Lebedev rules that scipy holds
_MOST_DEGREE = 200
_MOST_ELEMENTS = 1000  # of a finite group
_ORTHOGONAL = 1e-6  # of an entry: products of stored matrices that are the same element
_ROWS = 2**22  # entries of one block of characters


@dataclass(frozen=True, eq=False)
class Rule:
    """Orthogonal matrices and their weights.

    Attributes
    ----------
    rotations : Tensor
        `(k, 3, 3)` float64, improper ones included where the rule has inversion.
    weights : Tensor
        `(k,)`, of sum 1.
    name : str
        How the rule was made.
    """

    rotations: Tensor
    weights: Tensor
    name: str

    def __len__(self) -> int:
        return len(self.weights)

    @cached_property
    def degree(self) -> int:
        """Largest L up to which the rule is exact, by the characters of ``R_i^T R_j``; inversion is divided out."""
        for degree in range(1, _MOST_DEGREE + 1):
            if self.residual(degree) > math.sqrt(bars.VANISHING_MEAN * (2 * degree + 1)):
                return degree - 1
        return _MOST_DEGREE

    def residual(self, degree: int) -> float:
        """``|sum_i w_i D^l(R_i)|`` in Frobenius norm, from ``sum_ij w_i w_j chi_l(R_i^T R_j)``; 0 where exact."""
        if degree < 0:
            raise DataError(f"degree: expected 0 or more, received {degree}; degrees count from 0")
        proper = self.rotations * torch.linalg.det(self.rotations)[:, None, None]
        flat = proper.flatten(1)
        total = 0.0
        for rows, weights in zip(
            flat.split(max(1, _ROWS // len(self))), self.weights.split(max(1, _ROWS // len(self))), strict=True
        ):
            angles = torch.arccos(((rows @ flat.T - 1) / 2).clamp(-1.0, 1.0))
            total += float(weights @ _character(degree, angles) @ self.weights)
        return math.sqrt(max(total, 0.0))

    @property
    def has_inversion(self) -> bool:
        """Whether some elements are improper."""
        return bool((torch.linalg.det(self.rotations) < 0).any())

    def require(self, band_limit: int, rank: int = 0, moment: int = 1) -> bool:
        """Whether averages are exact: degree ``moment * (band_limit + rank)`` or more; warns if it is less.

        Parameters
        ----------
        band_limit : int
            Largest degree L of the raw outputs as functions of the orientation.
        rank : int
            Of the outputs, which are turned back before they are averaged; 0 for energies and for what derives
            from an energy, whose average is the derivative of the averaged energy.
        moment : int
            1 for a mean, 2 for a variance or a spectrum.
        """
        needed = moment * (band_limit + rank)
        if self.degree >= needed:
            return True
        message = (
            f"rule: expected degree {needed} or more for moment {moment} of outputs of rank {rank} and band limit "
            f"{band_limit}, received {self.name} of degree {self.degree}; use lebedev({max(needed, 1)})"
        )
        warnings.warn(message, CoarseRuleWarning, stacklevel=2)
        return False

    def randomised(self, seed: int | torch.Generator = 0) -> Rule:
        """The rule after one random rotation: unbiased at every degree, and exact where the rule is."""
        start = haar(1, seed).rotations[0]
        return Rule(self.rotations @ start, self.weights, f"{self.name}, randomised")

    def with_inversion(self) -> Rule:
        """The rule on O(3): every element twice, as R and as -R."""
        if self.has_inversion:
            raise DataError(f"expected a rule of proper rotations, received {self.name} with inversion; it has both")
        return Rule(
            torch.cat([self.rotations, -self.rotations]), self.weights.repeat(2) / 2, f"{self.name}, with inversion"
        )

    def __repr__(self) -> str:
        """Name and size."""
        return f"Rule({self.name}, {len(self)} elements)"


def identity() -> Rule:
    """The rule of one element: no average at all; degree 0."""
    return _uniform(torch.eye(3, dtype=torch.float64)[None], "identity")


def grid(label: str) -> Rule:
    """Grids by their names in the study of broken symmetries: ``"0"``, ``"i"``, ``"2"``, ``"2i"``, ``"3"``, ``"3i"``.

    The number L stands for L Gauss-Legendre nodes and 2L - 1 turns in each of the other two Euler angles (z, x, z),
    hence ``L (2L - 1)^2`` elements and degree ``2L - 2``; "i" adds inversion.

    Examples
    --------
    >>> len(grid("3")), grid("3").degree, len(grid("3i"))
    (75, 4, 150)

    References
    ----------
    langer2024probing
    """
    found = re.fullmatch(r"(0|[2-9]|[1-9]\d+)?(i?)", label)
    if not label or found is None:
        raise DataError(f'label: expected "0", "i", "2", "2i", "3", "3i" or a larger number, received {label!r}')
    count = int(found[1] or 0)
    rule = identity() if count == 0 else _zxz(count)
    rule = rule.with_inversion() if found[2] else rule
    return Rule(rule.rotations, rule.weights, f"grid {label}")


def polyhedral(group: str) -> Rule:
    """A polyhedron's rotations: ``"D2"`` (4; degree 1), ``"T"`` (12; 2), ``"O"`` (24; 3), ``"I"`` (60; 5).

    Examples
    --------
    >>> rule = polyhedral("T")
    >>> len(rule), rule.degree
    (12, 2)
    """
    if group not in ("D2", "T", "O", "I"):
        raise DataError(f'group: expected "D2", "T", "O" or "I", received {group!r}; choose one of these')
    from scipy.spatial.transform import Rotation

    elements: Any = Rotation.create_group(group)
    return _uniform(torch.as_tensor(elements.as_matrix()), group)


def generated(elements: Tensor, name: str = "group") -> Rule:
    """The finite group that orthogonal matrices `(k, 3, 3)` generate, each element with the same weight.

    Raises
    ------
    DataError
        If the matrices are not orthogonal and 3 by 3, or generate more than 1000 elements.

    Examples
    --------
    >>> import torch
    >>> turn = torch.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    >>> len(generated(turn))
    4
    """
    given = torch.as_tensor(elements).detach().to("cpu", torch.float64)
    one = torch.eye(3, dtype=torch.float64)
    fits = given.ndim == 3 and given.shape[1:] == (3, 3)
    if not fits or bool(((given @ given.mT - one).abs() > _ORTHOGONAL).any()):
        raise DataError(
            f"elements: expected orthogonal matrices (k, 3, 3), received shape {tuple(given.shape)} or matrices that "
            "stretch; give rotations and reflections of space"
        )
    found, fresh = one[None], one[None]
    while len(fresh):
        products = (fresh[:, None] @ given).reshape(-1, 3, 3)
        fresh = products[:0]
        for g in products:
            if not bool(((torch.cat([found, fresh]) - g).abs().amax(dim=(1, 2)) < _ORTHOGONAL).any()):
                fresh = torch.cat([fresh, g[None]])
        found = torch.cat([found, fresh])
        if len(found) > _MOST_ELEMENTS:
            raise DataError(
                f"elements: expected a finite group of at most {_MOST_ELEMENTS} elements, received matrices that "
                "generate more; mend the angles that are not whole fractions of a turn"
            )
    return _uniform(found, name)


def lebedev(degree: int) -> Rule:
    """Lebedev points for the axis times ``degree + 1`` even turns about it; exact to ``degree`` or more.

    Examples
    --------
    >>> len(lebedev(5)), lebedev(5).degree
    (84, 5)
    """
    from scipy.integrate import lebedev_rule

    if not 1 <= degree <= _ORDERS[-1]:
        raise DataError(f"degree: expected 1 to {_ORDERS[-1]}, received {degree}; gauss has no upper end")
    order = next(known for known in _ORDERS if known >= degree)
    rule: Any = lebedev_rule(order)
    x, y, z = torch.as_tensor(rule[0])
    weights = torch.as_tensor(rule[1]) / (4 * math.pi)
    axes = _turn_z(torch.atan2(y, x)) @ _turn_y(torch.arccos(z.clamp(-1.0, 1.0)))
    return _with_turns(axes, weights, degree + 1, f"lebedev({degree})")


def gauss(degree: int) -> Rule:
    """Gauss-Legendre nodes in ``cos(beta)`` times even turns; ``(L + 1)^2 ceil((L + 1) / 2)`` elements for degree L.

    Examples
    --------
    >>> len(gauss(4)), gauss(4).degree
    (75, 4)
    """
    if degree < 0:
        raise DataError(f"degree: expected 0 or more, received {degree}; choose the band limit")
    from scipy.special import roots_legendre

    nodes: Any = roots_legendre(degree // 2 + 1)
    cosines, weights = (torch.as_tensor(part) for part in nodes)
    alphas = _even_turns(degree + 1)
    axes = (alphas[:, None] @ _turn_y(torch.arccos(cosines))[None]).flatten(0, 1)
    return _with_turns(axes, (weights / 2).repeat(degree + 1) / (degree + 1), degree + 1, f"gauss({degree})")


def haar(n: int, seed: int | torch.Generator = 0) -> Rule:
    """Random rotations, uniform on SO(3), with equal weights; unbiased at every degree and exact at none.

    A generator goes on where it stands, a seed starts one.

    Examples
    --------
    >>> haar(10, seed=1).rotations.shape
    torch.Size([10, 3, 3])
    """
    if n < 1:
        raise DataError(f"n: expected at least one rotation, received {n}; ask for some")
    generator = seed if isinstance(seed, torch.Generator) else torch.Generator().manual_seed(seed)
    drawn = torch.randn(n, 4, generator=generator, dtype=torch.float64)
    w, x, y, z = (drawn / drawn.norm(dim=1, keepdim=True)).unbind(1)
    zero = torch.zeros_like(w)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).reshape(n, 3, 3)
    matrices = torch.eye(3, dtype=torch.float64) + 2 * w[:, None, None] * cross + 2 * cross @ cross
    return _uniform(matrices, f"haar({n}, seed={seed})" if isinstance(seed, int) else f"haar({n})")


def _zxz(count: int) -> Rule:
    """Gauss-Legendre nodes in ``cos(beta)`` and ``2 count - 1`` even turns before and after."""
    base = gauss(2 * count - 2)
    quarter = _turn_z(torch.tensor([math.pi / 2], dtype=torch.float64))[0]
    return Rule(quarter.T @ base.rotations @ quarter, base.weights, base.name)


def _uniform(rotations: Tensor, name: str) -> Rule:
    return Rule(rotations, torch.full((len(rotations),), 1 / len(rotations), dtype=torch.float64), name)


def _with_turns(axes: Tensor, weights: Tensor, count: int, name: str) -> Rule:
    """Every axis with ``count`` even turns about it."""
    rotations = (axes[:, None] @ _even_turns(count)[None]).flatten(0, 1)
    return Rule(rotations, weights.repeat_interleave(count) / count, name)


def _even_turns(count: int) -> Tensor:
    return _turn_z(torch.arange(count, dtype=torch.float64) * (2 * math.pi / count))


def _turn_z(angle: Tensor) -> Tensor:
    c, s, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack([c, -s, zero, s, c, zero, zero, zero, one], dim=1).reshape(-1, 3, 3)


def _turn_y(angle: Tensor) -> Tensor:
    c, s, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack([c, zero, s, zero, one, zero, -s, zero, c], dim=1).reshape(-1, 3, 3)


def _character(degree: int, angle: Tensor) -> Tensor:
    """``chi_l = 1 + 2 sum_k cos(k angle)``."""
    total = torch.ones_like(angle)
    for k in range(1, degree + 1):
        total += 2 * torch.cos(k * angle)
    return total
