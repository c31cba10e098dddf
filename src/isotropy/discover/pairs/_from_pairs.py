"""Generators from pairs of points before and after a motion, by known or unknown amounts."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...algebra._lie_algebra import LieAlgebra
from ...core._checks import as_points, require_finite, require_fraction
from ...core._linalg import numerical_rank, principal_angles
from ...errors import DataError, RepresentationMismatchError
from ...symmetry import Certificate, Generator, Symmetry
from ...symmetry import bars as verdicts
from ...symmetry._domain import Seen
from ...symmetry.claims import Interval
from .. import bars
from ..evidence._result import Discovery
from ..limits._together import quotients, within
from ..surrogate._principal_frame import Frame, principal_frame
from ._pair_defect import left_over, metric_of, pair_squares, shared_part
from ._pair_fit import fit_both, fit_generators, flow

FOLDS = 4
RESOLUTIONS = (1e-1, 3e-2, 1e-2, 1e-3, 1e-4, 1e-5)
_COMPARED = 512
_NOISE = (
    "noise in the pairs counts as a break in the defect and its upper limit, as nothing tells it from one; the lower "
    "limit is what neighbouring pairs miss alike"
)


class FromPairs(Discovery):
    """Generators of ``y = exp(sum_k t_k L_k) x`` from pairs, such as images and turned images.

    With known times each round of least squares moves x forward and y back to their middle, so that no bias of a
    difference quotient stays. With unknown ones the second moments of ``(y - x) x^T`` show ``L`` up to its size,
    whatever the signs of the times: their leading direction starts an alternation between times (Gauss-Newton) and
    generators. All happens in the principal components that the data determine; constant pixels are left out.

    A defect of 1 says that the generators leave as much of pairs as of displacements that are dealt to other points,
    there, too, at the times that are given or, if none are, at those that fit best.

    Parameters
    ----------
    generators : int
        How many motions mix.
    antisymmetric : bool
        Whether motions keep the length of ``x``.
    resolution : "auto" or float
        Size, relative to the largest, of the principal components that are kept; ``"auto"`` takes what explains
        pairs left out best, so that noise does not enter.
    iterations : int
        Most rounds.
    tolerance : float
        Defect that is accepted: 0 is exact, 1 is chance.
    level : float
        Probability with which the certified span may have a true defect above the tolerance.
    seed : int
        Of displacements that are dealt to other points, and of resamples.

    Attributes
    ----------
    generators_ : Tensor
        `(K, n, n)` float64. With unknown times of norm 1 and orthogonal, signs are arbitrary.
    symmetry_ : Symmetry
        Their span, with how it moves points and the evidence: ``tolerance``, ``answer`` and ``stability``.
    times_ : Tensor
        `(pairs, K)`, given or found.
    frame_ : Frame
        The components that were used.
    held_out_ : float
        Part of the displacement ``|y - x|`` that the generators from other pairs leave unexplained.

    References
    ----------
    dehmamy2021automatic

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> x = torch.randn(200, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> t = torch.linspace(-0.3, 0.3, 200, dtype=torch.float64)
    >>> turned = torch.einsum("bij,bj->bi", torch.linalg.matrix_exp(t[:, None, None] * iso.so(3).basis[0]), x)
    >>> known, unknown = FromPairs().fit(x, turned, t), FromPairs().fit(x, turned)
    >>> known.algebra_.identify().name, unknown.algebra_.distance(known.algebra_) < 1e-3
    ('so(2)', True)
    """

    generators_: Tensor
    times_: Tensor
    frame_: Frame
    held_out_: float

    def __init__(
        self,
        generators: int = 1,
        *,
        antisymmetric: bool = False,
        resolution: str | float = "auto",
        iterations: int = 20,
        tolerance: float = 0.05,
        level: float = 0.05,
        seed: int = 0,
    ) -> None:
        self.generators = generators
        self.antisymmetric = antisymmetric
        self.resolution = resolution
        self.iterations = iterations
        self.tolerance = tolerance
        self.level = level
        self.seed = seed

    def fit(self, x: Any, y: Any, times: Any = None) -> FromPairs:
        """Learn from points before `(pairs, *event)` and after, and the times `(pairs,)` or `(pairs, K)` if known.

        Raises
        ------
        DataError
            If nothing moves, pairs are too few, or a value is not finite.
        RepresentationMismatchError
            If the shapes do not fit one another.
        """
        require_fraction(self.tolerance, "tolerance")
        require_fraction(self.level, "level")
        before, after, given = self._pairs(x, y, times)
        resolution = self._choose(before, after, given) if self.resolution == "auto" else float(self.resolution)
        self.frame_, self.generators_, self.times_ = self._solve(before, after, given, resolution)
        parts = [self._left_out(i, before, after, given, resolution) for i in range(FOLDS)]
        self.held_out_ = math.sqrt(sum(p[1] for p in parts) / sum(p[2] for p in parts))
        sine = _sine(before, self.generators_, [p[0] for p in parts])
        judged = parts[1:] if self.resolution == "auto" else parts  # the resolution was chosen on the first fold
        # Of the pairs that were fitted: what noise has done to the generators of a fold would be shared by all of it.
        left = left_over(self.generators_, before, after, given) @ metric_of(before, after).T
        alike = shared_part(left, before if given is None else torch.cat([before, given], 1), self.level)
        self.symmetry_ = self._concluded(before, sine, torch.cat([p[3] for p in judged]), alike)
        return self

    def _concluded(self, before: Tensor, sine: float, squares: Tensor, alike: float) -> Symmetry:
        """The span of the generators, whose own entries are all that was searched."""
        broken, chance, moved = squares.split(1, dim=1)
        found = quotients(broken, chance, self.level, self.seed, sizes=moved)
        answer = math.sqrt(float(chance.mean() / moved.mean()))
        seen, carried = found.one(0), float(found.effective)
        lower = min(seen.lower, math.sqrt(alike / float(chance.mean().clamp_min(1e-300))))
        error = Interval(seen.value, lower, seen.upper)
        certificates = _certificates(error, carried, answer, sine, (self.tolerance, self.level))
        passed = all(certificate.passed for certificate in certificates.values())
        # Pairs of which this much is left are joined by no motion that can be seen, be it a break or noise.
        nothing = certificates["answer"].passed and bool(found.known) and seen.lower >= bars.LEAST_UNEXPLAINED
        algebra = _span(self.generators_)
        own = torch.eye(algebra.dim, dtype=torch.float64)
        none = algebra.span(own[:0])
        grade = "approximate" if passed else ""
        return Symmetry(
            candidates=algebra.vector(),
            coefficients=own,
            algebra=algebra,
            uncertainty=sine * torch.ones_like(own),
            status="certified" if passed else "none" if nothing else "undecided",
            trivial=none,
            transversal=none,
            generators=tuple(Generator(error.value, error.lower, error.upper, grade) for _ in own),
            certificates=certificates,
            spectrum=torch.full((algebra.dim,), min(error.value, 1.0), dtype=torch.float64),
            cut=algebra.dim,
            tolerance=self.tolerance,
            level=self.level,
            ladder={0.0: 0, self.tolerance: algebra.dim if passed else 0},
            domain=replace(Seen.of(before).domain(), effective=carried),
            road=type(self).__name__,
            derivative="pairs",
            seed=self.seed,
            limits=(_NOISE,),
        )

    def predict(self, x: Any, times: Any) -> Tensor:
        """Points `(batch, *event)` moved by times, `(batch,)` or `(batch, K)` or one for all, in float64.

        Small and large motions are the same flow, so this extrapolates.
        """
        points = as_points(x, "x").detach().to("cpu", torch.float64)
        if points[0].numel() != self.generators_.shape[1]:
            raise RepresentationMismatchError(
                f"x: expected points of {self.generators_.shape[1]} numbers, received {tuple(points.shape)}; "
                "bring points like those of the fit"
            )
        given = torch.as_tensor(times, dtype=torch.float64)
        if given.ndim == 0 or (given.ndim == 1 and len(given) == len(self.generators_) != len(points)):
            element = torch.tensordot(given.reshape(-1), self.generators_, dims=1)
            return (points.flatten(1) @ torch.linalg.matrix_exp(element).T).reshape(points.shape)
        return flow(self.generators_, _as_times(given, len(points), len(self.generators_)), points.flatten(1)).reshape(
            points.shape
        )

    def action_error(self, x: Any, y: Any, times: Any) -> float:
        """``|exp(t L) x - y| / |y|`` over pairs: how far moved points are from where they should be."""
        target = as_points(y, "y").detach().to("cpu", torch.float64)
        return float((self.predict(x, times) - target).norm() / target.norm())

    def _pairs(self, x: Any, y: Any, times: Any) -> tuple[Tensor, Tensor, Tensor | None]:
        """Checked points `(pairs, n)` and times `(pairs, K)`."""
        before, after = (as_points(p, name).detach().to("cpu", torch.float64) for p, name in ((x, "x"), (y, "y")))
        if before.shape != after.shape:
            raise RepresentationMismatchError(
                f"y: expected the shape of x, {tuple(before.shape)}, received {tuple(after.shape)}; "
                "one moved point per point"
            )
        if min(self.generators, self.iterations) < 1 or len(before) < 2 * FOLDS:
            raise DataError(
                f"expected at least {2 * FOLDS} pairs, one generator and one iteration, received {len(before)}, "
                f"{self.generators} and {self.iterations}; ask for more"
            )
        given = None if times is None else _as_times(times, len(before), self.generators)
        if torch.equal(before, after) or (given is not None and not bool(given.any(0).all())):
            raise DataError("expected pairs that differ, received motions by nothing; bring points that moved")
        return before.flatten(1), after.flatten(1), given

    def _solve(self, x: Tensor, y: Tensor, times: Tensor | None, resolution: float) -> tuple[Frame, Tensor, Tensor]:
        """The frame, generators `(K, n, n)` and times from these pairs."""
        frame = principal_frame(torch.cat([x, y]), resolution, centred=False)
        before, after = x @ frame.directions.T, y @ frame.directions.T
        if times is None:
            L, times = fit_both(before, after, self.generators, self.antisymmetric, self.iterations)
        else:
            start = before.new_zeros(self.generators, frame.dim, frame.dim)
            L, _ = fit_generators(before, after, times, start, self.antisymmetric, self.iterations)
        return frame, frame.directions.T @ L @ frame.directions, times

    def _choose(self, x: Tensor, y: Tensor, times: Tensor | None) -> float:
        """The resolution whose generators explain pairs left out best."""
        sizes = principal_frame(torch.cat([x, y]), RESOLUTIONS[-1], centred=False).sizes
        finest = float(sizes[-1] / sizes[0])
        useful = [r for i, r in enumerate(RESOLUTIONS) if i == 0 or RESOLUTIONS[i - 1] > finest]
        errors = [self._left_out(0, x, y, times, r)[1] for r in useful]
        return useful[min(range(len(useful)), key=errors.__getitem__)]

    def _left_out(
        self, index: int, x: Tensor, y: Tensor, times: Tensor | None, resolution: float
    ) -> tuple[Tensor, float, float, Tensor]:
        """Generators without one fold; on it squares of what they leave, of displacements, and ``pair_squares``."""
        held = torch.arange(len(x)) % FOLDS == index
        _, L, _ = self._solve(x[~held], y[~held], None if times is None else times[~held], resolution)
        seen = x[held], y[held], None if times is None else times[held]
        left = left_over(L, *seen)
        squares = pair_squares(L, *seen, self.seed)
        return L, float(left.square().sum()), float((seen[1] - seen[0]).square().sum()), squares


def _span(generators: Tensor) -> LieAlgebra:
    """The algebra of generators that were found, if they are as many as were asked for."""
    if numerical_rank(generators.flatten(1)) < len(generators):
        raise DataError(
            f"expected pairs related by {len(generators)} independent motions, found fewer; ask for fewer generators, "
            "or check that each y belongs to its x"
        )
    return LieAlgebra(generators)


def _as_times(times: Any, count: int, generators: int) -> Tensor:
    """Times `(count, K)` from one for all, `(count,)` or `(count, K)`."""
    given = torch.as_tensor(times).detach().to("cpu", torch.float64)
    spread = given.expand(count) if given.ndim == 0 else given
    spread = spread[:, None] if spread.ndim == 1 else spread
    if spread.shape != (count, generators):
        raise RepresentationMismatchError(
            f"times: expected shape ({count},) or ({count}, {generators}), received {tuple(given.shape)}; "
            "one number per pair and generator"
        )
    return require_finite(spread, "times")


def _sine(x: Tensor, generators: Tensor, others: list[Tensor]) -> float:
    """Sine of the largest angle between the motions that generators cause and those that others cause."""
    points = x[:: math.ceil(len(x) / _COMPARED)]
    moves = [torch.einsum("kij,bj->kbi", L, points).flatten(1) for L in (generators, *others)]
    return math.sin(max(float(principal_angles(moves[0], move).amax()) for move in moves[1:]))


def _certificates(
    error: Interval, carried: float, answer: float, sine: float, asked: tuple[float, float]
) -> dict[str, Certificate]:
    """Whether the generators explain other pairs, but not any pairs, and whether other pairs lead to the same ones."""
    return {
        "tolerance": within(error, *asked, "pairs left out of the fit miss the motion by", carried),
        "answer": Certificate(
            answer,
            bars.LEAST_ANSWER,
            answer >= bars.LEAST_ANSWER,
            f"of displacements dealt to other points the generators leave {answer:.2g}; nothing, if they move any "
            "point anywhere",
        ),
        "stability": Certificate(
            sine,
            verdicts.MOST_SINE,
            sine <= verdicts.MOST_SINE,
            f"leaving out any fold of the pairs turns the motions by at most {sine:.2g} (sine of the angle)",
        ),
    }
