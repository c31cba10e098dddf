"""Discrete symmetries: single group elements, which the Lie derivative cannot see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...action._representation import Representation
from ...algebra._lie_algebra import lie_algebra
from ...core._autodiff import Map, evaluating, value_of
from ...core._checks import as_basis, as_points, require_fraction
from ...core._linalg import EPSILON, cut_spectrum
from ...derivative._finite_flow import finite_error
from ...errors import DataError
from ...symmetry import Certificate, Generator, Symmetry
from ...symmetry import bars as verdicts
from ...symmetry._domain import Seen
from .. import bars
from ..evidence._result import Discovery
from ..limits._together import Quotients, within
from ._order import order_of
from ._trial import Element, Trial, interval_of

_PRECISION = 1e-10  # of a parameter
_LADDER = (1e-6, 1e-4, 1e-3, 0.01, 0.03, 0.1)  # tolerances that are counted beside the one asked for
_AS_GIVEN = "elements were tried on the map as it is; where it was learnt, its own error is not in these numbers"


class DiscreteSymmetries(Discovery):
    """Elements g of a list, or of a curve of matrices, with ``f(g x) = rho_out(g) f(x)``.

    Each is judged by its defect, the difference of both sides in root mean square, outputs in the metric of their
    covariance. A defect of 1 is what is left when the two sides come from two different samples, or, for elements that
    move points by little, when the motion of one sample is carried out at another. Use it for reflections,
    permutations and k-fold rotations. Take the continuous part from another road first: ``cosets`` of what it found
    are candidates, and its ``surrogate_`` is a map to try them on.

    Parameters
    ----------
    rho_in, rho_out : Representation
        How group elements, given as their defining matrices `(n, n)`, act on inputs and outputs.
    rank : "gap", int or float
        Which elements are kept: those within the tolerance, so many of the least broken, or all up to a defect.
    tolerance : float
        Defect that is accepted: 0 is exact, 1 is chance.
    level : float
        Probability with which any certified element may have a true defect above the tolerance.
    seed : int
        Of pairs by chance and resamples.

    Attributes
    ----------
    symmetry_ : Symmetry
        The elements, their orders and the evidence: the upper limit of the worst, and whether products of symmetries
        are symmetries. It has no continuous part; its ``generators`` hold the numbers of the elements.
    kept_ : list of int
        Their places in the list of candidates. Those that move nothing to which the map responds are among them.
    errors_ : Tensor
        `(candidates,)` defects in the order given.
    limits_of_errors_ : Tensor
        `(candidates, 2)` lower and upper limits that hold for all of them together.
    parameters_ : list of float
        After ``fit_curve``, the parameters of the candidates.

    Raises
    ------
    DataError
        If there are fewer than four points or no elements, values are not finite, or parameters do not ascend.
    RepresentationMismatchError
        If shapes do not fit the representations.

    Notes
    -----
    Samples are taken for independent draws. A break that none of them sees, as on a small part of the domain, is not
    seen. Parameters of a curve are chosen on every other sample and judged on those between.

    Examples
    --------
    >>> import itertools, torch, isotropy as iso
    >>> flips = torch.stack([torch.diag(torch.tensor(s)) for s in itertools.product([1.0, -1.0], repeat=2)])
    >>> V = iso.gl(2).vector()
    >>> x = torch.randn(100, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> found = DiscreteSymmetries(V, iso.gl(2).scalar()).fit(lambda x: x[:, 0].cos() + x[:, 1] ** 3, x, flips)
    >>> found.kept_, found.status_, found.grade_
    ([0, 2], 'certified', 'exact')
    """

    kept_: list[int]
    errors_: Tensor
    limits_of_errors_: Tensor
    parameters_: list[float]

    def __init__(
        self,
        rho_in: Representation,
        rho_out: Representation,
        *,
        rank: str | int | float = "gap",
        tolerance: float = 0.05,
        level: float = 0.05,
        seed: int = 0,
    ) -> None:
        self.rho_in = rho_in
        self.rho_out = rho_out
        self.rank = rank
        self.tolerance = tolerance
        self.level = level
        self.seed = seed

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
        self.parameters_ = _valleys(lambda t: self._error(f, points[::2], torch.as_tensor(curve(t))), grid)
        self._conclude(f, points[1::2], as_basis(torch.stack([torch.as_tensor(curve(t)) for t in self.parameters_])))
        return self

    @property
    def elements_(self) -> Tensor:
        """`(k, n, n)` the elements that are symmetries, in the order of the list."""
        return self.symmetry_.elements

    def _points(self, x: Any) -> Tensor:
        require_fraction(self.tolerance, "tolerance")
        require_fraction(self.level, "level")
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
        trial = Trial(f, points, self.rho_in, self.rho_out, self.seed)
        tried = [trial.of(g) for g in candidates]
        found = trial.judged(tried, self.level)
        self.errors_ = found.value
        self.limits_of_errors_ = torch.stack([found.lower, found.upper], 1)
        moving = torch.tensor([not element.ignored for element in tried])
        sure = found.known & (found.upper <= self.tolerance)
        possible = (found.lower <= self.tolerance) | ~found.known
        answered = bool((sure & moving).any())
        kept = self._forced() if self.rank != "gap" else sure if answered else sure | possible
        self.kept_ = torch.nonzero(kept)[:, 0].tolist()
        checks = self._checks(trial, candidates, found)
        certified = bool((kept & moving).any()) and all(check.passed for check in checks.values())
        refuted = not bool((possible & moving).any())
        open_ = int((possible & ~kept & moving).sum())
        limits = (*_left_open(open_, int((~moving).sum())), _AS_GIVEN)
        status = "certified" if certified else "none" if refuted and not bool((kept & moving).any()) else "undecided"
        self.symmetry_ = self._concluded(points, candidates, status, checks, (found, tried), limits)

    def _forced(self) -> Tensor:
        """Which are kept where the user says how many, or up to which defect."""
        order = torch.argsort(self.errors_, descending=True, stable=True)
        rules: dict[str, Any] = {"rank": self.rank, "floor": EPSILON}
        cut = cut_spectrum(self.errors_[order].clamp_max(1.0), **rules)
        kept = torch.zeros(len(order), dtype=torch.bool)
        kept[order[len(order) - cut.dim :]] = True
        return kept

    def _checks(self, trial: Trial, candidates: Tensor, found: Quotients) -> dict[str, Certificate]:
        """The upper limit of the worst that is kept, and products."""
        if not self.kept_:
            return {}
        worst, carried = interval_of(found, self.kept_)
        about = f"the worst of {len(self.kept_)} elements is broken by"
        return {
            "tolerance": within(worst, self.tolerance, self.level, about, carried),
            "closure": self._closure(trial, candidates[self.kept_]),
        }

    def _concluded(
        self,
        points: Tensor,
        candidates: Tensor,
        status: str,
        checks: dict[str, Certificate],
        numbers: tuple[Quotients, list[Element]],
        limits: tuple[str, ...],
    ) -> Symmetry:
        """A symmetry without a continuous part."""
        found, tried = numbers
        whole = lie_algebra(self.rho_in)
        none = torch.zeros(0, whole.dim, dtype=torch.float64)
        kept = candidates[self.kept_]
        broken = [float(error) for place, error in enumerate(self.errors_) if place not in self.kept_]
        worst = float(self.errors_[self.kept_].max()) if self.kept_ else 1.0
        floor = max(element.floor for element in tried)
        return Symmetry(
            candidates=self.rho_in,
            coefficients=none,
            algebra=whole.span(none),
            uncertainty=none,
            status=status,
            trivial=whole.span(none),
            transversal=whole.span(none),
            generators=tuple(_numbers(found, tried, place, self.tolerance) for place in self.kept_),
            certificates=checks,
            spectrum=self.errors_.sort(descending=True).values,
            cut=len(kept),
            gap=min(broken, default=1.0) / max(worst, floor, EPSILON),
            floor=floor,
            tolerance=self.tolerance,
            level=self.level,
            ladder=_ladder(found, tried, self.tolerance),
            ignored=sum(element.ignored for element in tried),
            elements=kept,
            orders=tuple(order_of(g) for g in kept),
            domain=Seen.of(points).domain(),
            road=type(self).__name__,
            derivative="finite elements",
            seed=self.seed,
            limits=limits,
        )

    def _closure(self, trial: Trial, kept: Tensor) -> Certificate:
        """Products of symmetries are symmetries, up to the sum of their errors."""
        products = [trial.of(g @ h) for g in kept for h in kept]
        worst = max(element.error for element in products)
        rounding = verdicts.MANY_ROUNDINGS * EPSILON
        floor = max(rounding, *(element.floor for element in products))
        limit = max(bars.PRODUCT_ERRORS * float(self.errors_[self.kept_].max()), floor)
        words = f"products of two of them have a defect of up to {worst:.2g}"
        return Certificate(worst, limit, worst <= limit, words)


def _numbers(found: Quotients, tried: list[Element], place: int, tolerance: float) -> Generator:
    """What is known about one element."""
    one = found.one(place)
    sure = bool(found.known[place]) and one.upper <= tolerance
    grade = "exact" if tried[place].exact else "approximate" if sure else ""
    return Generator(one.value, one.lower, one.upper, grade)


def _ladder(found: Quotients, tried: list[Element], tolerance: float) -> dict[float, int]:
    """How many elements are kept at other tolerances, 0 for exact."""
    exact = torch.tensor([element.exact for element in tried])
    counts = {t: int((exact | (found.known & (found.upper <= t))).sum()) for t in sorted({*_LADDER, tolerance})}
    return {0.0: int(exact.sum()), **counts}


def _left_open(undecided: int, silent: int) -> list[str]:
    said = [f"{undecided} further elements are neither within the tolerance nor excluded"] if undecided else []
    return said + ([f"{silent} elements move nothing to which the map responds"] if silent else [])


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
