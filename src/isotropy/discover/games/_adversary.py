"""Games of a player that proposes and an adversary that judges: the training loop that all such roads share."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...errors import DataError, MissingExtraError
from ._checkpoint import read_checkpoint, write_checkpoint

Progress = Callable[[int, int, str], None]
_BETAS = (0.5, 0.99)
_SLOWER = 1 / 3  # of the rates, each time the score stalls
_BEHIND = 2.0  # times the best score: such a start is not trained on
_STALLS = 3  # so many times, then training stops
_PATIENT = 3  # times the patience of a plan, for starts that get a second chance


@dataclass(frozen=True)
class Plan:
    """How a game is trained.

    Attributes
    ----------
    epochs, steps : int
        Most epochs, and steps in each; the score is taken after every epoch.
    rates : tuple of float
        Learning rates of Adam for the proposing player and for the adversary.
    patience : int
        Epochs without a better score after which the rates shrink to a third; at the third time training stops.
    average : float
        Share of the old average when the weights of the proposing player are averaged over steps; closer to 1 as the
        rates shrink.
    accelerator : str
        Of lightning-fabric: ``"cpu"``, ``"cuda"``, ``"auto"``, ...
    """

    epochs: int = 40
    steps: int = 100
    rates: tuple[float, float] = (2e-2, 2e-3)
    patience: int = 3
    average: float = 0.99
    accelerator: str = "cpu"


@dataclass
class Outcome:
    """Where training has got to.

    Attributes
    ----------
    score : float
        Best held-out score, of the averaged proposing player at epoch ``best``; 0 is the start.
    epoch, best : int
        Epochs done, and the one that is kept.
    stalls, since : int
        Times that the rates have shrunk, and epochs since the best.
    history : list of float
        Score after every epoch.
    """

    score: float = math.inf
    epoch: int = 0
    best: int = 0
    stalls: int = 0
    since: int = 0
    history: list[float] = field(default_factory=list[float])

    @property
    def finished(self) -> bool:
        """Whether the score has stalled for good."""
        return self.stalls >= _STALLS


class Game(nn.Module, ABC):
    """Two players and their losses; a road to a symmetry implements this and hands it to ``train``.

    Attributes
    ----------
    proposer, adversary : nn.Module
        The players; each is stepped on its own loss and never feels the gradient of the other's.
    heat : float
        From 1 down to 0 as the rates shrink; for noise that fades.
    """

    proposer: nn.Module
    adversary: nn.Module
    heat: float = 1.0

    @abstractmethod
    def propose(self, rng: torch.Generator) -> Any:
        """A round: real samples and proposed ones, with the graph of the proposer."""

    @abstractmethod
    def proposer_loss(self, round_: Any) -> Tensor:
        """What the proposer minimises."""

    @abstractmethod
    def adversary_loss(self, round_: Any) -> Tensor:
        """What the adversary minimises; proposed samples have to be detached."""

    @abstractmethod
    def score(self) -> float:
        """Equivariance error on held-out samples; smaller is better."""

    def weights(self) -> dict[str, Tensor]:
        """Copies of the weights of the proposer."""
        return {name: value.detach().clone() for name, value in self.proposer.state_dict().items()}


class Adversary(nn.Module):
    """Logits of "real" for vectors `(batch, size)`: a small smooth network on standardised coordinates."""

    def __init__(self, like: Tensor, hidden: int, seed: int) -> None:
        super().__init__()
        flat = like.flatten(1).to(torch.get_default_dtype())
        self.center: Tensor
        self.scale: Tensor
        self.register_buffer("center", flat.mean(0))
        self.register_buffer("scale", flat.std(0).clamp_min(1e-6 * flat.std(0).amax().clamp_min(1e-30)))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layers = [nn.Linear(flat.shape[1], hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU()]
            self.network = nn.Sequential(*layers, nn.Linear(hidden, 1))

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Logits `(batch,)`; ``noise`` is in standard coordinates."""
        standard = (x.flatten(1) - self.center) / self.scale
        return self.network(standard if noise is None else standard + noise)[:, 0]


def fool(logits: Tensor) -> Tensor:
    """Loss of a proposer whose samples should look real, ``-log D``."""
    return functional.softplus(-logits).mean()


def tell(real: Tensor, proposed: Tensor) -> Tensor:
    """Loss of an adversary that tells real from proposed, ``-log D - log (1 - D)``."""
    return functional.softplus(-real).mean() + functional.softplus(proposed).mean()


def train(
    game: Game,
    plan: Plan,
    *,
    seed: int = 0,
    path: Path | None = None,
    settings: str = "",
    progress: Progress | None = None,
) -> Outcome:
    """Train until the held-out score stalls, and leave the best averaged weights in ``game.proposer``.

    With ``path``, a ``.safetensors`` file, the state is written there after every epoch, and a rerun goes on from it.
    Under ``torchrun`` every process draws its own samples and gradients are averaged.

    Raises
    ------
    DataError
        If a loss is no longer finite; the file still holds the state after the last good epoch. If the file is
        damaged, or belongs to other ``settings``.
    MissingExtraError
        Without lightning-fabric.
    """
    training = Training(game, plan, seed=seed, path=path, settings=settings, progress=progress)
    training.run(plan.epochs)
    return training.finish()


class Training:
    """A game on its way: everything that changes while it is trained.

    Parameters as for ``train``. ``run`` may be called several times, also after ``finish``.
    """

    def __init__(
        self,
        game: Game,
        plan: Plan,
        *,
        seed: int = 0,
        path: Path | None = None,
        settings: str = "",
        progress: Progress | None = None,
    ) -> None:
        self.fabric = _fabric(plan.accelerator)
        self.game, self.plan, self.path, self.settings = game.to(self.fabric.device), plan, path, settings
        self.progress = progress
        self.rng = torch.Generator().manual_seed(seed + 1_000_003 * self.fabric.global_rank)
        self.optimizers = {
            name: torch.optim.Adam([p for p in player.parameters() if p.requires_grad], lr=rate, betas=_BETAS)
            for (name, player), rate in zip(self._players().items(), plan.rates, strict=True)
        }
        self.patience = plan.patience
        self.average = game.weights()
        self.best = game.weights()
        self.outcome = Outcome()
        self.current: dict[str, Tensor] | None = None
        self.restore()
        if not self.outcome.epoch:
            self.outcome.score = game.score()  # a start that nothing beats is kept

    @property
    def stopped(self) -> bool:
        """Whether epochs are left."""
        return self.outcome.epoch < self.plan.epochs and not self.outcome.finished

    def run(self, epochs: int) -> None:
        """Train until so many epochs are done in all, or the score has stalled for good."""
        if self.current is not None:
            self.game.to(self.fabric.device).proposer.load_state_dict(self.current)
            self.current = None
        while self.outcome.epoch < epochs and not self.outcome.finished:
            self.run_epoch()
            if self.progress is not None:
                words = f"held-out error {self.outcome.history[-1]:.3g}"
                self.progress(self.outcome.epoch, self.plan.epochs, words)

    def revive(self) -> None:
        """Full rates again and more patience, for the epochs that are left: a score may rise before it falls."""
        self.patience = _PATIENT * self.plan.patience
        self.outcome.stalls = self.outcome.since = 0
        self._slow_down()

    def finish(self) -> Outcome:
        """Leave the best averaged weights in the proposer; ``run`` goes on from where it was."""
        self.current = self.game.weights()
        self.game.proposer.load_state_dict(self.best)
        self.game.to("cpu")
        return self.outcome

    def run_epoch(self) -> None:
        """Train for one epoch, take the score and write the state."""
        for _ in range(self.plan.steps):
            self._step()
        with self._averaged():
            self._note(self.game.score())
        if self.path is not None and self.fabric.is_global_zero:
            write_checkpoint(self.path, self._tensors(), vars(self.outcome), self.settings)

    def restore(self) -> None:
        """Take the state in the file, if there is one."""
        if self.path is None or not self.path.exists():
            return
        expected = self._tensors()
        tensors, words = read_checkpoint(self.path, {k: v for k, v in expected.items() if k[0] != "o"}, self.settings)
        self.outcome = Outcome(**words)
        self.game.load_state_dict(_part(tensors, "game."))
        self.average, self.best = _part(tensors, "average."), _part(tensors, "best.")
        self.rng.set_state(tensors["rng"])
        for name, optimizer in self.optimizers.items():
            _restore_optimizer(optimizer, _part(tensors, f"optimizer.{name}."))
        self._slow_down()

    def _step(self) -> None:
        """One round: the proposer moves, then the adversary learns from the same samples."""
        round_ = self.game.propose(self.rng)
        for name, loss in (("proposer", self.game.proposer_loss), ("adversary", self.game.adversary_loss)):
            self._descend(name, loss(round_))
        with torch.no_grad():
            for key, value in self.game.proposer.state_dict().items():
                self.average[key].lerp_(value, (1 - self.plan.average) * self.game.heat)

    def _descend(self, name: str, loss: Tensor) -> None:
        if not bool(torch.isfinite(loss)):
            raise DataError(
                f"training: expected finite losses, received {float(loss.detach())} for the {name} in epoch "
                f"{self.outcome.epoch + 1}; {self._kept()}; lower the rates, the width or the size of the data"
            )
        parameters = [p for group in self.optimizers[name].param_groups for p in group["params"]]
        slopes = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
        for parameter, slope in zip(parameters, slopes, strict=True):
            parameter.grad = self._shared(slope)
        self.optimizers[name].step()

    def _shared(self, slope: Tensor) -> Tensor:
        """The mean gradient over all processes."""
        return self.fabric.all_reduce(slope, reduce_op="mean") if self.fabric.world_size > 1 else slope

    def _kept(self) -> str:
        if self.path is None or not self.path.exists():
            return "no state was kept, as no file was named"
        return f"the state after epoch {self.outcome.epoch} is kept in {self.path.name}"

    def _note(self, score: float) -> None:
        """Book the score; keep the weights if it is the best, slow down if it stalls."""
        outcome = self.outcome
        outcome.epoch += 1
        outcome.history.append(score)
        outcome.since += 1
        if score < outcome.score:
            outcome.score, outcome.best, outcome.since = score, outcome.epoch, 0
            self.best = self.game.weights()
        if outcome.since >= self.patience:
            outcome.stalls, outcome.since = outcome.stalls + 1, 0
            self._slow_down()

    def _slow_down(self) -> None:
        share = _SLOWER**self.outcome.stalls
        for optimizer, rate in zip(self.optimizers.values(), self.plan.rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * share
        self.game.heat = share

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The proposer with averaged weights for a while."""
        current = self.game.weights()
        self.game.proposer.load_state_dict(self.average)
        try:
            yield
        finally:
            self.game.proposer.load_state_dict(current)

    def _players(self) -> dict[str, nn.Module]:
        return {"proposer": self.game.proposer, "adversary": self.game.adversary}

    def _tensors(self) -> dict[str, Tensor]:
        """All state as plain tensors."""
        tensors = {f"game.{k}": v for k, v in self.game.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.items()}
        tensors |= {f"best.{k}": v for k, v in self.best.items()}
        for name, optimizer in self.optimizers.items():
            for index, slots in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{name}.{index}.{slot}": value for slot, value in slots.items()}
        return {**tensors, "rng": self.rng.get_state()}


def race(trainings: list[Training], heat: int) -> list[Outcome]:
    """Train side by side; after every ``heat`` epochs those stop whose held-out score is clearly behind the best."""
    running, epochs = list(trainings), 0
    while running:
        epochs = epochs + heat if len(running) > 1 else max(t.plan.epochs for t in running)
        for training in running:
            training.run(min(epochs, training.plan.epochs))
        best = min(training.outcome.score for training in trainings)
        running = [training for training in running if training.stopped and training.outcome.score <= _BEHIND * best]
    return [training.finish() for training in trainings]


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    slots: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, slot = key.split(".")
        slots.setdefault(int(index), {})[slot] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": slots})


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}


def _fabric(accelerator: str) -> Any:
    """A launched Fabric: one process alone, or one of those that torchrun started."""
    try:
        from lightning_fabric import Fabric
    except ImportError as error:
        raise MissingExtraError(
            "training: expected lightning-fabric, found none; run pip install 'isotropy[train]'"
        ) from error
    devices = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    fabric = Fabric(accelerator=accelerator, devices=devices)
    fabric.launch()
    return fabric
