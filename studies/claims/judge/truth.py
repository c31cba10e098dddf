"""What is true of a law: defects by their definition, on fresh samples, with every sample as it is.

Written on its own, so that a fault of the rules that are judged is no fault of the judge. A direction to which there is
no response at all is 0/0; it is left out, and changes no other member of a span. One to which there is a response,
however small, has a defect, about as large as chance, and spoils the span that it is in.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

PARTS = 8  # of the fresh samples; their scatter is the Monte Carlo error of a truth
IGNORED = 1e-6  # response to one standard deviation of motion, in spreads, up to which a direction is 0/0
TRIVIAL = 1e-9
LEAST_COMPONENT = 1e-3  # of standardised columns, so that an empty one is no unit of length


@dataclass(frozen=True)
class Parts:
    """A numerator at samples, and the two factors that chance pairs.

    Attributes
    ----------
    lie : Tensor
        `(S, m, d)` the change under each of ``d`` candidates.
    gradient, moved : Tensor
        `(S, m, n)` and `(S, d, n)`: chance pairs those of one sample with these of another.
    turned : Tensor or None
        `(S, d, m)` the other term of the change.
    values : Tensor or None
        `(S, m)` outputs, which set the metric block by block; without them the change is taken as it is.
    blocks : tuple of int
        Sizes of the summands of the outputs.
    points : Tensor or None
        `(S, n)` samples, which set lengths; without them there is no effect.
    anywhere : Tensor or None
        `(q, n)` a gradient in as many directions as there are, instead of those of other samples.
    """

    lie: Tensor
    gradient: Tensor
    moved: Tensor
    turned: Tensor | None = None
    values: Tensor | None = None
    blocks: tuple[int, ...] = ()
    points: Tensor | None = None
    anywhere: Tensor | None = None

    def along(self, directions: Tensor) -> "Parts":
        """The same of combinations `(k, d)` of the candidates."""
        turned = None if self.turned is None else torch.einsum("kd,sdm->skm", directions, self.turned)
        moved = torch.einsum("kd,sdn->skn", directions, self.moved)
        return replace(self, lie=self.lie @ directions.T, moved=moved, turned=turned)

    def every(self, start: int) -> "Parts":
        """One in ``PARTS`` of the samples."""
        names = ("lie", "gradient", "moved", "turned", "values", "points")
        some = {name: None if getattr(self, name) is None else getattr(self, name)[start::PARTS] for name in names}
        return replace(self, **some)


@dataclass(frozen=True)
class Forms:
    """Triangular factors of ``|L xi|``, of chance, and of motion (None where lengths mean nothing)."""

    lie: Tensor
    chance: Tensor
    motion: Tensor | None
    outputs: int

    def along(self, directions: Tensor) -> "Forms":
        """The same of combinations of the candidates."""
        motion = None if self.motion is None else self.motion @ directions.T
        return replace(self, lie=self.lie @ directions.T, chance=self.chance @ directions.T, motion=motion)


def forms(parts: Parts) -> Forms:
    """Sums over the samples."""
    metric = _output_metric(parts)
    root = _factor(metric @ parts.gradient) if parts.anywhere is None else parts.anywhere
    chance = root @ parts.moved.transpose(1, 2)
    if parts.turned is not None:
        chance = torch.cat([chance, metric @ parts.turned.transpose(1, 2)], 1)
    motion = None
    if parts.points is not None:
        motion = _factor(_whitening(parts.points) @ parts.moved.transpose(1, 2))
    return Forms(_factor(metric @ parts.lie), _factor(chance), motion, parts.lie.shape[1])


def defects(known: Forms) -> Tensor:
    """Defects, ascending, of the directions to which there is a response: the last is that of the worst member."""
    kept = known.along(_answered(known))
    if not kept.lie.shape[1]:
        return torch.zeros(0, dtype=torch.float64)
    _, sizes, axes = torch.linalg.svd(kept.chance, full_matrices=False)
    white = axes[sizes > 1e-14 * sizes[0]] / sizes[sizes > 1e-14 * sizes[0], None]
    found = torch.linalg.svdvals(kept.lie @ white.T).flip(0)
    return torch.cat([found.new_zeros(len(white) - len(found)), found])


def effects(known: Forms) -> Tensor:
    """Changes in spreads, ascending, for one standard deviation of motion, of the directions that move the samples."""
    if known.motion is None:
        return torch.zeros(0, dtype=torch.float64)
    scale = _unit(known.motion.norm(dim=0))
    _, sizes, axes = torch.linalg.svd(known.motion / scale, full_matrices=False)
    moving = sizes > TRIVIAL * sizes[:1]
    white = axes[moving] / sizes[moving, None] / scale
    found = torch.linalg.svdvals(known.lie @ white.T).flip(0) / math.sqrt(known.outputs)
    return torch.cat([found.new_zeros(len(white) - len(found)), found])


def worst(parts: Parts, directions: Tensor) -> float | None:
    """Defect of the worst member of the span of directions `(k, d)`; None where there is no response to any."""
    return _worst(parts.along(_sized(parts, directions))) if len(directions) else None


def scattered(parts: Parts, directions: Tensor) -> tuple[float | None, float]:
    """The worst defect, and its Monte Carlo standard error from the scatter over parts of the samples."""
    if not len(directions):
        return None, 0.0
    inside = parts.along(_sized(parts, directions))
    return _worst(inside), _error([_worst(inside.every(i)) for i in range(PARTS)])


def each(parts: Parts, directions: Tensor) -> list[tuple[float | None, float]]:
    """The defects of single directions `(k, d)`, and their Monte Carlo errors."""
    if not len(directions):
        return []
    inside, one = parts.along(_sized(parts, directions)), torch.eye(len(directions), dtype=torch.float64)
    return [scattered(inside, row[None]) for row in one]


def quiet(parts: Parts, count: int) -> tuple[float | None, float]:
    """The ``count``-th smallest effect, and its Monte Carlo error: what as many ignored motions change at least."""
    if parts.points is None or not count:
        return None, 0.0
    return _quiet(parts, count), _error([_quiet(parts.every(i), count) for i in range(PARTS)])


def _quiet(parts: Parts, count: int) -> float:
    found = effects(forms(parts))
    return float(found[min(count, len(found)) - 1]) if len(found) else 0.0


def silent(parts: Parts, directions: Tensor) -> int:
    """How many dimensions of the span of directions `(k, d)` get no response at all, whatever chance is."""
    parts = replace(parts, anywhere=None)
    return len(directions) - len(defects(forms(parts.along(_sized(parts, directions))))) if len(directions) else 0


def _worst(parts: Parts) -> float | None:
    found = defects(forms(parts))
    return float(found[-1]) if len(found) else None


def _error(values: list[float | None]) -> float:
    known = torch.tensor([one for one in values if one is not None], dtype=torch.float64)
    return float(known.std()) / math.sqrt(PARTS) if len(known) > 1 else 0.0


def least(parts: Parts) -> float | None:
    """The smallest defect of all candidates to which there is a response."""
    found = defects(forms(parts))
    return float(found[0]) if len(found) else None


def ratio(within: Tensor, overall: Tensor) -> float | None:
    """Largest ratio of ``|within c|`` to ``|overall c|``, from rows `(S, q, k)` of both, summed over ``q``."""
    found = defects(Forms(_factor(within), _factor(overall), None, 1))
    return float(found[-1]) if len(found) else None


def by_paths(values: Tensor) -> Tensor:
    """Rows `(times * paths, ...)` of values `(paths, times, ...)`, paths in turn.

    Then every part of the rows holds whole trajectories, of which times are no independent draws.
    """
    if values.shape[0] % PARTS:
        raise ValueError(f"expected a multiple of {PARTS} trajectories, received {values.shape[0]}; draw more")
    return values.transpose(0, 1).flatten(0, 1)


def _sized(parts: Parts, directions: Tensor) -> Tensor:
    """Directions that move the samples about as far, whatever their units."""
    moved = torch.einsum("kd,sdn->skn", directions, parts.moved)
    columns = _unit(parts.moved.square().mean((0, 1)).sqrt())
    return directions / _unit((moved / columns).square().mean((0, 2)).sqrt())[:, None]


def _answered(known: Forms) -> Tensor:
    """Combinations `(r, d)` that move the samples and to which there is a response."""
    sides = [known.chance / math.sqrt(known.outputs), *([] if known.motion is None else [known.motion])]
    both = torch.cat(sides)
    scale = _unit(both.norm(dim=0))
    _, sizes, axes = torch.linalg.svd(both / scale, full_matrices=False)
    moving = sizes > TRIVIAL * sizes[:1].clamp_min(1e-300)
    frame = axes[moving] / sizes[moving, None] / scale
    inside = known.along(frame)
    _, responses, turned = torch.linalg.svd(inside.chance / math.sqrt(known.outputs), full_matrices=True)
    padded = torch.cat([responses, responses.new_zeros(len(turned) - len(responses))])
    return (turned @ frame)[padded > IGNORED]


def _output_metric(parts: Parts) -> Tensor:
    """Unit covariance for every summand of the outputs."""
    if parts.values is None:
        return torch.eye(parts.lie.shape[1], dtype=torch.float64)
    return torch.block_diag(*[_whitening(block) for block in parts.values.split(parts.blocks, dim=1)])


def _whitening(values: Tensor) -> Tensor:
    """A matrix that gives values `(S, p)` unit covariance."""
    centred = values - values.mean(0)
    scale = _unit(centred.square().mean(0).sqrt())
    factor = torch.linalg.qr(centred / scale, mode="r").R / math.sqrt(len(values))
    _, sizes, axes = torch.linalg.svd(factor)
    return axes / sizes.clamp_min(LEAST_COMPONENT)[:, None] / scale


def _factor(rows: Tensor) -> Tensor:
    """Triangular factor of the mean over samples of ``rows^T rows``, from `(S, q, d)`."""
    return torch.linalg.qr(rows.flatten(0, 1), mode="r").R / math.sqrt(len(rows))


def _unit(sizes: Tensor) -> Tensor:
    return torch.where(sizes > 0, sizes, torch.ones_like(sizes))
