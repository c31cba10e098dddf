"""Held-out evidence about a latent symmetry."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...action._representation import Representation
from ...dictionary import Polynomials
from ...symmetry.claims import Interval
from ..games._generator import moved
from ..limits._together import quotients
from ._autoencoder import Autoencoder

_KEPT = 600  # held-out points
_MOST_TERMS = 60
_TRIES = 64  # group elements


@dataclass(frozen=True)
class Verdict:
    """Errors on held-out points, each relative to what it could be.

    Attributes
    ----------
    reconstruction : float
        Of points, relative to their spread.
    cycle : float
        Of moved latent points after decoding and encoding, relative to their spread.
    step : float
        Of moved pairs against a step learnt from pairs as they are, relative to its length; nan without pairs.
    cloud : float
        Energy distance of the moved cloud beyond that of the cloud as it is.
    """

    reconstruction: float
    cycle: float
    step: float
    cloud: float

    @property
    def score(self) -> float:
        """Root of the sum of squares of all that is known."""
        return math.sqrt(sum(e * e for e in (self.reconstruction, self.cycle, self.step, self.cloud) if e == e))


class LatentJudge:
    """Scores on points that training does not see."""

    def __init__(self, latent: Representation, x: Tensor, y: Tensor | None, width: float, seed: int) -> None:
        half = len(x) // 2
        self.latent = latent
        self.seen, self.held = x[:half], x[half:][:_KEPT]
        self.seen_after, self.held_after = (None, None) if y is None else (y[:half], y[half:][:_KEPT])
        self.width, self.seed = width, seed
        size = latent.size
        self.degree = max(d for d in range(1, 8) if d == 1 or math.comb(size + d, d) <= min(_MOST_TERMS, half // 4))

    def score(self, coder: Autoencoder, directions: Tensor) -> float:
        """Score of generators `(k, dim)` in the coordinates of an autoencoder; smaller is better."""
        return self.verdict(coder, directions).score

    @torch.no_grad()
    def verdict(self, coder: Autoencoder, directions: Tensor) -> Verdict:
        """All errors, of one autoencoder."""
        real = coder.mean.dtype
        x = self.held.to(real)
        z = coder.encode(x)
        elements = self._elements(directions).to(real)
        there = self._moved(elements, z)
        return Verdict(
            reconstruction=_ratio(coder.decode(z) - x, x - x.mean(0)),
            cycle=_ratio(coder.encode(coder.decode(there)) - there, z - z.mean(0)),
            step=self._step(coder, elements),
            cloud=_energy(there, z[: len(there)], coder.encode(self.seen[:2000].to(real))),
        )

    def _elements(self, directions: Tensor) -> Tensor:
        rng = torch.Generator().manual_seed(self.seed)
        sizes = torch.randn(_TRIES, len(directions), generator=rng, dtype=torch.float64)
        return self.width * sizes @ directions

    def _moved(self, elements: Tensor, z: Tensor) -> Tensor:
        """Points with an element each."""
        count = len(z) // _TRIES * _TRIES
        return moved(self.latent, elements, z[:count]) if count else z

    @torch.no_grad()
    def defect(self, coder: Autoencoder, directions: Tensor, level: float) -> tuple[Interval, float]:
        """What moved pairs miss of the latent step, relative to steps dealt to other pairs, and how many carry that.

        The step was learnt from other pairs, and its own error is in the numbers. Not known without pairs.
        """
        steps = self._steps(coder, self._elements(directions).to(coder.mean.dtype))
        if steps is None:
            return Interval(math.nan, math.nan, math.nan), math.nan
        missed, said, true = steps
        rng = torch.Generator().manual_seed(self.seed)
        order = torch.randperm(len(said), generator=rng)
        dealt = torch.empty_like(true)
        dealt[order] = true[order.roll(1)]
        squares = [missed, (said - dealt).square().sum(1), true.square().sum(1)]
        broken, chance, sizes = (part[:, None] for part in squares)
        found = quotients(broken, chance, level, self.seed, sizes=sizes)
        return found.one(0), float(found.effective)

    def _step(self, coder: Autoencoder, elements: Tensor) -> float:
        """How far moved pairs are from a polynomial step fitted to others, relative to the steps."""
        steps = self._steps(coder, elements)
        if steps is None or self.held_after is None:
            return math.nan
        real = coder.mean.dtype
        whole = coder.encode(self.held_after.to(real)).double() - coder.encode(self.held.to(real)).double()
        return float((steps[0].mean() / whole.square().sum(1).mean().clamp_min(1e-30)).sqrt())

    def _steps(self, coder: Autoencoder, elements: Tensor) -> tuple[Tensor, Tensor, Tensor] | None:
        """Squares `(S,)` of what moved pairs miss, and their steps `(S, n)` as learnt and as moved."""
        if self.seen_after is None or self.held_after is None:
            return None
        real = coder.mean.dtype
        z, w, held, after = (
            coder.encode(part.to(real)).double() for part in (self.seen, self.seen_after, self.held, self.held_after)
        )
        library = Polynomials(z.shape[1], self.degree)
        scale = z.abs().amax().clamp_min(1e-12)
        fitted = torch.linalg.lstsq(library.evaluate(z / scale), w - z, driver="gelsd").solution
        there, then = (self._moved(elements.double(), part) for part in (held, after))
        said, true = library.evaluate(there / scale) @ fitted, then - there
        whole = float((after - held).square().sum(1).mean())
        missed = (said - true).square().sum(1).clamp_max(whole)  # polynomials are wild where no data are
        far = said.norm(dim=1, keepdim=True).clamp_min(1e-30)
        return missed, said * (true.norm(dim=1, keepdim=True) + whole**0.5).div(far).clamp_max(1.0), true


def _ratio(missed: Tensor, whole: Tensor) -> float:
    """Root mean square of one, relative to the other."""
    return float(missed.double().square().mean().sqrt() / whole.double().square().mean().sqrt().clamp_min(1e-30))


def _energy(moved_to: Tensor, before: Tensor, others: Tensor) -> float:
    """Energy distance of a moved cloud from other points beyond that of the cloud before, relative to the spread."""
    square = max(_distance(moved_to, others) - _distance(before, others), 0.0)
    spread = float((others - others.mean(0)).norm(dim=1).square().mean().sqrt())
    return math.sqrt(square / max(spread, 1e-30))


def _distance(a: Tensor, b: Tensor) -> float:
    return float(2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean())
