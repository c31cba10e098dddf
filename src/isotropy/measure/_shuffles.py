"""What chance would give where no Jacobian fits: gradients of some samples along the motions of others."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..core._linalg import StreamedQR
from ..symmetry.claims import bars
from ..symmetry.claims._forms import effective
from ..symmetry.claims._resamples import Resamples, _kept, _squares, _symmetric
from ..symmetry.claims._span import Factors
from ._metric import Metric

# Motions that every gradient is paired with. Of S samples this makes 8 S pairs, whose mean square is uncertain by
# (1 / S + 1 / (8 S))^(1/2) of itself or so: all pairs would narrow that by 6 %.
SHUFFLES = 8
# Groups of samples that are resampled together, so that memory stays flat; up to as many samples each is one.
_MOST_GROUPS = 2**12


@dataclass(frozen=True)
class Pairing:
    """Whose motion each gradient is paired with.

    Attributes
    ----------
    partners : Tensor
        `(shuffles, S)` indices of samples; never the sample itself, unless it is the only one.
    group : Tensor
        `(S,)` the group that a sample is resampled with.
    """

    partners: Tensor
    group: Tensor

    @property
    def groups(self) -> int:
        """Number of groups."""
        return int(self.group.max()) + 1


def pairing_of(samples: int, seed: int) -> Pairing:
    """Pairs in a random order: that of the samples, such as a time or a class, must not tell who meets whom."""
    order = torch.randperm(samples, generator=torch.Generator().manual_seed(seed))
    rank = torch.empty_like(order)
    rank[order] = torch.arange(samples)
    shifts = torch.arange(1, min(SHUFFLES, samples - 1) + 1) if samples > 1 else torch.zeros(1, dtype=torch.int64)
    return Pairing(order[(rank + shifts[:, None]) % samples], rank % _MOST_GROUPS)


@dataclass(frozen=True)
class Block:
    """The map at some samples, as it comes; `b` samples, `p` shuffles.

    Attributes
    ----------
    index : Tensor
        `(b,)` which samples.
    points : Tensor
        `(b, n)`.
    fields : Tensor
        `(b, dim, n)` their motions.
    value : Tensor
        `(b, out)`.
    moved, turned : Tensor
        `(b, dim, out)` the two terms of the Lie derivative.
    paired : Tensor
        `(p, b, dim, out)` slopes at these samples along the motions of their partners.
    """

    index: Tensor
    points: Tensor
    fields: Tensor
    value: Tensor
    moved: Tensor
    turned: Tensor
    paired: Tensor


class Shuffles:
    """Evidence that is summed block by block, in memory that does not grow with the samples.

    The same forms as of whole Jacobians, with ``E |Df(x') xi(x)|^2`` from pairs of samples. Leverage is not capped:
    it is taken in the space of gradients, in which wide points are all equally far.

    Parameters
    ----------
    dim : int
        Number of generators.
    pairing : Pairing
        Of all samples.
    outputs, inputs : Metric
        Scales of the values and of the points.
    motions : Tensor
        `(q, dim, n)` motions of some samples, in those scales.
    seed : int
        Of the resamples.
    """

    def __init__(self, dim: int, pairing: Pairing, outputs: Metric, inputs: Metric, motions: Tensor, seed: int) -> None:
        self._pairing = pairing
        self._metrics = (outputs, inputs)
        self._motions = motions
        self._seed = seed
        self._dim = dim
        self._streams = tuple(StreamedQR(dim) for _ in range(3))
        # of lie, motions and gradients of chance, motion, and what the points take from it; then values and counts
        self._sums = torch.zeros(5, pairing.groups, dim * (dim + 1) // 2, dtype=torch.float64)
        self._plain = torch.zeros(2, pairing.groups, dtype=torch.float64)

    def update(self, block: Block) -> None:
        """Absorb some samples."""
        outputs, inputs = self._metrics
        own = self._pairing.group[block.index]
        shuffles = len(block.paired)
        lie, turned = outputs(block.moved - block.turned), outputs(block.turned)
        pairs, motion = outputs(block.paired), inputs(block.fields)
        points, values = inputs(block.points - inputs.mean), outputs(block.value - outputs.mean)
        met = _squares(pairs.transpose(2, 3).flatten(0, 1)).reshape(shuffles, len(own), -1) / shuffles
        self._sums[0].index_add_(0, own, _squares(lie.transpose(1, 2)))
        self._sums[1].index_add_(0, own, _squares(turned.transpose(1, 2)))
        for partners, part in zip(self._pairing.partners[:, block.index], met, strict=True):
            self._sums[1].index_add_(0, self._pairing.group[partners], part)
        self._sums[2].index_add_(0, own, met.sum(0))
        self._sums[3].index_add_(0, own, _squares(motion.transpose(1, 2)))
        self._sums[4].index_add_(0, own, self._taken(points))
        self._plain[0].index_add_(0, own, values.square().mean(1))
        self._plain[1].index_add_(0, own, torch.ones(len(own), dtype=torch.float64))
        for stream, rows in zip(self._streams, (lie, pairs / shuffles**0.5, motion), strict=True):
            stream.update(rows.transpose(-1, -2).reshape(-1, self._dim))
        self._streams[1].update(turned.transpose(1, 2).reshape(-1, self._dim))

    def _taken(self, points: Tensor) -> Tensor:
        """What each point `(b, n)` takes from the motions of all by widening the spreads, `(b, dim (dim + 1) / 2)`."""
        motions = self._motions
        if self._metrics[1].joint:
            beside = torch.einsum("bn,qdn->bqd", points, motions)
            return _squares(beside) / len(motions)
        table = _squares(motions.permute(2, 0, 1)) / len(motions)  # each column has a spread of its own
        return points.square() @ table

    # -- what it tells -----------------------------------------------------------------------------------------------

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return len(self._metrics[0].mean)

    @property
    def samples(self) -> int:
        """Number of samples."""
        return self._pairing.partners.shape[1]

    @property
    def factors(self) -> Factors:
        """Triangular factors of the three forms."""
        return Factors(*[stream.R / self.samples**0.5 for stream in self._streams])

    def draw(self, directions: Tensor) -> Resamples:
        """Resamples of the forms along directions `(k, dim)`, with the groups of samples weighted anew."""
        count = len(directions)
        lie, moving, sloping, motion, beside = self._along(directions)
        generator = torch.Generator().manual_seed(self._seed)
        drawn = -torch.rand(bars.RESAMPLES, len(lie), dtype=torch.float64, generator=generator).neg_().log1p_()
        weights = torch.cat([torch.ones(1, len(lie), dtype=torch.float64), drawn])
        weights = weights / (weights @ self._plain[1])[:, None]
        # To first order, as when whole Jacobians are resampled.
        new = [_symmetric(weights @ part, count) for part in (lie, moving + sloping, motion - beside)]
        level = [_symmetric((part.sum(0) / self.samples)[None], count)[0] for part in (moving, motion)]
        spread = weights @ self._plain[0]
        return Resamples(
            new[0],
            _kept(level[0] + new[1] - new[1][0], level[0]),
            _kept(level[1] + new[2] - new[2][0], level[1]),
            spread / spread[0].clamp_min(1e-300),
        )

    def effective(self, directions: Tensor) -> float:
        """The less of how many motions and how many gradients carry what chance gives along directions `(k, dim)`."""
        count = len(directions)
        parts = [_symmetric(part, count) for part in self._along(directions)[1:3]]
        inverse = torch.linalg.pinv(parts[0].mean(0), hermitian=True)
        return min(effective(torch.einsum("gij,ij->g", part, inverse)) for part in parts)

    def _along(self, directions: Tensor) -> list[Tensor]:
        """Sums `(groups, k (k + 1) / 2)` of every form along directions `(k, dim)`."""
        first, second = torch.triu_indices(len(directions), len(directions))
        found: list[Tensor] = []
        for part in self._sums:
            whole = directions @ _symmetric(part, self._dim) @ directions.T
            found.append(whole[:, first, second])
        return found
