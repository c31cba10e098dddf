"""Symmetries of a distribution from its moments: closed form, without labels, pairs or a density."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action, Motion
from ...action._spanned import SpannedAction
from ...actions import Trivial
from ...core import bars as cuts
from ...core._checks import as_points, require_fraction
from ...core._linalg import EPSILON, StreamedQR
from ...dictionary import Polynomials
from ...errors import DataError
from ...symmetry import bars as verdicts
from ...symmetry._domain import Seen
from .. import bars
from ..evidence._conclude import conclude
from ..evidence._evidence import Evidence, Factors
from ..evidence._kernel import relative_kernel
from ..evidence._question import Question
from ..evidence._result import Discovery
from ._block_sums import BlockSums, MeanInquiry

FOLDS = 3  # few, as the mean of a small fold is mostly noise
_KEPT = 4096
_MOST_ENTRIES = 2**22
_MOST_SLOPES = 2**26
_TOO_MANY = "moments and candidates are too many to hold their sums, so the error was not bounded"


class FromMoments(Discovery):
    """Motions that leave the moments of the data as they are: kernel of ``theta -> E[D phi(x) theta(x)]``.

    ``phi`` are all monomials up to ``order`` in whitened coordinates, weighted as entries of symmetric tensors, so a
    rotation of the frame changes nothing. Second moments alone are invariant under the rotations of *every*
    covariance and never tell one symmetry from another; third ones do, where the data are skew; else take order 4.
    The data have to cover the orbits evenly, since it is the distribution that is asked.

    The defect of a motion is the root mean square of the change of the logarithm of the density along it, as far as
    these moments tell it. A defect of 1 is what would be if the score of a normal law of the same covariance at one
    sample were paired with the motion at another. For the turn of a round cloud in a plane a density
    ``1 + a cos(k angle)`` has the defect ``a k / 2``: a tolerance of 0.05 lets pass modulations of 5 % in two waves.
    The noise of the means is taken off and counts in the limits; a certificate needs ten thousand points or more.
    Moments of two further orders have to confirm at even odds; finer waves are not seen, so that a certificate is about
    these moments, and says so.

    Parameters
    ----------
    action : Action
        Candidate action on points `(batch, n)`. Images are first projected onto some principal components.
    order : int
        Highest moment, at least 3.
    rank : "gap", int or float
        How many generators to judge: the most that are within the tolerance, a number, or those below a defect.
    tolerance : float
        Defect that is accepted: 0 is exact, 1 is chance.
    level : float
        Probability with which a certified generator may have a true defect, of the moments, above the tolerance.
    seed : int
        Of the finite flows and the resamples.

    Raises
    ------
    DataError
        If the order is below 3, points are too few, not finite or on a subspace, or a number is not between 0 and 1.
    RepresentationMismatchError
        If points do not fit the action.

    References
    ----------
    dehmamy2021automatic

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> angle = 2 * torch.pi * torch.rand(20000, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    >>> waves = torch.cat([angle.cos(), angle.sin(), (2 * angle).cos(), (2 * angle).sin()], 1)
    >>> found = FromMoments(iso.gl(4).vector()).fit(waves)
    >>> found.status_, found.algebra_.dim, found.identify().name
    ('certified', 1, 'so(2)')
    """

    def __init__(
        self,
        action: Action,
        *,
        order: int = 3,
        rank: str | int | float = "gap",
        tolerance: float = 0.05,
        level: float = 0.05,
        seed: int = 0,
    ) -> None:
        self.action = action
        self.order = order
        self.rank = rank
        self.tolerance = tolerance
        self.level = level
        self.seed = seed

    def fit(self, x: Tensor | Iterable[Tensor]) -> FromMoments:
        """Discover from points `(S, n)`, or from chunks of them, of which the first one sets the frame."""
        self.__dict__.pop("evidence_", None)
        for chunk in [x] if hasattr(x, "__array__") else x:
            self.partial_fit(chunk)
        return self.conclude()

    def partial_fit(self, x: Any) -> FromMoments:
        """Add the moments of points `(S, n)` without drawing a conclusion; memory does not grow with their number."""
        points = as_points(x, "x", self.action.event).detach().to("cpu", torch.float64)
        if "evidence_" not in vars(self):
            self._start(points)
        self._seen.update(points)
        if self._sums is not None:
            self._sums.update(points)
        fold = (torch.arange(len(points)) + self.evidence_.samples) % FOLDS
        for index in range(FOLDS):
            part = points[fold == index]
            if len(part):
                self.evidence_.add_points(index, part)
        self.points_ = torch.cat([self.points_, points[: max(0, _KEPT - len(self.points_))]])
        return self

    def conclude(self) -> FromMoments:
        """Draw the conclusion from the moments gathered so far."""
        if "evidence_" not in vars(self) or self.evidence_.samples < 2 * FOLDS:
            raise DataError(f"x: expected at least {2 * FOLDS} points, received fewer; bring more data")
        evidence = self.evidence_
        floor = _floor(evidence)
        question = Question(
            road=type(self).__name__,
            action=self.action,
            evidence=evidence,
            points=self.points_,
            domain=self._seen.domain(),
            check=HigherMoments(evidence, self.points_, floor),
            rank=self.rank,
            seed=self.seed,
            floor=floor,
            resolution=bars.TRIVIAL_MOMENTS,
            tolerance=min(cuts.LARGEST_ZERO, bars.MOST_CHANCE * floor),
            method=f"moments to order {self.order}",
            limits=(self._unseen(), *(() if self._sums else (_TOO_MANY,))),
            flow_words=f"of what finite motions change in the moments of order {self.order + 1}, chance and the error "
            "of the generators leave {value:.2g} unexplained",
            inquiry=self._inquiry(floor),
        )
        found = conclude(question)
        self.symmetry_ = found if self._sums else replace(found, status="undecided")
        return self

    def _unseen(self) -> str:
        highest = self._sums.functions.degree if self._sums else self.order
        return (
            f"the claim is about moments up to order {self.order}; finer waves of the density along the motion are not "
            f"seen, and moments of order {max(highest, self.order + 1) + 1} and higher were not asked"
        )

    def _inquiry(self, floor: float) -> MeanInquiry | None:
        """The means of all monomials; none where they are too many to hold."""
        if self._sums is None:
            return None
        kernel = relative_kernel(
            self.evidence_.factors(),
            rank=self.rank,
            floor=floor,
            resolution=bars.TRIVIAL_MOMENTS,
            tolerance=min(cuts.LARGEST_ZERO, bars.MOST_CHANCE * floor),
        )
        return MeanInquiry(self._sums, kernel.cut.dim, self.tolerance, self.level, self.seed)

    def _start(self, first: Tensor) -> None:
        """Fix the frame by the first points."""
        require_fraction(self.tolerance, "tolerance")
        require_fraction(self.level, "level")
        if self.order < 3:
            raise DataError(
                f"order: expected at least 3, received {self.order}; lower moments are invariant under the rotations "
                "of any covariance, whatever the data"
            )
        centre = first.mean(0)
        _, sizes, axes = torch.linalg.svd((first - centre) / math.sqrt(len(first)), full_matrices=False)
        if len(first) <= first.shape[1] or float(sizes[-1]) <= bars.FLAT_CLOUD * float(sizes[0]):
            raise DataError(
                f"x: expected points that fill their {first.shape[1]} dimensions, received {len(first)} points on a "
                "plane; project them onto their principal components first"
            )
        self.evidence_ = MomentEvidence(self.action, self.order, centre, axes.T / sizes)
        self.points_ = first[:0]
        self._seen = Seen(first.shape[1])
        evidence = self.evidence_
        held = BlockSums.fits(self.action, self.order)
        self._sums = BlockSums(self.action, self.order, centre, evidence.whiten) if held else None


class MomentEvidence(Evidence):
    """Means of ``D phi theta`` fold by fold, and the motion they are compared with.

    Parameters
    ----------
    action : Action
        Candidate action.
    order : int
        Degree of the monomials.
    centre, whiten : Tensor
        `(n,)` and `(n, n)`: the frame ``w = (x - centre) @ whiten``.
    """

    def __init__(self, action: Action, order: int, centre: Tensor, whiten: Tensor) -> None:
        super().__init__(action, Trivial(action.algebra, (1,)), FOLDS)
        self.action, self.centre, self.whiten = action, centre, whiten
        self.dictionary = Polynomials(len(centre), order)
        powers = self.dictionary.exponents.double()
        degree = powers.sum(1)
        entries = torch.lgamma(degree + 1) - torch.lgamma(powers + 1).sum(1)  # equal entries of a symmetric tensor
        self.weights = torch.exp(entries / 2) / degree.clamp_min(1)  # then |D phi| <= |w|^(degree - 1)
        self.sums = torch.zeros(FOLDS, len(self.dictionary), action.algebra.dim, dtype=torch.float64)
        self.linear = torch.zeros(len(self.dictionary), len(centre), len(centre), dtype=torch.float64)
        for fold in self.folds:
            fold.moved = _Framed(action, whiten)

    @property
    def reach(self) -> float:
        """Largest change of the moments by a linear motion of unit size in the frame: what errors are compared with."""
        return float(torch.linalg.matrix_norm(self.linear.flatten(1), ord=2)) / self.samples

    def monomials(self, x: Tensor) -> Tensor:
        """Weighted monomials `(batch, terms)` in the frame."""
        return self.dictionary.evaluate((x - self.centre) @ self.whiten) * self.weights

    def add_points(self, index: int, x: Tensor) -> None:
        """Absorb points `(batch, n)` of one fold."""
        fold, width = self.folds[index], len(self.dictionary) * self.action.size
        for chunk in x.split(max(1, _MOST_ENTRIES // width)):
            framed = (chunk - self.centre) @ self.whiten
            slopes = self.dictionary.jacobian(framed) * self.weights[:, None]
            self.sums[index] += self._derivatives(slopes, chunk)
            self.linear += torch.einsum("bfi,bj->fij", slopes, framed)
            fold.moved.update(chunk, torch.ones(len(chunk), dtype=torch.float64))
            fold.samples += len(chunk)

    def factors(self, without: int | None = None, only: int | None = None) -> Factors:
        """Mean derivatives of the chosen folds together, not fold by fold: their scatter is noise."""
        chosen = [i for i in range(FOLDS) if i != without and (only is None or i == only) and self.folds[i].samples]
        count = sum(self.folds[i].samples for i in chosen)
        moved = StreamedQR(self.action.algebra.dim)
        for i in chosen:
            moved.update(self.folds[i].moved.factor() * (self.reach / math.sqrt(count)))
        return Factors(self.sums[chosen].sum(0) / count, moved.R, moved.R[:0])

    def scatter(self) -> Tensor:
        """Rows whose squares sum to the variance of the mean derivative, from the spread of the folds."""
        filled = [i for i in range(FOLDS) if self.folds[i].samples]
        means = torch.stack([self.sums[i] / self.folds[i].samples for i in filled])
        rows = (means - means.mean(0)).flatten(0, 1) / math.sqrt(len(filled) * (len(filled) - 1))
        return StreamedQR(rows.shape[1]).update(rows).R

    def _derivatives(self, slopes: Tensor, x: Tensor) -> Tensor:
        """Sum over points of ``D phi theta`` `(terms, dim)`, from slopes `(batch, terms, n)` in the frame."""
        if isinstance(self.action, SpannedAction):
            products = torch.einsum("bfi,bp->fip", slopes, self.action.features(x))
            return torch.einsum("fip,in,knp->fk", products, self.whiten.T, self.action.tensor)
        return torch.einsum("bfi,bkn,ni->fk", slopes, self.action.fields(x), self.whiten)


class _Framed(Motion):
    """Motion of points as seen in the frame: the size of ``theta @ whiten``."""

    def __init__(self, action: Action, whiten: Tensor) -> None:
        super().__init__(action)
        self._whiten = whiten

    def update(self, y: Tensor, weights: Tensor, at: Tensor | None = None) -> None:
        """Absorb weighted points."""
        fields = torch.einsum("bkn,ni->bki", self.action.fields(y, at), self._whiten)
        rows = fields * weights[:, None, None]
        self._streamed.update(rows.transpose(1, 2).reshape(-1, rows.shape[1]))


class HigherMoments:
    """Whether finite motions keep the next higher moments, which the search did not see.

    Data may share a symmetry of their third moments without having it: those of a cube vanish.
    """

    def __init__(self, evidence: MomentEvidence, points: Tensor, floor: float) -> None:
        self.action, self.floor = evidence.action, floor
        wider = MomentEvidence(evidence.action, evidence.dictionary.degree + 1, evidence.centre, evidence.whiten)
        highest = wider.dictionary.exponents.sum(1) == wider.dictionary.degree
        wider.weights *= highest
        wider.add_points(0, points[: _MOST_SLOPES // wider.linear.numel()])
        self.wider, self.reach = wider, wider.reach

    def __call__(self, xi: Tensor, x: Tensor) -> Tensor:
        """Share of the change of the moments that is more than chance and the noise floor explain."""
        moved = self.action.flow(xi, x)
        change = self.wider.monomials(moved) - self.wider.monomials(x)
        scatter = change.norm(dim=1).square().mean().sqrt() / math.sqrt(len(x))
        size = ((moved - x) @ self.wider.whiten).norm(dim=1).square().mean().sqrt()
        total = change.mean(0).norm()
        excess = total - bars.SCATTERS * scatter - self.floor * self.reach * size
        return excess.clamp_min(0.0) / total.clamp_min(1e-300)


def _floor(evidence: MomentEvidence) -> float:
    """Typical error that chance puts on the directions that may not be broken."""
    factors = evidence.factors()
    kernel = relative_kernel(factors, rank="gap", floor=EPSILON, resolution=bars.TRIVIAL_MOMENTS, tolerance=1.0)
    if not len(kernel.directions):
        return EPSILON
    few = max(int((kernel.spectrum <= cuts.LARGEST_ZERO).sum()), 1)
    errors = Factors(evidence.scatter(), factors.moved, factors.turned).errors(kernel.directions[-few:])
    return max(float(errors.nan_to_num(0.0).median()), verdicts.ROUNDINGS * EPSILON)
