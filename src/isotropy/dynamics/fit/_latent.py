"""Equations of a few coordinates of many: proper orthogonal modes or an autoencoder, and forecasts in the large."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from ...core._checks import as_points
from ...core._estimator import Estimator
from ...errors import DataError, RepresentationMismatchError
from ._equations import printed_equations
from ._governing import Governing

_FLAT = 1e-12  # of the largest mode: directions in which nothing varies


class Autoencoder(Protocol):
    """Anything with ``encode`` `(batch, *event)` to `(batch, r)` and ``decode`` back."""

    def encode(self, x: Tensor) -> Tensor:
        """Latent points `(batch, r)`."""
        ...

    def decode(self, z: Tensor) -> Tensor:
        """Points `(batch, *event)`."""
        ...


class Modes(Estimator):
    """Proper orthogonal decomposition: amplitudes of the largest modes, each in units of its own size.

    A wave that travels or turns makes two modes of different sizes; in these units its phase runs around a circle.

    Parameters
    ----------
    count : int
        Number of modes.
    center : bool
        Whether the mean is taken off first. Leave it on where zero means nothing, off for waves about zero: the mean
        over a broken number of periods is not their centre.

    Attributes
    ----------
    mean_ : Tensor
        `(*event)`, zero if ``center`` is off.
    modes_ : Tensor
        `(count, size)` orthonormal.
    sizes_ : Tensor
        `(count,)` root mean square amplitudes.
    share_ : float
        Share of the mean square that the modes carry.

    Examples
    --------
    >>> import torch
    >>> t = torch.linspace(0, 6.28, 50, dtype=torch.float64)
    >>> wave = (t[:, None] - torch.linspace(0, 6, 30, dtype=torch.float64)).sin()
    >>> modes = Modes(2, center=False).fit(wave)
    >>> modes.encode(wave).shape, round(modes.share_, 6)
    (torch.Size([50, 2]), 1.0)
    """

    mean_: Tensor
    modes_: Tensor
    sizes_: Tensor
    share_: float

    def __init__(self, count: int, *, center: bool = True) -> None:
        self.count = count
        self.center = center

    def fit(self, x: Any) -> Modes:
        """Find the modes of samples `(S, *event)`.

        Raises
        ------
        DataError
            If the samples have fewer modes.
        """
        points = as_points(x).detach().to("cpu", torch.float64)
        self.mean_ = points.mean(0) * float(self.center)
        _, sizes, axes = torch.linalg.svd((points - self.mean_).flatten(1), full_matrices=False)
        known = int((sizes > _FLAT * sizes.amax()).sum())
        if not 1 <= self.count <= known:
            raise DataError(f"count: expected 1 to {known}, the modes of the samples, received {self.count}; change it")
        self.modes_ = axes[: self.count]
        self.sizes_ = sizes[: self.count] / len(points) ** 0.5
        self.share_ = float(sizes[: self.count].square().sum() / sizes.square().sum())
        return self

    def encode(self, x: Tensor) -> Tensor:
        """Amplitudes `(batch, count)` of points `(batch, *event)`."""
        return (x - self.mean_).flatten(1) @ self.modes_.T / self.sizes_

    def decode(self, z: Tensor) -> Tensor:
        """Points `(batch, *event)` of amplitudes `(batch, count)`."""
        return self.mean_ + ((z * self.sizes_) @ self.modes_).reshape(-1, *self.mean_.shape)


class LatentEquations(Estimator):
    """Governing equations of latent coordinates, with their symmetry, and forecasts of what is seen.

    Parameters
    ----------
    model : Governing
        ``SINDy`` or ``WeakSINDy`` of the latent coordinates; it is copied, not fitted.
    autoencoder : Autoencoder, optional
        With ``encode`` and ``decode``, fitted, such as ``Modes`` or ``LaLiGAN(...).fit(x, y).autoencoder_``. The
        largest modes of the data about zero if left out.

    Attributes
    ----------
    model_ : Governing
        Fitted.
    autoencoder_ : Autoencoder
        What was used.
    lost_ : float
        Root mean square that encoding and decoding loses, relative to the data; forecasts cannot be better.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> t = torch.linspace(0, 20, 200, dtype=torch.float64)
    >>> wave = (t[:, None] - torch.linspace(0, 6, 30, dtype=torch.float64)).sin()
    >>> model = iso.dynamics.SINDy(iso.dictionary.polynomials(2, 2), iso.so(2), threshold=0.05)
    >>> latent = LatentEquations(model).fit([wave], [t])
    >>> bool((latent.forecast(wave[0], t) - wave).abs().max() < 0.1)
    True
    """

    model_: Governing
    autoencoder_: Autoencoder
    lost_: float

    def __init__(self, model: Governing, autoencoder: Autoencoder | None = None) -> None:
        self.model = model
        self.autoencoder = autoencoder

    def fit(self, states: Sequence[Any], times: Sequence[Any]) -> LatentEquations:
        """Fit trajectories: lists of points `(T_i, *event)` and of times `(T_i,)`.

        Raises
        ------
        DataError
            If trajectories are unusable, or have fewer modes than the model has coordinates.
        RepresentationMismatchError
            If the autoencoder has another number of latent coordinates than the model.
        """
        if not len(states):
            raise DataError("states: expected at least one trajectory, received none; pass a list of them")
        points = [as_points(x, f"trajectory {k}").to("cpu", torch.float64) for k, x in enumerate(states)]
        every = torch.cat(points)
        self.autoencoder_ = self.autoencoder or Modes(self.model.size, center=False).fit(every)
        with torch.no_grad():
            latent = [self._encoded(x) for x in points]
            back = self.autoencoder_.decode(torch.cat(latent))
        self.lost_ = float((back - every).norm() / every.norm().clamp_min(1e-300))
        self.model_ = copy.copy(self.model).fit(latent, times)
        return self

    def forecast(self, x0: Any, t: Any) -> Tensor:
        """Points `(T, *event)` at increasing times `(T,)`, starting from ``x0`` `(*event)` at ``t[0]``.

        Raises
        ------
        FlowError
            If the solution runs away.
        """
        start = as_points(torch.as_tensor(x0)[None], "x0").to("cpu", torch.float64)
        with torch.no_grad():
            return self.autoencoder_.decode(self.model_.simulate(self._encoded(start)[0], t))

    def equations(self, coordinates: Sequence[str] | None = None, digits: int = 3) -> list[str]:
        """``x' = -y`` for every latent coordinate."""
        return self.model_.equations(coordinates, digits)

    def __str__(self) -> str:
        """The equations, and what encoding and decoding loses."""
        if "model_" not in vars(self):
            return repr(self)
        return printed_equations(self.equations(), f"Encoding and decoding loses {self.lost_:.2g} of the data")

    def _encoded(self, x: Tensor) -> Tensor:
        latent = self.autoencoder_.encode(x)
        if latent.shape != (len(x), self.model.size):
            raise RepresentationMismatchError(
                f"autoencoder: expected latent points of shape {(len(x), self.model.size)}, as the model has "
                f"{self.model.size} coordinates, received {tuple(latent.shape)}; match them"
            )
        return latent
