"""Discrete symmetries: single group elements, which the Lie derivative cannot see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...action._representation import Representation
from ...algebra._lie_algebra import lie_algebra
from ...core import bars as cuts
from ...core._autodiff import Map, evaluating, value_of
from ...core._checks import as_basis, as_points
from ...core._linalg import EPSILON, Cut, cut_spectrum
from ...derivative._finite_flow import finite_error
from ...errors import DataError
from ...symmetry import Certificate, Symmetry
from ...symmetry import bars as verdicts
from ...symmetry._domain import Seen
from .. import bars
from ..evidence._result import Discovery
from ._order import order_of

_PRECISION = 1e-10  # of a parameter


class DiscreteSymmetries(Discovery):
    """Elements g of a list, or of a curve of matrices, with ``f(g x) = rho_out(g) f(x)``.

    Each is judged by the difference of both sides relative to their spread, in [0, 1]. Use it for reflections,
    permutations and k-fold rotations. Take the continuous part from another road first: ``cosets`` of what it found
    are candidates, and its ``surrogate_`` is a map to try them on.

    Parameters
    ----------
    rho_in, rho_out : Representation
        How group elements, given as their defining matrices `(n, n)`, act on inputs and outputs.
    rank : "gap", int or float
        How to cut the sorted errors.

    Attributes
    ----------
    symmetry_ : Symmetry
        The elements, their orders and the evidence: gap, error on each half of the data, and whether products of
        symmetries are symmetries. It has no continuous part.
    kept_ : list of int
        Their places in the list of candidates.
    errors_ : Tensor
        `(candidates,)` errors in the order given.
    parameters_ : list of float
        After ``fit_curve``, the parameters of the candidates.

    Raises
    ------
    DataError
        If there are fewer than four points or no elements, values are not finite, or parameters do not ascend.
    RepresentationMismatchError
        If shapes do not fit the representations.

    Examples
    --------
    >>> import itertools, torch, isotropy as iso
    >>> flips = torch.stack([torch.diag(torch.tensor(s)) for s in itertools.product([1.0, -1.0], repeat=2)])
    >>> V = iso.gl(2).vector()
    >>> x = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    >>> found = DiscreteSymmetries(V, iso.gl(2).scalar()).fit(lambda x: x[:, 0].cos() + x[:, 1] ** 3, x, flips)
    >>> found.kept_, found.status_
    ([0, 2], 'certified')
    """

    kept_: list[int]
    errors_: Tensor
    parameters_: list[float]

    def __init__(self, rho_in: Representation, rho_out: Representation, *, rank: str | int | float = "gap") -> None:
        self.rho_in = rho_in
        self.rho_out = rho_out
        self.rank = rank

    def fit(self, f: Map, x: Any, elements: Any) -> DiscreteSymmetries:
        """Try matrices `(candidates, n, n)` on a map at points `(S, size)`."""
        points = self._points(x)
        candidates = as_basis(elements, "elements")
        if not len(candidates):
            raise DataError("elements: expected at least one matrix, received none; list the candidates")
        self._conclude(f, points, candidates)
        return self

    def fit_curve(
        self, f: Map, x: Any, curve: Callable[[float], Tensor], parameters: Sequence[float]
    ) -> DiscreteSymmetries:
        """Scan matrices ``curve(t)`` over ascending ``parameters`` and try the bottoms of the valleys.

        A curve through a component of the group that the algebra cannot reach, such as ``t -> rotation(t) @ mirror``,
        or rotations by an angle when the symmetry is k-fold.
        """
        points, grid = self._points(x), [float(t) for t in parameters]
        if len(grid) < 3 or sorted(set(grid)) != grid:
            raise DataError(f"parameters: expected at least 3, ascending, received {len(grid)}; scan the curve finely")
        self.parameters_ = _valleys(lambda t: self._error(f, points, torch.as_tensor(curve(t))), grid)
        self._conclude(f, points, as_basis(torch.stack([torch.as_tensor(curve(t)) for t in self.parameters_])))
        return self

    @property
    def elements_(self) -> Tensor:
        """`(k, n, n)` the elements that are symmetries, in the order of the list."""
        return self.symmetry_.elements

    def _points(self, x: Any) -> Tensor:
        points = as_points(x, "x", self.rho_in.event).detach()
        if len(points) < 4:
            raise DataError(f"x: expected at least 4 points, received {len(points)}; bring more data")
        return points

    def _error(self, f: Map, x: Tensor, g: Tensor) -> float:
        """Difference of ``f(g x)`` and ``rho_out(g) f(x)`` relative to their spread."""
        with evaluating(f), torch.no_grad():
            value = value_of(f, x).reshape(len(x), -1)
            moved = value_of(f, x @ self.rho_in.rho(g).to(x).T).reshape(len(x), -1)
            turned = value @ self.rho_out.rho(g).to(value).T
        return finite_error(moved, turned)

    def _conclude(self, f: Map, points: Tensor, candidates: Tensor) -> None:
        halves = [torch.tensor([self._error(f, part, g) for g in candidates]) for part in (points[::2], points[1::2])]
        self.errors_ = torch.tensor([self._error(f, points, g) for g in candidates], dtype=torch.float64)
        order = torch.argsort(self.errors_, descending=True, stable=True)
        floor = verdicts.ROUNDINGS * float(torch.finfo(points.dtype).eps)
        rules: dict[str, Any] = {"rank": self.rank, "floor": floor, "tolerance": bars.ZERO_ELEMENT}
        cut = cut_spectrum(self.errors_[order].clamp_max(1.0), **rules)
        self.kept_ = sorted(int(i) for i in order[len(order) - cut.dim :])
        kept = candidates[self.kept_]
        checks: dict[str, Certificate] = {}
        if self.kept_:
            smallest_broken = float(self.errors_[order[len(order) - cut.dim - 1]]) if cut.dim < len(order) else 1.0
            worst = max(float(half[self.kept_].max()) for half in halves)
            checks = {
                "gap": Certificate(
                    cut.gap, cuts.MIN_GAP, cut.clear, f"the next element is broken {cut.gap:.3g} times more"
                ),
                "halves": _halves(worst, smallest_broken / cuts.MIN_GAP),
                "closure": self._closure(f, points, kept),
            }
        self.symmetry_ = self._concluded(points, kept, cut, checks, self.errors_[order])

    def _concluded(
        self, points: Tensor, kept: Tensor, cut: Cut, checks: dict[str, Certificate], errors: Tensor
    ) -> Symmetry:
        """A symmetry without a continuous part."""
        whole = lie_algebra(self.rho_in)
        none = torch.zeros(0, whole.dim, dtype=torch.float64)
        passed = all(c.passed for c in checks.values())
        return Symmetry(
            candidates=self.rho_in,
            coefficients=none,
            algebra=whole.span(none),
            uncertainty=none,
            status=("certified" if passed else "undecided") if len(kept) else "none",
            trivial=whole.span(none),
            transversal=whole.span(none),
            certificates=checks,
            spectrum=errors,
            cut=cut.dim,
            gap=cut.gap,
            floor=cut.floor,
            elements=kept,
            orders=tuple(order_of(g) for g in kept),
            domain=Seen.of(points).domain(),
            road=type(self).__name__,
            derivative="finite elements",
        )

    def _closure(self, f: Map, points: Tensor, kept: Tensor) -> Certificate:
        """Products of symmetries are symmetries, up to the sum of their errors."""
        pairs = [g @ h for g in kept for h in kept]
        worst = max(self._error(f, points, g) for g in pairs)
        rounding = verdicts.MANY_ROUNDINGS * max(EPSILON, float(torch.finfo(points.dtype).eps))
        limit = max(bars.PRODUCT_ERRORS * float(self.errors_[self.kept_].max()), rounding)
        words = f"products of two of them have an error of up to {worst:.2g}"
        return Certificate(worst, limit, worst <= limit, words)


def _halves(worst: float, limit: float) -> Certificate:
    """The symmetries hold on each half of the data."""
    words = f"on either half of the data their error is at most {worst:.2g}; it has to stay below {limit:.2g}"
    return Certificate(worst, limit, worst <= limit, words)


def _valleys(error: Callable[[float], float], grid: list[float]) -> list[float]:
    """Parameters of all local minima of the error, refined between their neighbours."""
    from scipy.optimize import minimize_scalar

    values = [error(t) for t in grid]
    found: list[float] = []
    for i, value in enumerate(values):
        around = range(max(0, i - 1), min(len(grid), i + 2))
        if value > min(values[j] for j in around):
            continue
        best: Any = minimize_scalar(
            error, bounds=(grid[around[0]], grid[around[-1]]), method="bounded", options={"xatol": _PRECISION}
        )
        found.append(float(best.x) if best.fun < value else grid[i])
    return found
