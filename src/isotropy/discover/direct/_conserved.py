"""Conserved quantities: the dual problem, the kernel of ``h -> dh(v)`` over a dictionary of functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...action._spanned import write_sum
from ...core import bars as cuts
from ...core._checks import as_points, require_finite, require_fraction
from ...core._estimator import Estimator
from ...core._linalg import EPSILON
from ...dictionary import Dictionary
from ...errors import DataError, RepresentationMismatchError
from ...symmetry import bars
from ...symmetry.claims import Interval
from ...symmetry.claims import bars as claims
from ._drift import Drift, Kept, kept

_MOST_STATES = 1000  # on which a drift is judged: its interval is then a few per cent of its value wide
_ENTRIES = 2**24  # numbers in the forms of a drift
_FLOOR = bars.MANY_ROUNDINGS * EPSILON


class ConservedQuantities(Estimator):
    """Functions ``h = sum_k c_k phi_k`` that stay constant along the motion, ``dh(v) = 0``.

    Each is judged by its drift, in spreads of ``h`` over the data. Along trajectories it is the change from the
    beginning to the end of each, as a straight line through its values tells it, together with the scatter about their
    mean. Of a field it is ``|dh(v)|`` times the time in which the motion goes once round: ``2 pi`` times the size of
    the states about their mean over the size of ``v``, in standard deviations. A drift of 1 says that ``h`` changes as
    much along the motion as it varies over all of the data. Constants are counted apart, as trivial.

    Quantities are chosen on some of the trajectories (or states) and judged on the rest, and the drift of every
    trajectory has to be within the tolerance.

    Parameters
    ----------
    dictionary : Dictionary
        Functions to combine, such as ``dictionary.polynomials(n, degree=2)``.
    rank : "gap", int or float
        How many to judge: the most that are within the tolerance, a number, or those below a drift.
    tolerance : float
        Drift that is accepted: 0 is exact.
    level : float
        Probability with which a certified quantity may have a true drift above the tolerance.
    seed : int
        Of the folds and the resamples.

    Attributes
    ----------
    coefficients_ : Tensor
        `(k, terms)` a sparse basis of the conserved quantities that vary over the data: exact ones, then others.
    trivial_ : Tensor
        `(l, terms)` combinations that are constant over all data.
    spectrum_ : Tensor
        Descending drifts of all functions, 1 for all that drift more.
    gap_ : float
        Ratio across the cut.
    status_ : str
        ``"certified"``: the upper limit of the drift of all of them is within the tolerance. ``"none"``: every function
        drifts by more. ``"undecided"`` otherwise; what is listed then is possible.
    grade_ : str
        ``"exact"`` if certified and none drifts by more than rounding, ``"approximate"`` if one does.
    errors_, lower_, upper_ : list of float
        Drift of each quantity as it is written, and its limits; nan where too few states carry it to bound it.
    why_ : str
        The answer in a sentence, with its numbers.

    Raises
    ------
    DataError
        If values are not finite, there are fewer than two trajectories, or a number is not between 0 and 1.
    RepresentationMismatchError
        If points or velocities do not have the size of the dictionary.

    References
    ----------
    otto2023unified

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> x = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> found = ConservedQuantities(iso.dictionary.polynomials(2, degree=2))
    >>> found.fit_field(lambda s: torch.stack([s[:, 1], -s[:, 0]], 1), x).equations(["q", "p"])
    ['q^2 + p^2']
    >>> found.status_, found.grade_
    ('certified', 'exact')
    """

    coefficients_: Tensor
    trivial_: Tensor
    spectrum_: Tensor
    gap_: float
    status_: str
    grade_: str
    errors_: list[float]
    lower_: list[float]
    upper_: list[float]
    why_: str

    def __init__(
        self,
        dictionary: Dictionary,
        *,
        rank: str | int | float = "gap",
        tolerance: float = 0.05,
        level: float = 0.05,
        seed: int = 0,
    ) -> None:
        self.dictionary = dictionary
        self.rank = rank
        self.tolerance = tolerance
        self.level = level
        self.seed = seed

    @property
    def dim_(self) -> int:
        """Number of independent conserved quantities, constants included."""
        return len(self.coefficients_) + len(self.trivial_)

    def fit_field(self, v: Callable[[Tensor], Tensor], x: Any) -> ConservedQuantities:
        """Find quantities conserved by the field ``v``, `(batch, n)` to `(batch, n)`, at states `(S, n)`."""
        states = as_points(x, "x", (self.dictionary.size,)).to(torch.float64)
        velocity = require_finite(v(states).detach().to(torch.float64), "v")
        if velocity.shape != states.shape:
            raise RepresentationMismatchError(
                f"v: expected velocities of shape {tuple(states.shape)}, received {tuple(velocity.shape)}; return one "
                "per state"
            )
        step = math.ceil(len(states) / min(_MOST_STATES, max(4, _ENTRIES // len(self.dictionary) ** 2)))
        states, velocity = states[::step], velocity[::step]
        turn, paces = _turn(states, velocity)
        slopes = self.dictionary.jacobian(states)  # (S, terms, n)
        values = self.dictionary.evaluate(states)
        terms = (slopes * velocity[:, None]).abs().sum(2).square().mean(0).sqrt() * turn
        changes = turn * torch.einsum("bpn,bn->bp", slopes, velocity)
        spreads = _departure(values, values.mean(0))
        return self._conclude(
            changes[:, None], spreads[:, None], terms, paces, "in the time the motion takes to go once round"
        )

    def fit(self, trajectories: Sequence[Any]) -> ConservedQuantities:
        """Find quantities conserved along trajectories of states `(T_i, n)`, at least two of them."""
        states = [as_points(s, f"trajectories[{i}]", (self.dictionary.size,)) for i, s in enumerate(trajectories)]
        if len(states) < 2:
            raise DataError(
                f"trajectories: expected at least 2, received {len(states)}; on one orbit a constant of the motion "
                "cannot be told from a number"
            )
        values = [self.dictionary.evaluate(s.to(torch.float64)) for s in states]
        centre = torch.stack([value.mean(0) for value in values]).mean(0)
        sizes = torch.stack([value.square().mean(0) for value in values]).mean(0).sqrt()
        changes = torch.stack([_along(value) for value in values])
        spreads = torch.stack([_squeezed(_departure(value, centre) / len(value) ** 0.5) for value in values])
        paces = torch.ones(len(states), dtype=torch.float64)  # the unit of time is the length of each trajectory
        return self._conclude(changes, spreads, sizes, paces, "from the beginning to the end of a trajectory")

    def equations(self, coordinates: Sequence[str] | None = None, digits: int = 3) -> list[str]:
        """Write every quantity that varies over the data."""
        names = self.dictionary.names(coordinates)
        return [
            write_sum(
                [(float(c), "" if name == "1" else name) for c, name in zip(row, names, strict=True) if c], digits
            )
            for row in self.coefficients_
        ]

    def _conclude(
        self, changes: Tensor, spreads: Tensor, sizes: Tensor, paces: Tensor, when: str
    ) -> ConservedQuantities:
        require_fraction(self.tolerance, "tolerance")
        require_fraction(self.level, "level")
        orbits = spreads.shape[1] > 1
        drift = Drift(changes, spreads, sizes, _FLOOR, paces, orbits, self.level, self.seed)
        kernel = drift.kernel(self.rank, _FLOOR, cuts.LARGEST_ZERO)
        found = kept(drift, kernel, self.tolerance, None if self.rank == "gap" else kernel.cut.dim)
        parts = [
            drift.rounded(part, kernel.trivial, found.span.value, self.tolerance)
            for part in (found.exact, found.approximate)
        ]
        self.spectrum_ = kernel.spectrum
        self.gap_ = kernel.cut.gap
        self.coefficients_ = torch.cat(parts)
        self.trivial_ = kernel.trivial
        self.status_ = found.status
        certified = found.status == "certified"
        within = len(found.exact) + len(found.approximate)
        limits = [_limited(drift, row[None], within, certified) for row in self.coefficients_]
        self.errors_, self.lower_, self.upper_ = (
            [getattr(limit, name) for limit in limits] for name in ("value", "lower", "upper")
        )
        # Coefficients are written in so many digits: where terms cancel, these may show a drift that rounding hides.
        exact = not len(parts[1]) and max(self.errors_, default=0.0) <= claims.COARSEST_EXACT
        self.grade_ = ("exact" if exact else "approximate") if certified else ""
        self.why_ = _why(found, self.tolerance, self.level, when)
        return self


def _limited(drift: Drift, row: Tensor, size: int, certified: bool) -> Interval:
    """The drift of a quantity `(1, terms)` as it is written; without limits where too few states carry it.

    The limits hold what its choice adds, too.
    """
    seen, value = drift.held_out(row, size), drift.plain(row).value
    known = certified or drift.bounded(row)
    return Interval(value, seen.lower, seen.upper) if known else Interval(value, math.nan, math.nan)


def _turn(states: Tensor, velocity: Tensor) -> tuple[float, Tensor]:
    """Time in which the motion goes once round, and what each state adds to the square of its pace, `(S,)`.

    That is ``2 pi`` sizes of the states over sizes of the velocities, in standard deviations, principal component by
    component, so that no unit enters. Components narrower than rounding do not count: along them nothing moves.
    """
    centred = states - states.mean(0)
    scale = centred.square().mean(0).sqrt()
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    _, spread, axes = torch.linalg.svd(centred / scale / len(states) ** 0.5, full_matrices=False)
    wide = spread > bars.TRIVIAL_MOTION * spread[0]
    size, speed = (part / scale @ axes[wide].T / spread[wide] for part in (centred, velocity))
    square = float(speed.square().sum(1).mean())
    if not square > 0:
        return 1.0, torch.ones(len(states), dtype=torch.float64)
    # To first order: a state adds its own speed, and lengthens the unit of size along which others move.
    longer = size @ (speed.T @ speed) / len(speed)
    paces = 1 + (speed.square().sum(1) - (size * longer).sum(1)) / square
    return 2 * math.pi * (int(wide.sum()) / square) ** 0.5, paces


def _along(value: Tensor) -> Tensor:
    """Rows `(terms + 1, terms)` of what functions do along one trajectory of values `(T, terms)`.

    The first is their change from beginning to end, by a straight line in time, which noise of single states hardly
    shifts; it weighs as much as all others, the scatter about the mean.
    """
    departure = _departure(value, value.mean(0))
    time = torch.linspace(-0.5, 0.5, len(value), dtype=torch.float64)[:, None]
    trend = (time * departure).sum(0, keepdim=True) / time.square().sum().clamp_min(1e-300)
    return torch.cat([trend, _squeezed(departure / len(value) ** 0.5)])


def _squeezed(rows: Tensor) -> Tensor:
    """Rows `(terms, terms)` with the same sums of squares and products."""
    factor = torch.linalg.qr(rows, mode="r").R
    return torch.cat([factor, factor.new_zeros(rows.shape[1] - len(factor), rows.shape[1])])


def _departure(value: Tensor, centre: Tensor) -> Tensor:
    """Departures `(T, terms)` from a centre, with rounding set to zero."""
    rounding = _FLOOR * value.abs().amax(0)
    departure = value - centre
    return torch.where(departure.abs() > rounding, departure, torch.zeros_like(departure))


def _why(found: Kept, tolerance: float, level: float, when: str) -> str:
    """The answer in a sentence."""
    size, span = len(found.exact) + len(found.approximate), found.span
    bounds = f" ({1 - level:.0%}: {_limits(span)})" if found.bounded else ""
    drift = f"{_percent(span)}{bounds} of its spread {when}"
    if found.status == "none":
        return (
            f"No function of the dictionary is conserved: the least changes by {drift}; the tolerance is {tolerance:g}."
        )
    if found.status == "undecided":
        return f"Undecided: {found.doubt}." + (f" The worst of {size} changes by {drift}." if size else "")
    if not len(found.approximate):
        return f"Conserved up to rounding, {size} of them: the worst changes by {span.upper:.1e} of its spread {when}."
    excluded = "exclude" if span.lower > 0 else "allow"
    return (
        f"The worst of {size} changes by {drift}, within the tolerance {tolerance:g}; the data {excluded} an exact one."
    )


def _percent(span: Interval) -> str:
    return f"{100 * span.value:.2g} %"


def _limits(span: Interval) -> str:
    return f"{100 * span.lower:.2g} to {100 * span.upper:.2g} %"
