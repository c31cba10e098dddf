"""Symmetries that are linear only in latent coordinates, which an autoencoder learns along with them."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...action._representation import Representation
from ...actions import LatentAction
from ...algebra._catalogue import gl
from ...algebra._lie_algebra import lie_algebra
from ...core._checks import as_points, require_fraction
from ...errors import DataError, RepresentationMismatchError
from .. import bars
from ..evidence._result import Discovery
from ..games._adversary import Outcome, Plan, Progress, train
from ..games._checkpoint import require_safetensors
from ..games._generator import Generator, Law, start_weight
from ._autoencoder import Autoencoder, build
from ._game import LatentGame, Proposer, Weights
from ._judge import LatentJudge, Verdict
from ._polish import conserving, polish
from ._verdict import along_time, conclude_latent, linear_step

_FEWEST = 100  # samples
_HELD = 0.25  # share of the samples that training does not see
_PLAN = Plan(epochs=10, steps=100, rates=(4e-3, 3e-3), average=0.98)
_SMALL = 0.1  # length of a start, so that generators turn faster than networks learn


class LaLiGAN(Discovery):
    """A linear symmetry in coordinates that are learnt with it, by an adversarial game judged on held-out samples.

    An autoencoder maps points to latent points ``z``, where random elements ``exp(sum_i z_i L_i)`` act. An adversary
    tries to tell moved latent points from those that stayed. With pairs of states, a follower learns the step from one
    to the next, and moved pairs have to follow it too. What is found acts on the data as a ``LatentAction``.

    Parameters
    ----------
    latent_dim : int
        Size of the latent space, at most that of a point.
    n_generators : int, optional
        Number of learnt generators; one if left out, or the whole algebra of ``representation`` as it is.
    representation : Representation, optional
        How latent points move: blocks that are given or learnt, such as ``2 * iso.so(2).vector()`` or
        ``iso.gl(2).vector() + iso.gl(2).scalar()``. All matrices if left out.
    network : "auto", "mlp" or "conv"
        Dense layers, or convolutions for points `(channels, length)` and `(channels, height, width)`.
    encoder, decoder : nn.Module, optional
        Networks of your own in their place, between `(batch, *event)` and `(batch, latent_dim)`; they are copied.
    hidden, layers : int
        Width and number of the dense layers.
    width : float
        Standard deviation of the coefficients of the generators, which have the Frobenius norm of the identity.
    weights : Weights, optional
        Prices of the parts of the loss.
    starts : int
        Number of starts; the best held-out score is kept.
    plan : Plan, optional
        Epochs, rates and accelerator.
    batch : int
        Samples in a round.
    polish : int
        Iterations of the direct road after the game: with the generators kept, coordinates are fitted in which the
        step commutes with them; none without pairs. Held-out samples decide whether the result is taken.
    tolerance : float
        Defect that is accepted of the step in latent coordinates. A defect of 1 is what moved pairs would miss if their
        steps were dealt to other pairs.
    level : float
        Probability with which the certified span may have a true defect above the tolerance, if what ``limits`` names
        is so.
    seed : int
        Of everything random.

    Attributes
    ----------
    action_ : LatentAction
        The symmetry on the data: ``field`` and ``flow`` as for every action; ``action_.latent`` is its linear form.
    labels_ : list of str
        ``"time translation"`` for generators that move states along their own trajectories, which every integrable
        system has; empty for others.
    along_ : Tensor
        `(k,)` share of the steps that each generator does not point along; small for a time translation, nan
        without pairs.
    verdict_ : Verdict
        Errors on held-out samples.
    step_ : Tensor
        `(latent_dim, latent_dim)` the linear step of latent points that commutes with the symmetry.
    autoencoder_ : Autoencoder
        ``encode`` and ``decode``, in float64.
    outcomes_ : list of Outcome
        Score of every epoch of every start.

    References
    ----------
    yang2024laligan
    """

    action_: LatentAction  # type: ignore[assignment]
    labels_: list[str]
    along_: Tensor
    verdict_: Verdict
    step_: Tensor
    autoencoder_: Autoencoder
    outcomes_: list[Outcome]

    def __init__(
        self,
        latent_dim: int = 2,
        n_generators: int | None = None,
        *,
        representation: Representation | None = None,
        network: str = "auto",
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
        hidden: int = 64,
        layers: int = 2,
        width: float = 1.5,
        weights: Weights | None = None,
        starts: int = 1,
        plan: Plan | None = None,
        batch: int = 256,
        polish: int = 300,
        tolerance: float = 0.05,
        level: float = 0.05,
        seed: int = 0,
    ) -> None:
        self.latent_dim = latent_dim
        self.n_generators = n_generators
        self.representation = representation
        self.network = network
        self.encoder = encoder
        self.decoder = decoder
        self.hidden = hidden
        self.layers = layers
        self.width = width
        self.weights = weights
        self.starts = starts
        self.plan = plan
        self.batch = batch
        self.polish = polish
        self.tolerance = tolerance
        self.level = level
        self.seed = seed

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        resume: str | os.PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> LaLiGAN:
        """Discover from states `(S, *event)` and, for dynamics, the states ``y`` one step later.

        With ``resume``, a ``.safetensors`` name, each start writes its state beside it after every epoch
        (``run.0.safetensors``, ...), and a rerun goes on from there.

        Raises
        ------
        DataError
            If the data cannot decide (too few, constant, nothing moves), the latent space is larger than a point,
            training leaves the finite numbers, or a state on disk is damaged.
        RepresentationMismatchError
            If shapes do not fit.
        MissingExtraError
            Without lightning-fabric.
        """
        path = None if resume is None else require_safetensors(Path(resume))
        require_fraction(self.tolerance, "tolerance")
        require_fraction(self.level, "level")
        latent = self._require_latent()
        points, after = _as_pairs(x, y)
        self._require_room(points)
        order = torch.randperm(len(points), generator=torch.Generator().manual_seed(self.seed))
        points, after = points[order], None if after is None else after[order]
        cut = round((1 - _HELD) * len(points))
        judge = LatentJudge(latent, points[cut:], None if after is None else after[cut:], self.width, self.seed)
        seen = points[:cut], None if after is None else after[:cut]
        games = [self._play(latent, *seen, judge, index, path, progress) for index in range(self.starts)]
        self.outcomes_ = [outcome for _, outcome in games]
        best = min(range(len(games)), key=lambda k: self.outcomes_[k].score)
        self._settle(games[best][0].learner, latent, seen, judge)
        return self

    def forecast(self, x: Any, steps: int) -> Tensor:
        """States `(steps, batch, *event)` that follow states `(batch, *event)`, by the linear latent step.

        Raises
        ------
        DataError
            If the fit saw no pairs.
        """
        if not len(self.step_):
            raise DataError("forecast: expected a fit on pairs of states, received one on points alone; give y to fit")
        points = as_points(x, "x", self.action_.event)
        z, states = self.autoencoder_.encode(points.to(torch.float64)), []
        for _ in range(steps):
            z = z @ self.step_.T
            states.append(self.autoencoder_.decode(z).to(points.dtype))
        return torch.stack(states)

    def _play(
        self,
        latent: Representation,
        x: Tensor,
        y: Tensor | None,
        judge: LatentJudge,
        index: int,
        path: Path | None,
        progress: Progress | None,
    ) -> tuple[LatentGame, Outcome]:
        """One start: a game trained to its best held-out score."""
        seed, plan = self.seed + 7919 * index, self.plan or _PLAN
        proposer = Proposer(self._autoencoder(x, seed), self._generator(latent, seed))
        game = LatentGame(
            proposer, latent, x, y, judge, self.weights or Weights(), batch=self.batch, hidden=self.hidden,
            every=plan.steps, seed=seed,
        )  # fmt: skip
        file = None if path is None else path.with_suffix(f".{index}.safetensors")
        settings = self._settings(plan, x, y, index)
        return game, train(game, plan, seed=seed, path=file, settings=settings, progress=progress)

    def _autoencoder(self, x: Tensor, seed: int) -> Autoencoder:
        event = tuple(x.shape[1:])
        encoder, decoder = build(self.network, event, self.latent_dim, self.hidden, self.layers, seed)
        encoder = encoder if self.encoder is None else copy.deepcopy(self.encoder)
        decoder = decoder if self.decoder is None else copy.deepcopy(self.decoder)
        return Autoencoder(encoder, decoder, x, self.latent_dim)

    def _generator(self, latent: Representation, seed: int) -> Generator:
        """Rows over the candidates, each scaled to the Frobenius norm of the identity."""
        sizes = latent.tensor.flatten(1).norm(dim=1).clamp_min(1e-12)
        frame = torch.diag(latent.size**0.5 / sizes)
        channels = self._channels(latent)
        law = Law("normal", channels, self.width)
        if self._learns:
            return Generator(frame, law, _SMALL * start_weight(channels, len(frame), seed), anti_identity="unit")
        return Generator(frame, law, torch.eye(len(frame)), learn=False, anti_identity=None)

    @property
    def _learns(self) -> bool:
        """Whether generators are learnt, not only coordinates."""
        return self.representation is None or self.n_generators is not None

    def _channels(self, latent: Representation) -> int:
        return latent.algebra.dim if not self._learns else (self.n_generators or 1)

    def _settle(
        self, proposer: Proposer, latent: Representation, seen: tuple[Tensor, Tensor | None], judge: LatentJudge
    ) -> None:
        """Turn what was learnt into a result."""
        x, y = seen
        directions, coder = self._polished(proposer, latent, seen, judge)
        self.autoencoder_ = coder
        action = LatentAction(coder.encode, coder.decode, latent, tuple(x.shape[1:]))
        self.verdict_ = judge.verdict(coder, directions)
        asked = self.tolerance, self.level
        found = conclude_latent(action, coder, judge, x, directions, self.verdict_, asked)
        self.symmetry_ = replace(found, seed=self.seed)
        z = coder.encode(x)
        w = None if y is None else coder.encode(y)
        self.along_ = along_time(self.action_.latent, z, w)
        self.labels_ = ["time translation" if float(share) < bars.TIME_TRANSLATION else "" for share in self.along_]
        self.step_ = linear_step(self.action_.latent, z, w)

    def _polished(
        self, proposer: Proposer, latent: Representation, seen: tuple[Tensor, Tensor | None], judge: LatentJudge
    ) -> tuple[Tensor, Autoencoder]:
        """Generators and autoencoder after the direct road, if held-out samples agree that they are better."""
        x, y = seen
        directions, coder = self._directions(proposer.generator), proposer.autoencoder
        before = directions, coder.inverted()
        if y is None or not self.polish:
            return before
        if self._learns and not (self.weights or Weights()).threshold:  # zeros that were asked for stay
            directions = conserving(latent, directions)
        found = latent._restricted(latent.algebra.span(directions), directions)
        after = directions, polish(coder, found, x, y, self.polish, self.seed).inverted()
        return min((before, after), key=lambda one: judge.score(one[1], one[0]))

    def _directions(self, generator: Generator) -> Tensor:
        directions = generator.directions()
        share = (self.weights or Weights()).threshold
        small = directions.abs() < share * directions.abs().amax(dim=1, keepdim=True)
        return directions.masked_fill(small, 0.0)

    def _settings(self, plan: Plan, x: Tensor, y: Tensor | None, index: int) -> str:
        """What a state on disk has to agree with."""
        names = ("latent_dim", "n_generators", "network", "hidden", "layers", "width", "batch", "seed")
        chosen = {name: getattr(self, name) for name in names}
        rates = {k: v for k, v in asdict(plan).items() if k not in ("epochs", "accelerator")}
        digest = hashlib.sha256(x.contiguous().numpy().tobytes())
        digest.update(b"" if y is None else y.contiguous().numpy().tobytes())
        words = {"representation": repr(self.representation), **asdict(self.weights or Weights()), "index": index}
        return json.dumps({**chosen, **rates, **words, "sum": digest.hexdigest()[:16]})

    def _require_latent(self) -> Representation:
        """The representation on the latent space, after the options have been checked."""
        if self.latent_dim < 1 or self.starts < 1 or (self.n_generators or 1) < 1:
            raise DataError(
                f"latent_dim, n_generators, starts: expected at least 1, received {self.latent_dim}, "
                f"{self.n_generators}, {self.starts}; ask for more"
            )
        latent = gl(self.latent_dim).vector() if self.representation is None else self.representation
        if latent.size != self.latent_dim:
            raise RepresentationMismatchError(
                f"representation: expected size {self.latent_dim} (latent_dim), received {latent.size}; match them"
            )
        if self._channels(latent) > lie_algebra(latent).dim:
            raise DataError(
                f"n_generators: expected at most {latent.algebra.dim} (candidates), received {self.n_generators}; "
                "ask for fewer"
            )
        return latent

    def _require_room(self, x: Tensor) -> None:
        """Refuse a latent space that is larger than a point."""
        if self.latent_dim > x[0].numel():
            raise DataError(
                f"latent_dim: expected at most {x[0].numel()} (numbers in a point), received {self.latent_dim}; "
                "ask for fewer"
            )


def _as_pairs(x: Any, y: Any) -> tuple[Tensor, Tensor | None]:
    """Checked states and next states, float64."""
    points = as_points(x).detach().to("cpu", torch.float64)
    if len(points) < _FEWEST:
        raise DataError(f"x: expected at least {_FEWEST} samples, received {len(points)}; bring more")
    if bool((points == points[0]).all()):
        raise DataError("x: expected points that vary, received a constant; every motion keeps a constant")
    if y is None:
        return points, None
    after = as_points(y, "y", tuple(points.shape[1:])).detach().to("cpu", torch.float64)
    if len(after) != len(points):
        raise DataError(f"y: expected {len(points)} rows as in x, received {len(after)}; pair every state")
    if bool((after == points).all()):
        raise DataError("y: expected states one step after x, received the same ones; give later states")
    return points, after
