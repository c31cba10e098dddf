"""Planar motions of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ..action._action import Action
from ..action._recorded import recorded
from ..algebra._lie_algebra import LieAlgebra
from ..core._parts import Parts
from ..errors import DataError, RepresentationMismatchError
from ._affine import Affine

_BOUNDARIES = ("zeros", "border", "circular")
_GRADIENTS = ("stencil", "spectral")
_MOST_PIXELS = 2**23  # times generators: what a file may ask for, 128 MiB of velocities
_MARGIN = 6  # pixels around an image from which samples outside it are taken
_MOTIONS = {
    "rotation": ((0, -1, 0), (1, 0, 0)),
    "shift_x": ((0, 0, 1), (0, 0, 0)),
    "shift_y": ((0, 0, 0), (0, 0, 1)),
    "dilation": ((1, 0, 0), (0, 1, 0)),
    "stretch": ((1, 0, 0), (0, -1, 0)),
    "shear": ((0, 1, 0), (1, 0, 0)),
}


@recorded("image")
class Image(Action):
    """Affine motions of the plane on images `(batch, channels, height, width)`.

    Pixel centres have coordinates x to the right and y down, the longer side from -1 to 1 and pixels square. An
    image moves with the points of the plane, ``(g I)(p) = I(g^-1 p)``, so that generators ``p -> A p + b`` have the
    field ``-(A p + b) . grad I``. As y points down, the positive rotation turns clockwise on the screen.

    Parameters
    ----------
    algebra : LieAlgebra or sequence of str
        Homogeneous matrices `(3, 3)` such as ``se(2)``, ``similarity(2)`` or ``aff(2)``; or names out of
        ``rotation``, ``shift_x``, ``shift_y``, ``dilation``, ``stretch`` and ``shear``.
    height, width, channels : int
        Shape of one image; at least 2 pixels each way.
    boundary : str
        What lies outside: ``"zeros"``, ``"border"`` (the nearest pixel) or ``"circular"``.
    gradient : str
        ``"stencil"``, central differences of fourth order, or ``"spectral"`` for circular images.

    Raises
    ------
    DataError
        If an option is unknown or the image is too small.
    RepresentationMismatchError
        If the algebra does not act on the plane.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> action = Image(["shift_x"], 8, 8, boundary="circular")
    >>> pixel = 2 / 7
    >>> dot = torch.zeros(1, 1, 8, 8)
    >>> dot[0, 0, 3, 2] = 1.0
    >>> moved = action.flow(torch.tensor([pixel]), dot)
    >>> round(float(moved[0, 0, 3, 3]), 5)
    1.0
    """

    def __init__(
        self,
        algebra: LieAlgebra | Sequence[str],
        height: int,
        width: int,
        channels: int = 1,
        *,
        boundary: str = "zeros",
        gradient: str = "stencil",
    ) -> None:
        motions = algebra if isinstance(algebra, LieAlgebra) else _motions(algebra)
        if motions.n != 3:
            raise RepresentationMismatchError(
                f"algebra: expected homogeneous matrices of the plane (3, 3), received size {motions.n}; "
                "use se(2), similarity(2), aff(2) or names of motions"
            )
        if min(height, width) < 2 or channels < 1:
            raise DataError(
                f"expected at least 1 channel and 2 pixels each way, received ({channels}, {height}, {width}); "
                "a single pixel cannot move"
            )
        _require_options(boundary, gradient)
        super().__init__(motions, (channels, height, width))
        self.motions = motions
        self.plane = Affine(motions)
        self.boundary = boundary
        self.gradient = gradient
        self.pixel = 2.0 / (max(height, width) - 1)
        self._velocities = self.plane.fields(self._centres()).permute(1, 2, 0).reshape(-1, 2, height, width)

    def fields(self, y: Tensor, at: Tensor | None = None) -> Tensor:
        """``-(A p + b) . grad I`` for every generator, `(batch, dim, channels, height, width)`."""
        slopes = (_spectral_gradient if self.gradient == "spectral" else self._stencil_gradient)(y) / self.pixel
        return -torch.einsum("kihw,ibchw->bkchw", self._velocities.to(y), slopes)

    def flow(self, xi: Tensor, y: Tensor, t: float = 1.0, at: Tensor | None = None) -> Tensor:
        """``I(exp(-t xi) p)`` by cubic interpolation of fourth order, whose slopes are those of ``"stencil"``."""
        points = self.plane.flow(xi, self._centres(), -t)
        return self._sample(y, points / self.pixel + self._middle())

    def tangent(self) -> Action:
        """Linear in the image, so velocities move as images do."""
        return self

    def built_from(self) -> dict[str, Any]:
        """The motions of the plane, the shape of an image and the options."""
        channels, height, width = self.event
        shape = {"height": height, "width": width, "channels": channels}
        return {"algebra": self.motions, **shape, "boundary": self.boundary, "gradient": self.gradient}

    @classmethod
    def rebuild(cls, parts: Parts) -> Image:
        """Move images of that shape again.

        Raises
        ------
        DataError
            If there are too many pixels to be an image.
        """
        algebra = parts.one("algebra", LieAlgebra)
        height, width, channels = (parts.whole(name, 1) for name in ("height", "width", "channels"))
        if height * width * max(algebra.dim, channels) > _MOST_PIXELS:
            raise DataError(
                f"{parts.where}: expected at most {_MOST_PIXELS} pixels times generators or channels, received "
                f"({channels}, {height}, {width}) and {algebra.dim} generators; use a coarser grid"
            )
        boundary, gradient = parts.choice("boundary", _BOUNDARIES), parts.choice("gradient", _GRADIENTS)
        return cls(algebra, height, width, channels, boundary=boundary, gradient=gradient)

    def on_grid(self, channels: int, height: int, width: int) -> Image:
        """The same motions of images of another shape, such as activations of a convolutional network."""
        return Image(self.motions, height, width, channels, boundary=self.boundary, gradient=self.gradient)

    def describe(self, xi: Tensor, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """How the plane moves."""
        return self.plane.describe(xi, ["x", "y"], digits)

    def _middle(self) -> Tensor:
        """Pixel indices (x, y) of the centre of the image."""
        _, height, width = self.event
        return torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=torch.float64)

    def _centres(self) -> Tensor:
        """Coordinates of the pixels, row by row, `(height * width, 2)`."""
        _, height, width = self.event
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        return (torch.stack([columns.flatten(), rows.flatten()], dim=1) - self._middle()) * self.pixel

    def _padded(self, y: Tensor, margin: int) -> Tensor:
        if self.boundary != "circular":
            return functional.pad(y, (margin,) * 4, mode="constant" if self.boundary == "zeros" else "replicate")
        rows, columns = (torch.arange(-margin, size + margin, device=y.device) % size for size in self.event[1:])
        return y[:, :, rows][..., columns]

    def _stencil_gradient(self, y: Tensor) -> Tensor:
        """Slopes per pixel along x and y, `(2, batch, channels, height, width)`."""
        _, height, width = self.event
        wide = self._padded(y, 2)
        along_x, along_y = wide[:, :, 2:-2], wide[..., 2:-2].transpose(2, 3)
        return torch.stack([_central(along_x, width), _central(along_y, height).transpose(2, 3)])

    def _sample(self, y: Tensor, places: Tensor) -> Tensor:
        """Values at pixel indices (x, y) `(height * width, 2)`."""
        _, height, width = self.event
        ends = torch.tensor([width, height], dtype=torch.float64)
        if self.boundary == "circular":
            places = places - ends * torch.floor(places / ends)
        else:  # far outside is as good as just outside
            places = torch.minimum(places.clamp(min=-4.0), ends + 2.0)
        whole = torch.floor(places)
        weights = _weights((places - whole).to(y))  # (6, height * width, 2)
        corner = whole.to(y.device, torch.int64) + _MARGIN - 2
        flat, stride = self._padded(y, _MARGIN).flatten(2), width + 2 * _MARGIN
        moved = torch.zeros_like(y).flatten(2)
        for i in range(6):
            for j in range(6):
                index = (corner[:, 1] + i) * stride + corner[:, 0] + j
                moved = moved + weights[i, :, 1] * weights[j, :, 0] * flat[..., index]
        return moved.reshape(y.shape)


def _central(wide: Tensor, size: int) -> Tensor:
    """Fourth-order central differences along the last axis, two pixels wider on either side."""
    near = wide[..., 3 : size + 3] - wide[..., 1 : size + 1]
    far = wide[..., 4 : size + 4] - wide[..., :size]
    return (8 * near - far) / 12


def _spectral_gradient(y: Tensor) -> Tensor:
    """Slopes per pixel of the trigonometric interpolant, `(2, batch, channels, height, width)`."""
    return torch.stack([_spectral_slope(y), _spectral_slope(y.transpose(2, 3)).transpose(2, 3)])


def _spectral_slope(y: Tensor) -> Tensor:
    size = y.shape[-1]
    waves = 2 * torch.pi * torch.fft.rfftfreq(size, device=y.device, dtype=y.dtype)
    if size % 2 == 0:
        waves[-1] = 0.0  # the highest wave has no sine on this grid
    return torch.fft.irfft(1j * waves * torch.fft.rfft(y), n=size)


def _weights(offset: Tensor) -> Tensor:
    """Weights `(6, ...)` of the neighbours -2..3 in a cubic whose slopes at pixels are the stencil's."""
    s = offset
    here, there = 1 - 3 * s**2 + 2 * s**3, 3 * s**2 - 2 * s**3
    leave, arrive = s * (1 - s) ** 2 / 12, -(s**2) * (1 - s) / 12
    return torch.stack(
        [
            leave,
            arrive - 8 * leave,
            here - 8 * arrive,
            there + 8 * leave,
            8 * arrive - leave,
            -arrive,
        ]
    )


def _motions(names: Sequence[str]) -> LieAlgebra:
    """The span of named motions of the plane."""
    unknown = [name for name in names if name not in _MOTIONS]
    if unknown or not names:
        raise DataError(
            f"algebra: expected names out of {', '.join(_MOTIONS)}, received {list(names)}; choose of these"
        )
    matrices = [[*_MOTIONS[name], (0, 0, 0)] for name in names]
    return LieAlgebra(torch.tensor(matrices, dtype=torch.float64), "+".join(names))


def _require_options(boundary: str, gradient: str) -> None:
    if boundary not in _BOUNDARIES:
        raise DataError(
            f"boundary: expected one of {', '.join(_BOUNDARIES)}, received {boundary!r}; use 'zeros' if unsure"
        )
    if gradient not in _GRADIENTS:
        raise DataError(f"gradient: expected 'stencil' or 'spectral', received {gradient!r}; use 'stencil' if unsure")
    if gradient == "spectral" and boundary != "circular":
        raise DataError(
            f"gradient: expected 'stencil' for boundary {boundary!r}, received 'spectral'; waves need circles"
        )
