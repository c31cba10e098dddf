"""Principal components: the directions that data determine, and generators seen in them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...algebra._lie_algebra import LieAlgebra
from ...core._checks import as_points
from ...core._linalg import StreamedQR
from ...errors import DataError, RepresentationMismatchError

_CHUNK = 4096


@dataclass(frozen=True)
class Frame:
    """Coordinates along the principal components of data, of unit variance.

    Attributes
    ----------
    centre : Tensor
        `(n,)`, zero if the frame is not centred.
    directions : Tensor
        `(r, n)` orthonormal, by descending size.
    sizes : Tensor
        `(r,)` standard deviations, or root mean squares if the frame is not centred.

    Raises
    ------
    RepresentationMismatchError
        If points, or the matrices of an algebra, are not of the size of the frame.
    """

    centre: Tensor
    directions: Tensor
    sizes: Tensor

    @property
    def dim(self) -> int:
        """Number of components."""
        return len(self.sizes)

    def whiten(self, x: Tensor) -> Tensor:
        """Coordinates `(batch, r)` of points `(batch, *event)`."""
        points = as_points(x, "x").to("cpu", torch.float64).flatten(1)
        if points.shape[1] != len(self.centre):
            raise RepresentationMismatchError(
                f"x: expected points of {len(self.centre)} numbers, received {tuple(points.shape)}; "
                "use the data the frame was made for"
            )
        return (points - self.centre) @ self.directions.T / self.sizes

    def embed(self, algebra: LieAlgebra) -> LieAlgebra:
        """Generators on whitened coordinates, seen on the points themselves; what is left out stays where it is.

        They move ``x - centre``; the centre of a distribution with that symmetry rests.
        """
        if algebra.n != self.dim:
            raise RepresentationMismatchError(
                f"algebra: expected matrices on {self.dim} components, received {algebra!r}; discover in this frame"
            )
        scaled = self.directions * self.sizes[:, None]
        return LieAlgebra(scaled.T @ algebra.basis @ (self.directions / self.sizes[:, None]), algebra.name)


def principal_frame(x: Tensor, components: int | float = 1e-6, *, centred: bool = True) -> Frame:
    """The frame of the principal components of points `(batch, *event)`.

    Parameters
    ----------
    x : array_like
        Images or other points; pixels that never change are left out by themselves.
    components : int or float
        How many; or the size, relative to the largest, below which they are dropped.
    centred : bool
        Whether to take the mean off first.

    Raises
    ------
    DataError
        If the data do not vary, or have fewer components than asked for.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0)) @ torch.tensor([[1.0, 0, 1], [0, 1, 0]])
    >>> frame = principal_frame(x)
    >>> frame.dim, bool(torch.allclose(frame.whiten(x).T.cov(correction=0), torch.eye(2).double()))
    (2, True)
    """
    points = as_points(x, "x").detach().to("cpu", torch.float64).flatten(1)
    centre = points.mean(0) if centred else torch.zeros_like(points[0])
    streamed = StreamedQR(points.shape[1])
    for chunk in points.split(_CHUNK):
        streamed.update(chunk - centre)
    _, sizes, directions = torch.linalg.svd(streamed.R, full_matrices=False)
    sizes = sizes / len(points) ** 0.5
    kept = _count(sizes, components)
    return Frame(centre, directions[:kept], sizes[:kept])


def _count(sizes: Tensor, components: int | float) -> int:
    """Components to keep."""
    threshold = 1e-12 if isinstance(components, int) else components
    most = int((sizes > threshold * sizes[0]).sum()) if float(sizes[0]) > 0 else 0
    kept = min(components, most) if isinstance(components, int) else most
    if most < 1 or (isinstance(components, int) and not 1 <= components <= most):
        raise DataError(
            f"x: expected data with at least {components if isinstance(components, int) else 1} principal components, "
            f"received {most}; ask for fewer, or bring data that vary"
        )
    return kept
