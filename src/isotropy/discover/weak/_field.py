"""A polynomial field learnt from trajectories in the weak form, of a degree that these choose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from torch import Tensor

from ...symmetry.learnt import ChosenClass, LinearFit, PolynomialClass
from ...symmetry.learnt import bars as learnt
from .. import bars
from ._fit import WeakFit
from ._form import WeakForm
from ._on_set import SetPolynomials
from ._tracks import Noise, Track, noise_of, tracks_of

_ROUNDS = 2  # of weights from the last field; the first has none
_DRIVE_ROUNDS = 6  # of the size of a drive


@dataclass(frozen=True)
class WeakField:
    """A polynomial field learnt from trajectories in the weak form.

    Attributes
    ----------
    family : PolynomialClass
        The terms, and the domain over which defects are taken.
    rows : WeakFit
        Integrals along the tracks, in units of their noise.
    chosen : ChosenClass
        Degree of the field, and what spoke against smaller ones; 0 where no class is usable.
    noise : Noise
        Of single states.
    samples : int
        Number of states.
    drive : float
        Variance per unit of time by which the states are driven beside the field, in whitened coordinates.
    """

    family: PolynomialClass
    rows: WeakFit
    chosen: ChosenClass
    noise: Noise
    samples: int
    drive: float = 0.0

    @property
    def terms(self) -> int:
        """Number of terms of the field."""
        return self.family.terms(self.chosen.degree)

    @cached_property
    def fit(self) -> LinearFit:
        """Coefficients of the velocity in whitened coordinates."""
        return self.rows.fit(self.terms)

    @property
    def unexplained(self) -> float:
        """p-value of the residuals being noise: that between neighbours, or with a drive one that is white in time."""
        from scipy.stats import f

        if self.drive:
            return self.rows.whiteness(self.terms)
        freedom = len(self.rows.target) - self.terms * self.rows.outputs
        return float(f.sf(self.rows.excess(self.terms), freedom, self.noise.freedom))

    def velocity(self, x: Tensor) -> Tensor:
        """The field `(batch, n)` at states `(batch, n)`, in the user's coordinates."""
        coefficients = self.fit.beta.unflatten(0, (-1, self.family.size))
        return (self.family.evaluate(x)[:, : self.terms] @ coefficients @ self.family.root).to(x)


def weak_field(pairs: Sequence[tuple[Tensor, Tensor]], domain: Tensor, level: float) -> WeakField:
    """Learn a field from trajectories, in the smallest class that they do not speak against.

    Parameters
    ----------
    pairs : sequence of (Tensor, Tensor)
        States `(T, n)` and times `(T,)` of every trajectory.
    domain : Tensor
        `(points, n)` over which defects will be taken.
    level : float
        Of each test.

    Raises
    ------
    DataError
        If the domain is flat.
    """
    noise, degree = noise_of(pairs), _largest_degree(domain)
    tracks, count = tracks_of(pairs, noise), sum(len(x) for x, _ in pairs)
    found = _learnt(tracks, noise, PolynomialClass(domain, degree), level, count)
    if found.chosen.wider or domain.shape[1] < 3:  # in the plane every such set is a curve
        return found
    on_set = SetPolynomials(domain, degree, noise.variance)
    if not on_set.normals.shape[1] or on_set.curve:
        return found
    return _learnt(tracks, noise, on_set, level, count)


def _learnt(tracks: Sequence[Track], noise: Noise, family: PolynomialClass, level: float, samples: int) -> WeakField:
    """Weights and degree in turns; a drive only where noise of single states does not explain what is left."""
    form = WeakForm(tracks, noise, family)
    rows = form.fit(None)
    field = WeakField(family, rows, choose_weak_degree(rows, family, level), noise, samples)
    for _ in range(_ROUNDS if field.chosen.degree else 0):
        field = _improved(form, field, 0.0)
    return field if field.chosen.degree == 0 or field.unexplained >= level else _driven(form, field)


def _improved(form: WeakForm, field: WeakField, drive: float) -> WeakField:
    """The same with weights from its coefficients, and the degree that these choose."""
    known = None if field.chosen.degree == 0 else field.fit.beta.unflatten(0, (-1, form.family.size))
    rows = form.fit(known, drive)
    return replace(field, rows=rows, chosen=choose_weak_degree(rows, form.family, field.chosen.level), drive=drive)


def _driven(form: WeakForm, field: WeakField) -> WeakField:
    """The same with as much drive as makes residuals as large as their noise."""
    seen = [(0.0, field.rows.excess(field.terms))]
    # What is left is mostly drive: all of it, as a variance of whitened velocities over a test function.
    drive = form.residual_drive(field.fit.beta.unflatten(0, (-1, form.family.size)))
    for _ in range(_DRIVE_ROUNDS):
        found = _improved(form, field, drive)
        if found.chosen.degree == 0:
            return field
        field = found
        seen = [*seen[-1:], (drive, field.rows.excess(field.terms))]
        (first, high), (second, low) = seen
        if abs(low - 1) < bars.DRIVE_ACCURACY or high == low:
            break
        # Between two values the excess is A / (B + drive), as if every row had the same noise of single states.
        base = (low * second - high * first) / (high - low)
        drive = min(max(high * (base + first) - base, second / 10), 10 * second)
    return field


def _largest_degree(domain: Tensor) -> int:
    """Largest degree to look at, by what it costs and by the points that have to tell its terms apart."""
    points, size = domain.shape
    most = min(bars.MOST_WEAK_COLUMNS // size, learnt.MOST_TERMS, int(learnt.MOST_SHARE * points))
    degree = 1
    while degree < learnt.MOST_DEGREE + learnt.WIDER and math.comb(size + degree + 1, size) <= most:
        degree += 1
    return degree


def choose_weak_degree(rows: WeakFit, family: PolynomialClass, level: float) -> ChosenClass:
    """Smallest degree that is not rejected at a level against any larger one that the tracks can tell."""
    fitted = [d for d in range(1, family.degree + 1) if rows.usable(family.terms(d))]
    tried = [d for d in fitted if d <= learnt.MOST_DEGREE]
    found: dict[int, float] = {}
    for degree in tried:
        larger = [family.terms(d) for d in tried if d > degree]
        found[degree] = min((rows.p_value(family.terms(degree), many) for many in larger), default=1.0)
        if found[degree] >= level:
            break
    degree = max(found, default=0)
    return ChosenClass(degree, found, tuple(d for d in fitted if degree < d <= degree + learnt.WIDER), level)


def weak_doubt(field: WeakField, level: float) -> str:
    """Why nothing is claimed of a field, whatever its limits; empty if nothing speaks against it."""
    if field.chosen.degree == 0:
        return "the trajectories do not determine even a linear field: too few of them, or they lie on a curve"
    if field.unexplained < level:
        return (
            f"no polynomial up to degree {field.chosen.degree} explains the trajectories: what it leaves is neither "
            f"noise as between neighbours nor a drive that is white in time (p = {field.unexplained:.2g}, required at "
            f"least {level:g})"
        )
    other = field.rows.p_value_of_others(field.terms)
    if other < level:
        return (
            f"the field is no polynomial of degree {field.chosen.degree}: waves of the states explain what it leaves "
            f"(p = {other:.2g}, required at least {level:g})"
        )
    if not field.chosen.wider:
        return (
            f"fields of degree {field.chosen.degree} could not be compared with wider ones, as the trajectories visit "
            "too little of the space beside their noise; bring more of them, from other starts"
        )
    return ""
