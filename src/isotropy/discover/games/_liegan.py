"""Adversarial discovery: generators whose random elements an adversary cannot tell from no motion at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...algebra._lie_algebra import LieAlgebra, lie_algebra
from ...core._checks import require_fraction
from ...errors import DataError
from ...symmetry import Symmetry
from ..evidence._kernel import relative_kernel
from ..evidence._question import Question
from ..evidence._result import Discovery
from ..surrogate._allowance import allowing, rows_out_of_fold
from ..surrogate._contest import fit_surrogates
from ..surrogate._cross_fit import CrossFit
from ..surrogate._sampled import fit_outputs, require_enough, sampled_question
from ._adversary import Outcome, Plan, Progress, Training, race, train
from ._checkpoint import require_safetensors
from ._generator import Generator, Law, motion_factor, start_weight, unit_frame
from ._judge import CloudJudge, ElementJudge, Judge, MapJudge
from ._pair_game import PairGame, Samples, as_samples
from ._proposal import conclude_cloud, conclude_elements, conclude_map

_EVIDENCE = 4000  # samples that the held-out score is taken on
_HEAT = 4  # epochs after which starts that are clearly behind stop
_QUICK = ["polynomial", "kernel"]
_LEAST = {"integer": 0.3}  # a whole step need not move the data far


class LieGAN(Discovery):
    """Symmetries of samples by an adversarial game, judged on held-out samples and certified by a direct road.

    A generator draws ``g = exp(sum_i z_i A_i)`` with learnt ``A_i`` and moves samples ``(x, y)`` to ``(g x, g y)``; an
    adversary tries to tell them from samples that stayed. The weights that are kept are those of the best equivariance
    error on held-out samples, never those of the best loss. Use it for discrete subgroups (``law="integer"``), for
    which part of a known group is present (``subgroup=True``), and where no smooth map can be learnt; elsewhere
    ``FromData`` is faster and closer.

    Parameters
    ----------
    rho_in : Action
        How candidates act on inputs. Masks are choices of candidates: ``iso.gl(2) + iso.gl(2)`` is two blocks.
    rho_out : Action, optional
        How they act on outputs; nothing moves if left out, as for labels and invariants.
    n_generators : int
        Number of channels; more than there are symmetries is better than fewer.
    law : "normal", "uniform" or "integer"
        Law of the coefficients z. Whole numbers find single elements and their powers.
    width : float
        Scale of z; with ``law="integer"`` the largest whole number.
    subgroup : bool
        Keep the candidates as generators and learn the law instead.
    conditional : bool or "auto"
        Whether the adversary judges outputs given inputs, so that the inputs need not be spread evenly along orbits
        (boosts, scalings), or both together. With "auto" one start of each side by side: one that is clearly
        behind in held-out score stops, and goes on only if evidence does not confirm half of what the other proposes.
        With ``law="integer"`` both together.
    start : "random" or "direct"
        Where the generators start: at random, or at the kernel of the direct road.
    starts : int
        Number of starts of each kind; those clearly behind in held-out score stop early.
    incremental : bool
        Learn the channels one after the other.
    anti_identity : "motion", "unit", "cosine" or None
        What keeps elements away from the identity.
    decorrelation : float
        Weight of the penalty on channels that point the same way.
    plan : Plan, optional
        Epochs, rates and accelerator.
    batch, hidden : int
        Samples in a round, and width of the adversary.
    kinds : sequence of str, optional
        Kinds of surrogate for the held-out score and the certificates; polynomials and kernels if left out.
    rank : "gap", int or float
        How to cut the spectrum of what was proposed.
    tolerance : float
        Defect that is accepted. A defect of 1 is what gradients of the learnt map would give at other samples than
        those they belong to; of elements, what values of other samples would; of points, as in ``FromPoints``.
    level : float
        Probability with which a certified generator may have a true defect above the tolerance, if what ``limits``
        names is so.
    seed : int
        Of everything random.

    Attributes
    ----------
    proposal_ : LieAlgebra
        What the game proposed, before evidence was asked; ``algebra_`` is what the evidence confirms of it.
    lengths_ : Tensor
        `(n_generators,)` how far each channel moves the data, in spreads of the data.
    outcomes_ : list of Outcome
        Score of every epoch of every start; those that were clearly behind have few epochs.
    conditional_ : bool
        Which adversary won.
    surrogate_ : CrossFit
        The learnt map that the held-out score is taken from, where there is one.
    elements_, orders_ : Tensor, list of int
        After ``law="integer"``: elements `(k, n, n)`, and how often each has to be repeated to come back, or 0.

    References
    ----------
    yang2023liegan
    """

    proposal_: LieAlgebra
    lengths_: Tensor
    outcomes_: list[Outcome]
    conditional_: bool
    surrogate_: CrossFit
    elements_: Tensor
    orders_: list[int]

    def __init__(
        self,
        rho_in: Action,
        rho_out: Action | None = None,
        *,
        n_generators: int = 1,
        law: str = "normal",
        width: float = 1.0,
        subgroup: bool = False,
        conditional: bool | str = "auto",
        start: str = "random",
        starts: int = 1,
        incremental: bool = False,
        anti_identity: str | None = "motion",
        decorrelation: float = 1.0,
        plan: Plan | None = None,
        batch: int = 256,
        hidden: int = 64,
        kinds: list[str] | None = None,
        rank: str | int | float = "gap",
        tolerance: float = 0.05,
        level: float = 0.05,
        seed: int = 0,
    ) -> None:
        self.rho_in = rho_in
        self.rho_out = rho_out
        self.n_generators = n_generators
        self.law = law
        self.width = width
        self.subgroup = subgroup
        self.conditional = conditional
        self.start = start
        self.starts = starts
        self.incremental = incremental
        self.anti_identity = anti_identity
        self.decorrelation = decorrelation
        self.plan = plan
        self.batch = batch
        self.hidden = hidden
        self.kinds = kinds
        self.rank = rank
        self.tolerance = tolerance
        self.level = level
        self.seed = seed

    def fit(
        self,
        x: Any | Iterable[Any],
        y: Any = None,
        *,
        resume: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> LieGAN:
        """Discover from inputs `(S, *event)` and outputs `(S, m)` or labels `(S,)`, or from a loader of such batches.

        With ``resume``, a ``.safetensors`` name, each start writes its state beside it after every epoch
        (``run.0.safetensors``, ...), and a rerun goes on from there.

        Raises
        ------
        DataError
            If the data cannot decide (one class, a constant target, too few samples), an option is unknown, training
            leaves the finite numbers, or a state on disk is damaged.
        MissingExtraError
            Without lightning-fabric.
        """
        path = None if resume is None else require_safetensors(Path(resume))
        Law(self.law, 1, self.width, learn=self.subgroup)  # refuses before anything is computed
        self._require_options()
        samples = as_samples(x, y, self.rho_in, self.rho_out)
        question = self._question(samples, progress)
        judge = self._judge(samples, question)
        kinds = self._kinds_of_start(samples)
        games = [self._game(samples, judge, question, k) for k in range(len(kinds))]
        trainings = [] if self.incremental else self._trainings(games, samples, path, progress)
        if self.incremental:
            self.outcomes_ = self._one_by_one(games, samples, path, progress)
        else:
            self.outcomes_ = race(trainings, _HEAT)
        best = self._ranked()[0]
        if isinstance(judge, ElementJudge):
            self.outcomes_[best] = self._step_by_step(games[best], judge, self.outcomes_[best], best, progress)
        self._settle(games, best, samples, judge, question)
        if question is not None and not self._convinced and trainings:
            for training in trainings:  # those that were behind or stalled may know better
                training.revive()
            self.outcomes_ = race(trainings, (self.plan or Plan()).epochs)
            self._settle_most(games, samples, judge, question)
        return self

    def _ranked(self) -> list[int]:
        """Starts, the best score first."""
        return sorted(range(len(self.outcomes_)), key=lambda k: self.outcomes_[k].score)

    @property
    def _convinced(self) -> bool:
        """Whether evidence confirms at least half of what was proposed."""
        return 2 * self._confirmed >= max(self.proposal_.dim, 1)

    @property
    def _confirmed(self) -> int:
        """How many generators evidence confirms, whether or not it knows them within the tolerance.

        Another start learns the same map from the same samples, so that it would know them no better.
        """
        coarse = "tolerance" in self.certificates_ and all(
            check.passed for name, check in self.certificates_.items() if name != "tolerance"
        )
        return self.algebra_.dim if coarse or self.status_ == "certified" else 0

    def _settle_most(self, games: list[PairGame], samples: Samples, judge: Judge, question: Question) -> None:
        """Take the start of which evidence confirms most, and of equals the one with the best score.

        A score does not tell channels that repeat one another from channels that say more; certificates do.
        """
        ranked, confirmed = self._ranked(), list[int]()
        for index in ranked:
            self._settle(games, index, samples, judge, question)
            confirmed.append(self._confirmed)
        self._settle(games, ranked[confirmed.index(max(confirmed))], samples, judge, question)

    def _question(self, samples: Samples, progress: Progress | None) -> Question | None:
        """What the direct road would ask of these samples; None where it has no map to look at."""
        if samples.y is None or self.law == "integer":
            return None
        x, targets = samples.x[:_EVIDENCE], samples.targets[:_EVIDENCE]
        require_enough(len(x), self.rho_in.algebra.dim, samples.rho_out.size)
        kinds = self.kinds if self.kinds is not None or samples.labelled else _QUICK
        cross = fit_surrogates(x.flatten(1), targets, kinds=kinds, seed=self.seed, progress=progress)
        self.surrogate_ = cross
        outputs = fit_outputs(cross, x, samples.rho_out)
        return sampled_question(type(self).__name__, cross, x, self.rho_in, outputs, self.rank, self.seed)

    def _judge(self, samples: Samples, question: Question | None) -> Judge:
        if question is not None:
            return MapJudge(question.evidence)
        if samples.y is None:
            return CloudJudge(self.rho_in, samples.x)
        return ElementJudge(self.rho_in, samples.rho_out, samples.x, samples.y)

    def _game(self, samples: Samples, judge: Judge, question: Question | None, index: int) -> PairGame:
        seed = self._seed_of(index)
        return PairGame(
            self._generator(samples, question, seed), self.rho_in, samples, judge,
            conditional=self._kinds_of_start(samples)[index], batch=self.batch, hidden=self.hidden,
            decorrelation=self.decorrelation, seed=seed,
        )  # fmt: skip

    def _trainings(
        self, games: list[PairGame], samples: Samples, path: Path | None, progress: Progress | None
    ) -> list[Training]:
        """All starts, ready to run side by side."""
        return [
            Training(
                game,
                self.plan or Plan(),
                seed=self._seed_of(index),
                path=None if path is None else path.with_suffix(f".{index}.safetensors"),
                settings=self._settings(samples, index),
                progress=progress,
            )
            for index, game in enumerate(games)
        ]

    def _one_by_one(
        self, games: list[PairGame], samples: Samples, path: Path | None, progress: Progress | None
    ) -> list[Outcome]:
        """Every start channel by channel."""
        outcomes: list[Outcome] = []
        for index, game in enumerate(games):
            settings, seed = self._settings(samples, index), self._seed_of(index)
            outcome = Outcome()
            for active in range(1, len(game.generator.weight) + 1):
                game.learn_up_to(active, alone=True)
                file = None if path is None else path.with_suffix(f".{index}.{active}.safetensors")
                outcome = train(game, self.plan or Plan(), seed=seed, path=file, settings=settings, progress=progress)
            outcomes.append(outcome)
        return outcomes

    def _seed_of(self, index: int) -> int:
        return self.seed + 7919 * index

    def _step_by_step(
        self, game: PairGame, judge: ElementJudge, outcome: Outcome, index: int, progress: Progress | None
    ) -> Outcome:
        """Match the length of each step to held-out samples, play on from there, and match step and axis again.

        An adversary sees an axis soon and teeth around it late; held-out samples see the teeth at once.
        """
        plan = self.plan or Plan()
        game.generator.rescale([judge.best_step(xi) for xi in game.generator.directions()])
        slower = replace(plan, rates=(plan.rates[0] / 4, plan.rates[1]))
        later = train(game, slower, seed=self._seed_of(index) + 1, progress=progress)
        game.generator.rescale([judge.best_step(xi) for xi in game.generator.directions()])
        game.generator.place(torch.stack([judge.polished(xi) for xi in game.generator.directions()]))
        game.generator.rescale([judge.best_step(xi) for xi in game.generator.directions()])
        score = game.score()
        history = [*outcome.history, *later.history, score]
        return Outcome(score, outcome.epoch + later.epoch, len(history), later.stalls, 0, history)

    def _generator(self, samples: Samples, question: Question | None, seed: int) -> Generator:
        algebra = self.rho_in.algebra
        least = _LEAST.get(self.law, 1.0)
        if self.subgroup:
            law = Law(self.law, algebra.dim, self.width, learn=True)
            frame = torch.eye(algebra.dim, dtype=torch.float64)
            return Generator(frame, law, frame, learn=False, anti_identity=self.anti_identity, least=least)
        motion = motion_factor(self.rho_in, samples.x, samples.rho_out, samples.moving)
        frame = unit_frame(motion, samples.spread)
        if self.n_generators > len(frame):
            raise DataError(
                f"n_generators: expected at most {len(frame)} (directions that move the data), received "
                f"{self.n_generators}; ask for fewer"
            )
        weight = start_weight(self.n_generators, len(frame), seed)
        if self.start == "direct":
            weight = _direct_weight(weight, frame, question)
        law = Law(self.law, self.n_generators, self.width)
        return Generator(frame, law, weight, anti_identity=self.anti_identity, least=least)

    def _settle(
        self, games: list[PairGame], index: int, samples: Samples, judge: Judge, question: Question | None
    ) -> None:
        """Turn what a start has learnt into a result."""
        self.conditional_ = self._kinds_of_start(samples)[index]
        generator = games[index].generator
        directions = generator.directions()
        self.lengths_ = generator.lengths()
        self.proposal_ = lie_algebra(self.rho_in).span(directions)
        road = type(self).__name__
        if question is not None:
            found = self._bounded(conclude_map(question, directions), samples)
        elif isinstance(judge, ElementJudge):
            found = conclude_elements(road, self.rho_in, judge, samples.x, directions, self._asked, self.seed)
            self.elements_, self.orders_ = found.elements, list(found.orders)
        else:
            found = conclude_cloud(road, self.rho_in, samples.x, directions, self.rank, self._asked, self.seed)
        self.symmetry_ = replace(found, road=road, seed=self.seed)

    @property
    def _asked(self) -> tuple[float, float]:
        return self.tolerance, self.level

    def _bounded(self, found: Symmetry, samples: Samples) -> Symmetry:
        """What evidence confirms, with limits on the samples that it was asked about."""
        cross, x = self.surrogate_, samples.x[:_EVIDENCE]
        outputs = fit_outputs(cross, x, samples.rho_out)
        rows = rows_out_of_fold(cross, x, self.rho_in, outputs)
        flat = outputs.size - rows.lie.shape[1]
        unseen = (
            f"{flat} components of the outputs are no wider than the error of the learnt map; they were left out",
        )
        found = replace(found, limits=(*found.limits, *(unseen if flat else ())))
        return allowing(found, rows, cross.gradient_error, self._asked, self.seed)

    def _kinds_of_start(self, samples: Samples) -> list[bool]:
        """Whether each start is conditional."""
        if samples.y is None or (self.conditional == "auto" and self.law == "integer"):
            return [False] * self.starts  # whole steps are told late, and each start is long
        return ([False, True] if self.conditional == "auto" else [bool(self.conditional)]) * self.starts

    def _settings(self, samples: Samples, index: int) -> str:
        """What a state on disk has to agree with."""
        names = ("n_generators", "law", "width", "subgroup", "conditional", "start", "incremental", "anti_identity",
                 "decorrelation", "batch", "hidden", "seed")  # fmt: skip
        plan = {k: v for k, v in asdict(self.plan or Plan()).items() if k not in ("epochs", "accelerator")}
        chosen = {name: getattr(self, name) for name in names}
        return json.dumps({**chosen, **plan, "samples": len(samples.x), "index": index, "sum": samples.fingerprint})

    def _require_options(self) -> None:
        require_fraction(self.tolerance, "tolerance")
        require_fraction(self.level, "level")
        if self.start not in ("random", "direct"):
            raise DataError(f"start: expected 'random' or 'direct', received {self.start!r}; use 'random' if unsure")
        if self.conditional not in (True, False, "auto"):
            raise DataError(f"conditional: expected True, False or 'auto', received {self.conditional!r}; use 'auto'")
        if self.n_generators < 1 or self.starts < 1:
            raise DataError(
                f"n_generators, starts: expected at least 1, received {self.n_generators}, {self.starts}; ask for more"
            )


def _direct_weight(weight: Tensor, frame: Tensor, question: Question | None) -> Tensor:
    """Rows whose first ones are the least broken directions of the direct road."""
    if question is None:
        raise DataError("start: expected 'random' without a map or with law 'integer', received 'direct'; use 'random'")
    kernel = relative_kernel(question.evidence.factors(), **question.rules)
    count = min(len(weight), max(kernel.cut.dim, 1))
    rows = kernel.directions[len(kernel.directions) - count :] @ torch.linalg.pinv(frame)
    start = weight.to(torch.float64).clone()
    start[:count] = rows / rows.norm(dim=1, keepdim=True)
    return start
