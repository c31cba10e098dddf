"""Point symmetries of differential equations, from jets of their solutions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action, Algebra
from ...action._recorded import recorded
from ...actions import Prolonged, Trivial
from ...algebra._lie_algebra import lie_algebra
from ...core._autodiff import Map
from ...core._checks import as_points, require_fraction
from ...core._linalg import EPSILON
from ...core._parts import Parts
from ...derivative._lie_derivative import LieDerivative
from ...errors import DataError, FlowError
from ...symmetry import Symmetry
from ...symmetry import bars as verdicts
from ...symmetry._domain import Seen
from .. import bars
from ..evidence._conclude import conclude
from ..evidence._evidence import Evidence, Factors
from ..evidence._jet_claim import JetInquiry, jet_rows
from ..evidence._kernel import relative_kernel
from ..evidence._question import HELD, Question
from ..evidence._result import Discovery
from ..surrogate._allowance import allowing
from ..surrogate._contest import Progress, fit_surrogates
from ..surrogate._cross_fit import CrossFit
from ..surrogate._sampled import require_enough, sampled_question

_ROAD = "FromEquations"
FOLDS = 8
_MOST_ENTRIES, _FEWEST = 2**22, 4  # numbers in motions of jets of a claim, and jets for one
_KEPT = 256  # jets kept for the split and the finite flows
_ACCURACY = 1e-6  # of finite motions, in scaled coordinates
_FLOW_WORDS = "moving held-out jets by finite amounts takes them off the equation by {value:.2g} of the way"
_SUPERPOSED = (
    "the equation is linear: {} symmetries add one of its polynomial solutions; they are counted in superposition_"
)


class FromEquations(Discovery):
    r"""Point transformations, prolonged to derivatives, that map solutions of ``F(x, u, u_x, ...) = 0`` to solutions.

    The kernel of ``v -> pr v(F)`` at jets of solutions. Where the equation is not known, derivatives ``lead`` are
    learnt as functions of the other coordinates of the jet, out of fold, as `FromData` does.

    Linear equations have the symmetries ``w(x) d/du`` with every solution ``w``: superposition. They never close
    among polynomials of bounded degree, so they are set aside, and ``algebra_`` is their orthogonal complement.

    Parameters
    ----------
    action : Prolonged
        Candidate fields and the jets they move.
    lead : sequence of str
        Derivatives, such as ``["u_t"]``, one for each equation, that the equation gives in terms of others.
    arguments : sequence of str, optional
        The coordinates they may depend on; all that are neither lead nor derivatives of it if left out.
    rank : "gap", int or float
        How to cut the spectrum.
    tolerance : float
        Defect that is accepted: 0 is exact. A defect of 1 is what a gradient of the equation that pointed anywhere, in
        variables of unit size and in the derivatives that the equation contains, would give.
    level : float
        Probability with which a certified generator may have a true defect above the tolerance.
    kinds : sequence of str, optional
        Kinds of surrogate that compete for an unknown equation.
    seed : int
        Of folds, surrogates and finite flows.

    Attributes
    ----------
    superposition_ : LieAlgebra
        Symmetries ``w(x) d/du`` that were set aside.
    surrogate_ : CrossFit
        The learnt equation, where it was not given. The error of its gradient is added to the limits.

    References
    ----------
    olver1993applications

    Examples
    --------
    >>> import torch
    >>> from isotropy.actions import Prolonged
    >>> z = torch.randn(300, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> z[:, 4] = z[:, 5]  # u_t = u_xx
    >>> heat = FromEquations(Prolonged(("x", "t"), ("u",), order=2, degree=1), ["u_t"])
    >>> heat = heat.fit(z, lambda z: z[:, 4] - z[:, 5])
    >>> heat.status_, heat.vector_fields()
    ('certified', ['d/dx', 'd/dt', '0.5 x d/dx + t d/dt', 'u d/du'])
    >>> heat.superposition_.dim
    2
    """

    def __init__(
        self,
        action: Prolonged,
        lead: Sequence[str],
        *,
        arguments: Sequence[str] | None = None,
        rank: str | int | float = "gap",
        tolerance: float = 0.05,
        level: float = 0.05,
        kinds: list[str] | None = None,
        seed: int = 0,
    ) -> None:
        self.action = action
        self.lead = lead
        self.arguments = arguments
        self.rank = rank
        self.tolerance = tolerance
        self.level = level
        self.kinds = kinds
        self.seed = seed

    def fit(self, z: Any, equation: Map | None = None, progress: Progress | None = None) -> FromEquations:
        """Discover from jets `(S, size)` of solutions, and ``F`` `(S, size)` to `(S,)` or `(S, m)` if it is known.

        Raises
        ------
        DataError
            If names are not those of the jet, or there are too few jets.
        """
        require_fraction(self.tolerance, "tolerance")
        require_fraction(self.level, "level")
        jets = as_points(z, "z", self.action.event).detach().to("cpu", torch.float64)
        places = [self._place(name) for name in self.lead]
        require_enough(len(jets), self.action.algebra.dim, max(len(places), 1))
        scale = jets.square().mean(0).sqrt()
        scale = torch.where(scale > 0, scale, torch.ones_like(scale))
        points = jets / scale
        if equation is None:
            self.surrogate_ = self._learnt(points, places, progress)

        def ask(candidates: Action, rank: str | int | float) -> Question:
            action = Scaled(candidates, scale)
            if equation is None:
                return _learnt_question(self.surrogate_, action, points, rank, self.seed)
            question = _known_question(equation, action, points, rank, self.seed)
            return replace(question, inquiry=self._inquiry(equation, action, points, question))

        here = {"candidates": self.action, "domain": Seen.of(jets).domain()}  # the answer is in the user's coordinates

        question = ask(self.action, self.rank)
        superposed = _superposed(self.action, question)
        self.superposition_ = lie_algebra(self.action).span(superposed).sparsified()
        if not len(superposed):
            self.symmetry_ = replace(self._bounded(conclude(question), question, points), **here)
            return self
        others = torch.linalg.svd(superposed).Vh[len(superposed) :]
        rank = self.rank - len(superposed) if isinstance(self.rank, int) else self.rank
        question = ask(self.action.restrict(others), rank)
        found = conclude(replace(question, limits=(*question.limits, _SUPERPOSED.format(len(superposed)))))
        found = self._bounded(found, question, points)
        self.symmetry_ = replace(
            found,
            **here,
            coefficients=_without_rounding(found.coefficients @ others),
            uncertainty=(found.uncertainty.square() @ others.square()).sqrt(),
        )
        return self

    def _bounded(self, found: Symmetry, question: Question, points: Tensor) -> Symmetry:
        """The answer with limits, which a claim brings along where the equation is given."""
        if question.inquiry is not None or not isinstance(question.action, Scaled) or "surrogate_" not in vars(self):
            return found
        cross, action = self.surrogate_, question.action
        count = max(_MOST_ENTRIES // (action.size * (action.size + action.algebra.dim)), _FEWEST)
        jets = points[:: math.ceil(len(points) / count)]
        seen = jet_rows(cross, action, jets, 0.0, self.action.base.size)
        reach = math.sqrt(seen.contained)  # chance is a gradient that points anywhere; an error may point one way
        return allowing(found, seen.rows, cross.gradient_error, (self.tolerance, self.level), self.seed, reach)

    def _inquiry(self, equation: Map, action: Scaled, points: Tensor, question: Question) -> JetInquiry | None:
        """The equation at some of the jets; none where there are too many numbers to hold."""
        count = min(_MOST_ENTRIES // (action.size * (action.size + action.algebra.dim)), len(points))
        if count < _FEWEST:
            return None
        jets = points[:: math.ceil(len(points) / count)]
        return JetInquiry(
            lambda: jet_rows(lambda z: equation(z * action.scale), action, jets, question.floor, self.action.base.size),
            self.tolerance,
            self.level,
            self.seed,
        )

    def _place(self, name: str) -> int:
        if name not in self.action.names:
            raise DataError(f"expected names among {self.action.names}, received {name!r}; raise the order if it lacks")
        return self.action.names.index(name)

    def _learnt(self, points: Tensor, places: list[int], progress: Progress | None) -> CrossFit:
        """The leading derivatives as functions of the arguments, out of fold, as maps of whole jets that vanish."""
        if not places:
            raise DataError("lead: expected names of derivatives that the equations give, received none; name one each")
        names = self._free() if self.arguments is None else self.arguments
        inputs = [self._place(name) for name in names]
        cross = fit_surrogates(
            points[:, inputs], points[:, places], folds=FOLDS, kinds=self.kinds, seed=self.seed, progress=progress
        )
        models = tuple(Solved(model, places, inputs) for model in cross.models)
        return replace(cross, models=models)  # pyright: ignore[reportArgumentType]

    def _free(self) -> list[str]:
        """Coordinates that are neither leading derivatives nor derivatives of them."""
        action = self.action
        count = len(action.independent)
        indices = [i for i in action.indices for _ in action.dependent]
        leading = [indices[self._place(name) - count] for name in self.lead]
        free = [
            name
            for name, index in zip(action.names[count:], indices, strict=True)
            if not any(all(a >= b for a, b in zip(index, lead, strict=True)) for lead in leading)
        ]
        return [*action.independent, *free]


@recorded("scaled")
class Scaled(Action):
    """The same action in coordinates divided by a scale `(size,)`."""

    def __init__(self, base: Action, scale: Tensor) -> None:
        super().__init__(base.algebra, base.event)
        self.base = base
        self.scale = scale

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """Fields of the original coordinates, divided by the scale."""
        return self.base.fields(y * self.scale) / self.scale

    def field(self, xi: Tensor, y: Tensor, at: Tensor | None = None) -> Tensor:
        """One field of the original coordinates, divided by the scale."""
        return self.base.field(xi, y * self.scale) / self.scale

    def describe(self, xi: Tensor, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """Readable form in the original coordinates."""
        return self.base.describe(xi, coordinates, digits)

    def built_from(self) -> dict[str, Any]:
        """The action in the original coordinates, and the scale."""
        return {"action": self.base, "scale": self.scale}

    @classmethod
    def rebuild(cls, parts: Parts) -> Scaled:
        """Divide by the same scale."""
        action = parts.one("action", Action)
        return cls(action, parts.tensor("scale", action.size))

    def _restricted(self, algebra: Algebra, combos: Tensor) -> Action:
        return Scaled(self.base.restrict(combos, algebra), self.scale)  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True)
class Solved:
    """``z[lead] - f(z[arguments])``, which vanishes at solutions."""

    model: Callable[[Tensor], Tensor]
    lead: list[int]
    arguments: list[int]

    def __call__(self, z: Tensor) -> Tensor:
        return z[..., self.lead] - self.model(z[..., self.arguments])


def _without_rounding(rows: Tensor) -> Tensor:
    """Rows whose entries that are tiny beside the largest of their row are zero."""
    small = rows.abs() < bars.ZERO_TERM * rows.abs().amax(dim=1, keepdim=True)
    return torch.where(small, torch.zeros_like(rows), rows)


def _known_question(equation: Map, action: Scaled, points: Tensor, rank: str | int | float, seed: int) -> Question:
    """What jets say about an equation that can be evaluated; jets that miss it set the floor."""

    def scaled(z: Tensor) -> Tensor:
        return equation(z * action.scale)

    outputs = scaled(points[:1])[0].numel()
    still = Trivial(action.algebra, (outputs,))
    evidence = Evidence(action, still, FOLDS)
    derivative = LieDerivative(scaled, action, still)
    start, missed, size = 0, 0.0, 0.0
    for chunk, rows, slope, value in derivative.scaled(points):
        shaped = value.reshape(len(chunk), outputs)
        evidence.add(chunk, rows.reshape(len(chunk), -1, derivative.dim), slope, shaped, start)
        start += len(chunk)
        missed += float(shaped.square().sum())
        size += float((slope * chunk.norm(dim=1)).square().sum())
    return Question(
        road=_ROAD,
        action=action,
        evidence=evidence,
        points=points[HELD::FOLDS][:_KEPT],
        domain=Seen.of(points).domain(),
        check=_vanishing(scaled, action, points),
        rank=rank,
        seed=seed,
        floor=max(math.sqrt(missed / size) if size > 0 else 0.0, verdicts.ROUNDINGS * EPSILON),
        method="given equation",
        flow_words=_FLOW_WORDS,
    )


def _learnt_question(cross: CrossFit, action: Scaled, points: Tensor, rank: str | int | float, seed: int) -> Question:
    """What jets say about an equation learnt from them."""
    still = Trivial(action.algebra, (len(cross.models[0](points[:1])[0]),))
    question = sampled_question(_ROAD, cross, points, action, still, rank, seed)
    check = _vanishing(cross.models[HELD], action, points)
    return replace(question, check=check, flow_words=_FLOW_WORDS, inquiry=None)


def _vanishing(f: Map, action: Scaled, points: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """Check of finite motions: how far they take jets off the equation, relative to how far they take them."""
    slopes = torch.func.vmap(torch.func.jacrev(lambda z: f(z[None])[0]))(points[:_KEPT])
    slope = float(slopes.flatten(1).norm(dim=1).square().mean().sqrt())

    def check(xi: Tensor, z: Tensor) -> Tensor:
        moved = _carried(action, xi, z)
        change = (f(moved) - f(z)).reshape(len(z), -1)
        return change.norm() / (slope * (moved - z).norm()).clamp_min(1e-300)

    return check


def _carried(action: Action, xi: Tensor, z: Tensor) -> Tensor:
    """Where the flow of ``xi`` takes jets in unit time, by a method of high order: jets are many and dear."""
    import numpy as np
    from scipy.integrate import solve_ivp

    def velocity(_: float, flat: Any) -> Any:
        return action.field(xi, torch.from_numpy(flat).reshape(z.shape)).flatten().numpy()

    with np.errstate(all="ignore"), torch.no_grad():
        found: Any = solve_ivp(
            velocity, (0.0, 1.0), z.flatten().numpy(), method="DOP853", rtol=_ACCURACY, atol=_ACCURACY, t_eval=[1.0]
        )
    if not found.success or not np.isfinite(found.y).all():
        raise FlowError("expected a flow that stays finite, received one that does not; follow it for a shorter time")
    return torch.from_numpy(found.y[:, -1]).reshape(z.shape)


def _superposed(action: Prolonged, question: Question) -> Tensor:
    """Kernel directions `(k, dim)` that add solutions, if the equations allow solutions to be scaled; else none."""
    rules, factors = question.rules, question.evidence.factors()
    kernel = relative_kernel(factors, **rules)
    limit = math.sqrt(max(kernel.cut.residual, kernel.cut.floor) * kernel.smallest_broken)
    scaling = action.generator({u: {u: 1.0} for u in action.dependent})[None]
    adding = _adding(action)
    if not kernel.cut.dim or not len(adding) or float(factors.errors(scaling)[0]) > limit:
        return adding[:0]
    parts = (factors.broken, factors.moved, factors.turned)
    inner = relative_kernel(Factors(*(part @ adding.T for part in parts)), **{**rules, "rank": 0})
    return inner.directions[inner.spectrum <= limit] @ adding


def _adding(action: Prolonged) -> Tensor:
    """The candidates `(k, dim)` that are ``w(x) d/du``."""
    library, count = action.base.dictionary, len(action.independent)
    free = library.exponents[:, count:].sum(1) == 0
    chosen = torch.zeros(action.base.size, len(library), dtype=torch.bool)
    chosen[count:] = free
    return torch.eye(action.algebra.dim, dtype=torch.float64)[chosen.flatten()]
