"""Losses on the plane and on n-space whose symmetry is known in closed form, orbit maxima included."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection

import torch
from torch import Tensor

from ...core._checks import as_points
from ...errors import DataError, RepresentationMismatchError

Move = Callable[[Tensor], Tensor]


class Landscape(ABC):
    """A loss that is ``|y|^2`` in flat coordinates ``y = chart(x)``, so that rotations of ``y`` keep it.

    A new one implements ``chart``, its inverse ``point`` and ``steepest``. Points are batches `(batch, n)`.

    Attributes
    ----------
    n : int
        Number of parameters.

    Raises
    ------
    RepresentationMismatchError
        If points or rotations are not of the dimension of the landscape.

    References
    ----------
    zhao2022teleportation
    """

    n: int

    @abstractmethod
    def chart(self, x: Tensor) -> Tensor:
        """Flat coordinates `(batch, n)` of points `(batch, n)`."""

    @abstractmethod
    def point(self, y: Tensor) -> Tensor:
        """Points `(batch, n)` of flat coordinates `(batch, n)`."""

    @abstractmethod
    def steepest(self, x: Tensor) -> Tensor:
        """The point of each orbit `(batch, n)` where the gradient is longest, exactly."""

    def loss(self, x: Tensor) -> Tensor:
        """``|chart(x)|^2`` `(batch,)`."""
        return self.chart(x).square().sum(-1)

    def gradient(self, x: Tensor) -> Tensor:
        """Gradient of the loss `(batch, n)`."""
        return torch.func.grad(lambda z: self.loss(z).sum())(x)

    def act(self, rotation: Tensor, x: Tensor) -> Tensor:
        """Rotate points `(batch, n)` along their orbits by matrices `(n, n)` or `(batch, n, n)`."""
        points = as_points(x, "x", (self.n,))
        if tuple(rotation.shape[-2:]) != (self.n, self.n):
            raise RepresentationMismatchError(
                f"rotation: expected matrices of shape ({self.n}, {self.n}), received {tuple(rotation.shape)}; "
                "pass orthogonal matrices of the size of a point"
            )
        return self.point((rotation.to(points) @ self.chart(points)[..., None])[..., 0])

    def descend(
        self, x: Tensor, lr: float, steps: int, *, move: Move | None = None, at: Collection[int] = ()
    ) -> Tensor:
        """Losses `(steps, batch)` before each step of gradient descent from ``x``, moved along orbits at ``at``.

        Parameters
        ----------
        x : Tensor
            `(batch, n)` starts.
        lr, steps : float, int
            Learning rate and number of steps.
        move : callable, optional
            Takes points `(batch, n)` along their orbits, such as ``steepest``.
        at : collection of int
            Steps before whose update points move.

        Examples
        --------
        >>> import torch
        >>> rosenbrock, start = Rosenbrock(), -torch.ones(1, 2, dtype=torch.float64)
        >>> moved = rosenbrock.descend(start, 1e-3, 500, move=rosenbrock.steepest, at=range(99, 500, 100))
        >>> bool(moved[499] < 1e-8), round(float(rosenbrock.descend(start, 1e-3, 501)[500]), 4)
        (True, 0.2572)
        """
        points, losses = as_points(x, "x", (self.n,)), []
        for step in range(steps):
            losses.append(self.loss(points))
            if move is not None and step in at:
                points = move(points)
            points = points - lr * self.gradient(points)
        return torch.stack(losses)


class PlanarLandscape(Landscape):
    """A landscape on the plane: orbits are circles of ``y``.

    On a circle ``|grad L|^2`` is a trigonometric polynomial of the angle; its degree is known, so a few values
    determine it and its stationary points are roots of a polynomial.

    Attributes
    ----------
    degree : int
        Of ``|grad L|^2`` as a polynomial in ``y``.

    Raises
    ------
    RepresentationMismatchError
        If points are not in the plane.
    """

    n = 2
    degree: int

    def turn(self, angle: Tensor, x: Tensor) -> Tensor:
        """Turn flat coordinates of points `(batch, 2)` by angles `(batch,)` or `()`."""
        cos, sin = torch.cos(angle.to(x)), torch.sin(angle.to(x))
        rotation = torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)
        return self.act(rotation, x)

    def steepest(self, x: Tensor) -> Tensor:
        """The point of each orbit `(batch, 2)` where the gradient is longest, exactly."""
        return torch.cat([self._steepest(row) for row in as_points(x, "x", (2,)).split(1)])

    def _steepest(self, x: Tensor) -> Tensor:
        """Best of all stationary points of one orbit, `(1, 2)`."""
        orbit = self.turn(self._stationary(x), x.expand(2 * self.degree, 2))
        return orbit[self.gradient(orbit).square().sum(-1).argmax()][None]

    def _stationary(self, x: Tensor) -> Tensor:
        """Angles `(2 * degree,)` that contain every stationary point of ``|grad L|^2`` on the orbit of `(1, 2)`."""
        count = 4 * self.degree  # more values than coefficients: no aliasing
        angles = torch.arange(count, dtype=x.dtype) * (2 * torch.pi / count)
        profile = self.gradient(self.turn(angles, x.expand(count, 2))).square().sum(-1)
        waves = torch.fft.fft(profile.to(torch.float64)) / count
        orders = torch.arange(-self.degree, self.degree + 1)
        slopes = 1j * orders * waves[orders]  # of z^order, with z = exp(i angle)
        scale = slopes.abs().amax()
        if not bool(slopes[-1].abs() > 1e-13 * scale):  # a lower degree: perturb the top, which adds roots far away
            slopes[-1] = slopes[0] = 1e-13 * scale + torch.finfo(torch.float64).tiny
        companion = torch.zeros(len(slopes) - 1, len(slopes) - 1, dtype=slopes.dtype)
        companion[1:, :-1] = torch.eye(len(slopes) - 2, dtype=slopes.dtype)
        companion[:, -1] = -slopes[:-1] / slopes[-1]
        return torch.linalg.eigvals(companion).angle().to(x.dtype)


class Rosenbrock(PlanarLandscape):
    """``100 (x^2 - y)^2 + (x - 1)^2``, with flat coordinates ``10 (x^2 - y)`` and ``x - 1``.

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([[-1.0, -1.0]], dtype=torch.float64)
    >>> Rosenbrock().loss(x).item(), round(Rosenbrock().loss(Rosenbrock().turn(torch.tensor(1.0), x)).item(), 9)
    (404.0, 404.0)
    """

    degree = 4

    def chart(self, x: Tensor) -> Tensor:
        """``(10 (x^2 - y), x - 1)``."""
        return torch.stack([10 * (x[..., 0] ** 2 - x[..., 1]), x[..., 0] - 1], -1)

    def point(self, y: Tensor) -> Tensor:
        """``(v + 1, (v + 1)^2 - u / 10)``."""
        first = y[..., 1] + 1
        return torch.stack([first, first**2 - y[..., 0] / 10], -1)


class Quadratic(Landscape):
    """``(x - centre)^T H (x - centre) / 2`` with ``H`` symmetric and positive definite.

    On a level set the gradient is longest along the top eigenvector of ``H``; there one step of length
    ``1 / lambda_max`` reaches the minimum.

    Parameters
    ----------
    hessian : Tensor
        `(n, n)`.
    centre : Tensor, optional
        `(n,)`, zero by default.

    Raises
    ------
    DataError
        If ``hessian`` is not symmetric and positive definite.

    Examples
    --------
    >>> import torch
    >>> bowl = Quadratic(torch.diag(torch.tensor([1.0, 4.0], dtype=torch.float64)))
    >>> best = bowl.steepest(torch.tensor([[2.0, 0.0]], dtype=torch.float64))
    >>> round(bowl.loss(best).item(), 9), round(bowl.gradient(best).square().sum().item(), 9)  # 2 lambda_max L
    (2.0, 16.0)
    """

    def __init__(self, hessian: Tensor, centre: Tensor | None = None) -> None:
        form = torch.as_tensor(hessian, dtype=torch.float64)
        square = form.ndim == 2 and form.shape[0] == form.shape[1]
        if not square or not torch.allclose(form, form.T) or not bool((torch.linalg.eigvalsh(form) > 0).all()):
            raise DataError(
                f"hessian: expected a symmetric positive definite matrix, received shape {tuple(form.shape)} with "
                "another property; pass A.T @ A + I or the like"
            )
        self.n = len(form)
        self.hessian = form
        self.centre = torch.zeros(self.n, dtype=torch.float64) if centre is None else centre.to(torch.float64)
        self._values, self._axes = torch.linalg.eigh(form)

    def chart(self, x: Tensor) -> Tensor:
        """``(H / 2)^(1/2) (x - centre)`` in the eigenbasis of ``H``."""
        return (x - self.centre.to(x)) @ self._axes.to(x) * (self._values.to(x) / 2).sqrt()

    def point(self, y: Tensor) -> Tensor:
        """The inverse of the chart."""
        return (y / (self._values.to(y) / 2).sqrt()) @ self._axes.to(y).T + self.centre.to(y)

    def steepest(self, x: Tensor) -> Tensor:
        """The point of each level set `(batch, n)` on the top eigenvector, on the side of ``x``."""
        flat = self.chart(as_points(x, "x", (self.n,)))
        best = torch.zeros_like(flat)
        best[..., -1] = torch.copysign(torch.linalg.vector_norm(flat, dim=-1), flat[..., -1])
        return self.point(best)


class Booth(Quadratic):
    """``(x + 2 y - 7)^2 + (2 x + y - 5)^2``, of minimum (1, 3), with Hessian eigenvalues 18 and 2."""

    def __init__(self) -> None:
        mix = torch.tensor([[1.0, 2.0], [2.0, 1.0]], dtype=torch.float64)
        super().__init__(2 * mix.T @ mix, torch.tensor([1.0, 3.0]))
