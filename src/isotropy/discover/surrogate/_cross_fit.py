"""A map learnt from samples: fitted once per fold without that fold, with the errors of all that competed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from ...core._autodiff import Map

# Part of a standardised column that is not in those before it, below which columns are dependent: half the digits.
LEAST_PIVOT = 1e-8


class Score(NamedTuple):
    """Relative errors of one kind on held-out samples, of the gradient and of the values."""

    gradient_error: float
    value_error: float


@dataclass(frozen=True)
class Frame:
    """Shift and scale; one common scale is the only standardisation that keeps linear groups as they are.

    ``scale`` is a number `()`, or an upper triangle `(n, n)` that whitens.
    """

    center: Tensor
    scale: Tensor

    @classmethod
    def of(cls, values: Tensor) -> Frame:
        """Centre on the mean; scale by the root mean square over all entries."""
        center = values.mean(0)
        return cls(center, (values - center).square().mean().sqrt())

    @classmethod
    def whitening(cls, values: Tensor) -> Frame:
        """Centre on the mean; unit covariance, so that no unit of a column counts, and no linear change of columns.

        Columns are scaled first, so that units cost no digits. Directions without any spread stay as they are.
        """
        center = values.mean(0)
        spread = (values - center).square().mean(0).sqrt()
        spread = torch.where(spread > 0, spread, torch.ones_like(spread))
        triangle = torch.linalg.qr((values - center) / spread / len(values) ** 0.5, mode="r").R
        pivots = triangle.diagonal()
        if len(pivots) < len(spread) or bool((pivots.abs() <= LEAST_PIVOT).any()):
            return cls(center, torch.diag(spread))
        return cls(center, pivots.sign()[:, None] * triangle * spread)

    def enter(self, values: Tensor) -> Tensor:
        """Bring original values into standard ones."""
        shifted = values - self.center
        if self.scale.ndim < 2:
            return shifted / self.scale
        flat = shifted.reshape(-1, len(self.center))
        return torch.linalg.solve_triangular(self.scale, flat, upper=True, left=False).reshape(shifted.shape)

    def leave(self, values: Tensor) -> Tensor:
        """Bring standard values into original ones."""
        return (values * self.scale if self.scale.ndim < 2 else values @ self.scale) + self.center


@dataclass(frozen=True)
class Surrogate:
    """A fitted map ``(..., n) -> (..., m)`` in original coordinates, float64, smooth.

    Plain torch arithmetic: `torch.func` transforms and repeated autograd go through it.
    """

    model: Callable[[Tensor], Tensor]
    inputs: Frame
    outputs: Frame

    def __call__(self, x: Tensor) -> Tensor:
        return self.outputs.leave(self.model(self.inputs.enter(x.double())))


@dataclass(frozen=True)
class CrossFit:
    """The winning kind, fitted once per fold without that fold.

    Attributes
    ----------
    models : tuple of Surrogate
        ``models[k]`` never saw the samples with ``fold == k``; for classes they return logits, centred
        over the classes and of unit spread.
    fold : Tensor
        Fold of each sample, ``(S,)``.
    kind : str
        Name of the winner: ``"polynomial-2"``, ``"kernel-matern"``, ``"network-tanh"``,
        ``"classifier-logistic-2"``, ...
    scores : dict of str to Score
        Relative gradient error and value error of every kind that competed.
    value_error : float
        Held-out root mean square error over the spread of the targets; for classes the share of wrong labels.
    gradient_error : float
        Relative error of the gradient, see `fit_surrogates`; ``inf`` when no signal stands out of the noise.
    noise : float
        Standard deviation of the noise in the targets, in their units; nan for classes.
    classes : tuple
        The labels in the order of the logits; empty for regression.
    entrants : dict of str to tuple of Surrogate
        The fold models of every kind that competed; empty for classes.
    """

    models: tuple[Surrogate, ...]
    fold: Tensor
    kind: str
    scores: dict[str, Score]
    value_error: float
    gradient_error: float
    noise: float
    classes: tuple[str | int, ...] = ()
    entrants: dict[str, tuple[Surrogate, ...]] = field(default_factory=dict[str, "tuple[Surrogate, ...]"])

    def __call__(self, x: Tensor) -> Tensor:
        """The mean of the fold models, ``(..., n) -> (..., m)``: the best guess at the map itself."""
        return torch.stack([model(x) for model in self.models]).mean(0)

    @property
    def best_fitting(self) -> str:
        """The kind with the least error of held-out values."""
        return min(self.entrants, key=lambda kind: self.scores[kind].value_error)

    def residuals(self, x: Tensor, y: Tensor, kind: str) -> Tensor:
        """Residuals `(S, m)` of one kind at the samples, each from the model that did not see it."""
        values = torch.stack([model(x) for model in self.entrants[kind]])
        return y - values[self.fold, torch.arange(len(x), device=x.device)]

    @property
    def maps(self) -> list[Map]:
        """The fold models as maps of events `(batch, *event)`."""
        return [_of_events(model) for model in self.models]


def _of_events(model: Surrogate) -> Map:
    return lambda x: model(x.flatten(1))
