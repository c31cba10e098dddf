"""The game in latent coordinates: an autoencoder that straightens a symmetry, against an adversary and a follower."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from ...action._representation import Representation
from ..games._adversary import Adversary, Game, fool, tell
from ..games._generator import Generator, moved
from ._autoencoder import Autoencoder
from ._judge import LatentJudge
from ._polish import colour

_ELEMENTS = 64  # group elements in a round
_NOISE = 0.05  # in standard coordinates, at full heat


@dataclass(frozen=True)
class Weights:
    """Prices of what the proposer has to keep low.

    Attributes
    ----------
    adversary : float
        Moved latent points that the adversary recognises.
    follower : float
        Moved pairs that do not follow the step of the latent points; without pairs it plays no part.
    cycle : float
        Moved latent points that are another after decoding and encoding.
    whitening : float
        Latent coordinates that are not white: a generator could hide in a direction that is squeezed flat.
    decorrelation, closure : float
        Channels that point the same way, and brackets that leave their span.
    threshold : float
        Coefficients of a generator below this share of its largest are set to zero after every epoch.
    """

    adversary: float = 0.05
    follower: float = 1.0
    cycle: float = 0.1
    whitening: float = 0.3
    decorrelation: float = 1.0
    closure: float = 0.0
    threshold: float = 0.0


@dataclass(frozen=True)
class Round:
    """Points and their next ones, latent points of both, and where group elements take these."""

    points: Tensor
    latent: Tensor
    after: Tensor
    moved: Tensor
    moved_after: Tensor
    noise: Tensor


class Proposer(nn.Module):
    """The autoencoder and the generators, which learn together."""

    def __init__(self, autoencoder: Autoencoder, generator: Generator) -> None:
        super().__init__()
        self.autoencoder = autoencoder
        self.generator = generator


class Follower(nn.Module):
    """Displacement of latent points `(batch, size)` in one step."""

    def __init__(self, like: Tensor, hidden: int, seed: int) -> None:
        super().__init__()
        size = like.shape[1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            parts = [nn.Linear(size, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, size)]
        self.network = nn.Sequential(*parts)

    def forward(self, z: Tensor) -> Tensor:
        """Where the points go."""
        return z + self.network(z)


class LatentGame(Game):
    """Latent points and their next ones, moved alike, should look as if they had stayed.

    The adversary judges the cloud. The follower learns the step of latent points from pairs as they are; moved pairs
    should follow it. Both learn from detached points, and the proposer's gradient never reaches them.
    """

    def __init__(
        self,
        proposer: Proposer,
        latent: Representation,
        x: Tensor,
        y: Tensor | None,
        judge: LatentJudge,
        weights: Weights,
        *,
        batch: int,
        hidden: int,
        every: int,
        seed: int,
    ) -> None:
        super().__init__()
        real = torch.get_default_dtype()
        self.proposer = proposer
        self.latent, self.judge, self.price, self.every = latent, judge, weights, every
        self.x: Tensor
        self.y: Tensor
        self.clock: Tensor
        self.register_buffer("x", x.to(real), persistent=False)
        self.register_buffer("y", (x if y is None else y).to(real), persistent=False)
        self.register_buffer("clock", torch.zeros((), dtype=torch.int64))
        self.paired = y is not None
        self.batch = max(_ELEMENTS, batch // _ELEMENTS * _ELEMENTS)
        with torch.no_grad():
            some = slice(0, 2000)
            z, w = (proposer.autoencoder.encode(part[some]) for part in (self.x, self.y))
        self.cloud = Adversary(self._seen(z, w), hidden, seed)
        self.follower = Follower(z, hidden, seed + 1) if self.paired else None
        self.adversary = nn.ModuleList([self.cloud, *([] if self.follower is None else [self.follower])])

    @property
    def learner(self) -> Proposer:
        """The proposer."""
        return cast(Proposer, self.proposer)

    def propose(self, rng: torch.Generator) -> Round:
        """Encode some pairs and move them."""
        self._tick()
        chosen = torch.randint(len(self.x), (self.batch,), generator=rng).to(self.x.device)
        points = torch.cat([self.x[chosen], self.y[chosen]]) if self.paired else self.x[chosen]
        latent = self.learner.autoencoder.encode(points)
        z, w = latent[: self.batch], latent[-self.batch :]
        elements = self.learner.generator.draw(_ELEMENTS, rng)
        moved_z, moved_w = (moved(self.latent, elements, part) for part in (z, w))
        noise = torch.randn(self.batch, len(self.cloud.center), generator=rng).to(z)
        return Round(points, z, w, moved_z, moved_w, _NOISE * self.heat * noise)

    def proposer_loss(self, round_: Round) -> Tensor:
        """Points come back, moved ones look real and follow the step, and generators are apart."""
        coder, price = self.learner.autoencoder, self.price
        z = torch.cat([round_.latent, round_.after]) if self.paired else round_.latent
        loss = ((coder.decode(z) - round_.points) / coder.scale).square().mean()
        loss = loss + price.adversary * fool(self.cloud(self._seen(round_.moved, round_.moved_after), round_.noise))
        loss = loss + price.whitening * colour(z)
        if price.cycle:
            loss = loss + price.cycle * _share(coder.encode(coder.decode(round_.moved)) - round_.moved, round_.latent)
        if self.follower is not None:
            missed = self.follower(round_.moved) - round_.moved_after
            loss = loss + price.follower * _share(missed, round_.after - round_.latent)
        if price.closure:
            loss = loss + price.closure * self._open_brackets()
        return loss + self.learner.generator.penalty(price.decorrelation)

    def adversary_loss(self, round_: Round) -> Tensor:
        """Points that stayed against moved ones, and the step of those that stayed."""
        z, w, there, after = (part.detach() for part in (round_.latent, round_.after, round_.moved, round_.moved_after))
        loss = tell(
            self.cloud(self._seen(z, w), round_.noise.roll(1, 0)), self.cloud(self._seen(there, after), round_.noise)
        )
        if self.follower is not None:
            loss = loss + _share(self.follower(z) - w, w - z)
        return loss

    def score(self) -> float:
        """The judge's score of autoencoder and generators together."""
        return self.judge.score(self.learner.autoencoder, self.learner.generator.directions())

    def _seen(self, z: Tensor, w: Tensor) -> Tensor:
        """What the adversary sees: the points, and where pairs go."""
        return torch.cat([z, w - z], dim=1) if self.paired else z

    def _tick(self) -> None:
        """After every epoch, set small coefficients to zero; they may come back."""
        self.clock += 1
        if self.price.threshold and int(self.clock) % self.every == 0:
            with torch.no_grad():
                weight = self.learner.generator.weight
                small = weight.abs() < self.price.threshold * weight.abs().amax(dim=1, keepdim=True)
                weight[small] = 0.0

    def _open_brackets(self) -> Tensor:
        """Share of the brackets of the generators that leaves their span."""
        generator = self.learner.generator
        coordinates = generator.rows() @ generator.frame
        matrices = torch.einsum("ck,knp->cnp", coordinates, self.latent.tensor.to(coordinates))
        brackets = (matrices[:, None] @ matrices[None] - matrices[None] @ matrices[:, None]).flatten(2).flatten(0, 1)
        frame = torch.linalg.qr(matrices.flatten(1).T).Q
        return (brackets - brackets @ frame @ frame.T).square().sum() / matrices.square().sum().square()


def _share(missed: Tensor, whole: Tensor) -> Tensor:
    """Mean square of what is missed, relative to the variance or length that it is a part of."""
    return missed.square().mean() / whole.square().mean().clamp_min(1e-12)
