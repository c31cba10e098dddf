"""Held-out evidence about a latent symmetry."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...action._representation import Representation
from ...dictionary import Polynomials
from ..games._generator import moved
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

    def _step(self, coder: Autoencoder, elements: Tensor) -> float:
        """How far moved pairs are from a polynomial step fitted to others."""
        if self.seen_after is None or self.held_after is None:
            return math.nan
        real = coder.mean.dtype
        z, w, held, after = (
            coder.encode(part.to(real)).double() for part in (self.seen, self.seen_after, self.held, self.held_after)
        )
        library = Polynomials(z.shape[1], self.degree)
        scale = z.abs().amax().clamp_min(1e-12)
        fitted = torch.linalg.lstsq(library.evaluate(z / scale), w - z, driver="gelsd").solution
        there, then = (self._moved(elements.double(), part) for part in (held, after))
        said = there + library.evaluate(there / scale) @ fitted
        whole = (after - held).square().sum(1).mean()
        missed = (said - then).square().sum(1).clamp_max(float(whole))  # polynomials are wild where no data are
        return float((missed.mean() / whole.clamp_min(1e-30)).sqrt())


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
