"""The game on samples ``(x, y)``: moved pairs against pairs that stayed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

from ...action._action import Action
from ...actions import Trivial
from ...core._checks import as_points, require_finite
from ...errors import DataError, RepresentationMismatchError
from ._adversary import Adversary, Game, fool, tell
from ._generator import Generator, moved
from ._judge import Judge

_ELEMENTS = 64  # group elements in a round
_NOISE = 0.05  # in standard coordinates, at full heat: samples on thin sets leave an adversary without slope
_MOST_CLASSES, _RAREST = 20, 10


@dataclass(frozen=True)
class Samples:
    """Checked samples.

    Attributes
    ----------
    x : Tensor
        `(S, *event)` float64.
    y : Tensor or None
        `(S, *event)` float64 outputs; one column per class for labels.
    targets : Any
        What surrogates are fitted to: `(S, m)` numbers, or labels.
    rho_out : Action
        How ``y`` moves.
    labelled : bool
        Whether the targets are classes.
    """

    x: Tensor
    y: Tensor | None
    targets: Any
    rho_out: Action
    labelled: bool = False

    @property
    def moving(self) -> Tensor:
        """Outputs, or zeros where there are none."""
        return torch.zeros(len(self.x), 1, dtype=torch.float64) if self.y is None else self.y

    @property
    def spread(self) -> float:
        """Root mean square distance of the inputs from their mean."""
        return float((self.x - self.x.mean(0)).flatten(1).norm(dim=1).square().mean().sqrt())

    @property
    def fingerprint(self) -> str:
        """Tells samples apart."""
        digest = hashlib.sha256(self.x.contiguous().numpy().tobytes())
        digest.update(self.moving.contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]


def as_samples(x: Any | Iterable[Any], y: Any, rho_in: Action, rho_out: Action | None) -> Samples:
    """Check tensors, or gather the batches of a loader.

    Raises
    ------
    DataError
        If a value is not finite, lengths differ, there is one class only, or the targets are constant.
    RepresentationMismatchError
        If shapes do not fit the actions.
    """
    if y is None and not hasattr(x, "__array__"):
        x, y = _gathered(cast("Iterable[Any]", x))
    points = as_points(x, "x", rho_in.event).detach().to("cpu", torch.float64)
    if y is None:
        return Samples(points, None, None, Trivial(rho_in.algebra, (1,)))
    if len(y) != len(points):
        raise DataError(f"y: expected {len(points)} rows as in x, received {len(y)}; pair every input")
    classes = _classes(y, rho_out)
    if classes is not None:
        still = Trivial(rho_in.algebra, (int(classes.max()) + 1,))
        return Samples(points, functional.one_hot(classes).to(torch.float64), classes, still, True)
    return _regression(points, y, rho_in, rho_out)


def _regression(points: Tensor, y: Any, rho_in: Action, rho_out: Action | None) -> Samples:
    values = require_finite(torch.as_tensor(y).detach().to("cpu", torch.float64), "y").flatten(1 if y.ndim > 1 else 0)
    flat = values.reshape(len(points), -1)
    if bool((flat == flat[0]).all()):
        raise DataError("y: expected targets that vary, received a constant; every motion keeps a constant")
    action = Trivial(rho_in.algebra, (flat.shape[1],)) if rho_out is None else rho_out
    if action.size != flat.shape[1]:
        raise RepresentationMismatchError(
            f"rho_out: expected an action on {flat.shape[1]} outputs, received one on {action.size}; match it to y"
        )
    return Samples(points, flat.reshape(len(points), *action.event), flat, action)


def _classes(y: Any, rho_out: Action | None) -> Tensor | None:
    """Indices of the classes when the outputs rest and the targets are labels."""
    text = not hasattr(y, "__array__")
    names = [str(label) for label in y] if text else torch.as_tensor(y).flatten(1 if y.ndim > 1 else 0)
    if not text and names.ndim == 2 and names.shape[1] == 1:  # type: ignore[union-attr]
        names = names[:, 0]  # type: ignore[index]
    if isinstance(names, Tensor):
        whole = names.ndim == 1 and bool((names == names.round()).all())
        resting = rho_out is None or not bool(rho_out.fields(torch.ones(1, *rho_out.event, dtype=torch.float64)).any())
        if not whole or not resting:
            return None
        values, index = names.unique(return_inverse=True)
    else:
        kinds = sorted(set(names))
        values, index = torch.arange(len(kinds)), torch.tensor([kinds.index(name) for name in names])
    counts = index.bincount()
    if len(values) == 1:
        raise DataError("y: expected at least two classes, received one only; every motion keeps a single class")
    if text and (len(values) > _MOST_CLASSES or int(counts.min()) < _RAREST):
        raise DataError(
            f"y: expected 2 to {_MOST_CLASSES} classes of at least {_RAREST} samples, received {len(values)} classes, "
            f"the rarest of {int(counts.min())}; merge rare ones"
        )
    return index if len(values) <= _MOST_CLASSES and int(counts.min()) >= _RAREST else None


def _gathered(batches: Iterable[Any]) -> tuple[Any, Any]:
    """Tensors from a loader of ``x`` or ``(x, y)`` batches."""
    parts = list(batches)
    if not parts:
        raise DataError("x: expected at least one batch, received an empty loader; check the data set")
    if isinstance(parts[0], list | tuple):
        return tuple(torch.cat([torch.as_tensor(part[i]) for part in parts]) for i in (0, 1))  # type: ignore[return-value]
    return torch.cat([torch.as_tensor(part) for part in parts]), None


@dataclass(frozen=True)
class Round:
    """Samples that stayed, and others before and after they were moved."""

    x: Tensor
    y: Tensor
    start_x: Tensor
    moved_x: Tensor
    moved_y: Tensor
    noise: Tensor


class PairGame(Game):
    """A generator moves pairs ``(x, y)``; an adversary tells them from pairs that stayed.

    A conditional game has a second network that sees the inputs alone. The difference of the two logits is the
    log-ratio of the densities of outputs *given* inputs, so a generator that follows it need not keep the inputs'
    density: what counts is ``p(y | x)``.
    """

    def __init__(
        self,
        generator: Generator,
        rho_in: Action,
        samples: Samples,
        judge: Judge,
        *,
        conditional: bool,
        batch: int,
        hidden: int,
        decorrelation: float,
        seed: int,
    ) -> None:
        super().__init__()
        real = torch.get_default_dtype()
        self.proposer = generator
        self.rho_in, self.rho_out = rho_in, samples.rho_out
        self.x: Tensor
        self.y: Tensor
        self.register_buffer("x", samples.x.to(real), persistent=False)
        self.register_buffer("y", samples.moving.to(real), persistent=False)
        self.judge, self.decorrelation = judge, decorrelation
        self.labelled = samples.labelled
        self.batch = max(_ELEMENTS, batch // _ELEMENTS * _ELEMENTS)
        joint = self.x.flatten(1) if samples.y is None else torch.cat([self.x.flatten(1), self.y.flatten(1)], dim=1)
        self.joint = Adversary(joint, hidden, seed)
        self.inputs = Adversary(self.x, hidden, seed + 1) if conditional else None
        self.adversary = torch.nn.ModuleList([self.joint, *([] if self.inputs is None else [self.inputs])])

    def learn_up_to(self, active: int, *, alone: bool) -> None:
        """Use the first channels, and learn the last of them alone or all together."""
        self.generator.active = active
        self.generator.fixed = active - 1 if alone else 0

    @property
    def generator(self) -> Generator:
        """The proposer."""
        return cast(Generator, self.proposer)

    def propose(self, rng: torch.Generator) -> Round:
        """Move some samples, and draw others that stay."""
        stay, go = (torch.randint(len(self.x), (self.batch,), generator=rng).to(self.x.device) for _ in range(2))
        elements = self.generator.draw(_ELEMENTS, rng)
        x, y = self.x[go], self.y[go]
        moved_x, moved_y = moved(self.rho_in, elements, x), moved(self.rho_out, elements, y, x)
        noise = torch.randn(self.batch, x[0].numel() + y[0].numel(), generator=rng).to(x)
        return Round(self.x[stay], self.y[stay], x, moved_x, moved_y, _NOISE * self.heat * noise)

    def proposer_loss(self, round_: Round) -> Tensor:
        """Moved pairs should look as if they had stayed."""
        logits = self._joint(round_.moved_x, round_.moved_y, round_.noise)
        if self.inputs is not None:
            logits = logits - self.inputs(round_.moved_x, round_.noise[:, : len(self.inputs.center)])
        loss = fool(logits) + self.generator.penalty(self.decorrelation)
        if self.generator.anti_identity == "cosine":
            loss = loss + _likeness(round_.moved_x, round_.start_x)
        return loss

    def adversary_loss(self, round_: Round) -> Tensor:
        """Pairs that stayed against moved ones, and inputs alone where the game is conditional."""
        x, y = round_.moved_x.detach(), round_.moved_y.detach()
        other = round_.noise.roll(1, 0)
        loss = tell(self._joint(round_.x, round_.y, other), self._joint(x, y, round_.noise))
        if self.inputs is not None:
            width = len(self.inputs.center)
            loss = loss + tell(self.inputs(round_.x, other[:, :width]), self.inputs(x, round_.noise[:, :width]))
        return loss

    def score(self) -> float:
        """The judge's score of what the generator has learnt."""
        return self.judge.score(self.generator.directions())

    def _joint(self, x: Tensor, y: Tensor, noise: Tensor) -> Tensor:
        flat = torch.cat([x.flatten(1), y.flatten(1)], dim=1)
        width = len(self.joint.center)
        return self.joint(flat[:, :width], noise[:, :width])


def _likeness(after: Tensor, before: Tensor) -> Tensor:
    """Size of the mean cosine between points before and after."""
    return functional.cosine_similarity(after.flatten(1), before.flatten(1), dim=1).mean().abs()
