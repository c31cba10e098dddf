"""A map learnt from samples: fitted once per fold without that fold, with the errors of all that competed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ...core._autodiff import Map


class Score(NamedTuple):
    """Relative errors of one kind on held-out samples, of the gradient and of the values."""

    gradient_error: float
    value_error: float


@dataclass(frozen=True)
class Frame:
    """Shift and one common scale: the only standardisation that keeps linear groups as they are."""

    center: Tensor
    scale: Tensor

    @classmethod
    def of(cls, values: Tensor) -> Frame:
        """Centre on the mean; scale by the root mean square over all entries."""
        center = values.mean(0)
        return cls(center, (values - center).square().mean().sqrt())

    def enter(self, values: Tensor) -> Tensor:
        """Bring original values into standard ones."""
        return (values - self.center) / self.scale

    def leave(self, values: Tensor) -> Tensor:
        """Bring standard values into original ones."""
        return values * self.scale + self.center


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
    """

    models: tuple[Surrogate, ...]
    fold: Tensor
    kind: str
    scores: dict[str, Score]
    value_error: float
    gradient_error: float
    noise: float
    classes: tuple[str | int, ...] = ()

    def __call__(self, x: Tensor) -> Tensor:
        """The mean of the fold models, ``(..., n) -> (..., m)``: the best guess at the map itself."""
        return torch.stack([model(x) for model in self.models]).mean(0)

    @property
    def maps(self) -> list[Map]:
        """The fold models as maps of events `(batch, *event)`."""
        return [_of_events(model) for model in self.models]


def _of_events(model: Surrogate) -> Map:
    return lambda x: model(x.flatten(1))
