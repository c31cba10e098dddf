"""A problem whose symmetry is known: data, the map behind them where there is one, the answer."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from isotropy.core.about._examples import Kind
from isotropy.datasets.files._samples import Samples, Trajectories


@dataclass(frozen=True)
class Expected:
    """The symmetry that a search among the candidates should find.

    Parameters
    ----------
    symmetry : str
        In plain words.
    dimension : int
        Of the algebra.
    candidates : str
        The algebra to search in, such as ``"gl(3)"``.
    """

    symmetry: str
    dimension: int
    candidates: str


@dataclass(frozen=True)
class Problem:
    """Data with a known symmetry.

    Parameters
    ----------
    name, description : str
        What it is.
    kind : "supervised", "dynamics", "mechanics" or "points"
        What the data are samples of; mechanics means positions, then velocities.
    data : Samples or Trajectories
        Trajectories for dynamics, samples otherwise.
    expected : Expected
        The answer.
    field : callable, optional
        The map behind the data, `(batch, n)` to `(batch, m)`: velocity for dynamics, output otherwise.
    """

    name: str
    description: str
    kind: Kind
    data: Samples | Trajectories
    expected: Expected
    field: Callable[[torch.Tensor], torch.Tensor] | None = None
