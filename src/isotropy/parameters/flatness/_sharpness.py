"""Sharpness of a minimum and curvature of orbits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...errors import DataError
from ..moves._vectors import Parameters, flatten, inner, random_like, unflatten

Loss = Callable[[dict[str, Tensor]], Tensor]
Field = Callable[[dict[str, Tensor]], dict[str, Tensor]]
_DENSE = 256  # parameters up to which the Hessian is written out


def directions(parameters: Parameters, count: int, seed: int = 0) -> list[dict[str, Tensor]]:
    """Random unit directions in the space of all parameters, isotropic.

    Parameters
    ----------
    parameters : mapping
        Parameters by name, of any shapes.
    count : int
        Directions.
    seed : int
        Of the directions.
    """
    generator = torch.Generator().manual_seed(seed)
    drawn = [random_like(parameters, generator) for _ in range(count)]
    return [{name: value / inner(one, one).sqrt() for name, value in one.items()} for one in drawn]


def sharpness(loss: Loss, parameters: Parameters, radii: Sequence[float], *, count: int = 100, seed: int = 0) -> float:
    """Mean loss at distances ``radii`` in random directions, minus the loss at the point itself.

    It is not constant on orbits: compare networks in one gauge, see ``canonical``.

    Parameters
    ----------
    loss : callable
        Takes named parameters to a scalar.
    parameters : mapping
        Parameters by name, of any shapes.
    radii : sequence of float
        Distances in the space of all parameters.
    count : int
        Directions at each distance.
    seed : int
        Of the directions.

    Raises
    ------
    DataError
        If the loss is not finite.

    Examples
    --------
    >>> import torch
    >>> round(sharpness(lambda p: p["w"].square().sum(), {"w": torch.zeros(3)}, [0.5], count=4), 6)
    0.25
    """
    point = {name: value.detach() for name, value in parameters.items()}
    values = [
        loss({name: value + radius * one[name] for name, value in point.items()})
        for one in directions(point, count, seed)
        for radius in radii
    ]
    mean = float(torch.stack(values).mean() - loss(point))
    if not mean == mean:
        raise DataError("loss: expected finite values near the point, received NaN; choose smaller radii")
    return mean


def top_eigenvalue(loss: Loss, parameters: Parameters, *, tolerance: float = 1e-8) -> float:
    """Largest eigenvalue of the Hessian of a loss, by Lanczos on Hessian-vector products.

    Parameters
    ----------
    loss : callable
        Takes named parameters to a scalar.
    parameters : mapping
        Parameters by name, of any shapes.
    tolerance : float
        Relative, of the eigenvalue.

    Examples
    --------
    >>> import torch
    >>> round(top_eigenvalue(lambda p: 3 * p["w"].square().sum(), {"w": torch.ones(2)}), 6)
    6.0
    """
    point = {name: value.detach().to(torch.float64) for name, value in parameters.items()}
    start = flatten(point)
    slope = torch.func.grad(lambda z: loss(unflatten(z, point)))
    if len(start) <= _DENSE:
        return float(torch.linalg.eigvalsh(torch.func.jacfwd(slope)(start))[-1])
    return _lanczos(lambda v: torch.func.jvp(slope, (start,), (v,))[1], len(start), tolerance)


def _lanczos(product: Callable[[Tensor], Tensor], size: int, tolerance: float) -> float:
    """Algebraically largest eigenvalue of a symmetric operator."""
    from scipy.sparse.linalg import LinearOperator, eigsh

    def apply(vector: Any) -> Any:
        return product(torch.from_numpy(vector.reshape(-1).copy())).detach().numpy()

    operator = LinearOperator((size, size), matvec=apply, dtype=float)  # type: ignore[call-arg]
    start = torch.randn(size, generator=torch.Generator().manual_seed(0), dtype=torch.float64).numpy()
    solve: Any = eigsh  # its stub takes integers for tolerances
    found = solve(operator, k=1, which="LA", v0=start, tol=tolerance, return_eigenvectors=False)
    return float(found[0])


def path_curvature(field: Field, parameters: Parameters) -> float:
    """Curvature of the orbit curve ``exp(s M) theta`` at ``s = 0``, from its velocity field ``xi_M``.

    ``sqrt(|c'|^2 |c''|^2 - <c', c''>^2) / |c'|^3`` with ``c' = xi`` and ``c'' = D xi [xi]``.

    Raises
    ------
    DataError
        If the field vanishes at the point, so that the orbit is the point itself.

    Examples
    --------
    >>> import torch
    >>> turn = lambda p: {"w": torch.stack([-p["w"][1], p["w"][0]])}
    >>> round(path_curvature(turn, {"w": torch.tensor([0.0, 4.0])}), 9)
    0.25
    """
    point = {name: value.detach().to(torch.float64) for name, value in parameters.items()}

    def whole(z: dict[str, Tensor]) -> dict[str, Tensor]:
        return {**{name: torch.zeros_like(value) for name, value in z.items()}, **field(z)}

    moving: Any = torch.func.jvp(whole, (point,), (whole(point),))
    first, second = moving
    size = float(inner(first, first))
    if not size > 0:
        raise DataError("field: expected a generator that moves the point, received one that does not; choose another")
    area = size * float(inner(second, second)) - float(inner(first, second)) ** 2
    return max(area, 0.0) ** 0.5 / size**1.5


def displacement(curvature: float, radius: float, *, angles: int = 4096) -> float:
    """Mean distance to a circle of some curvature from points at ``radius`` around one of its points, over ``radius``.

    How much a random step of that length leaves a curved valley: ``2 / pi`` for a straight one.

    Examples
    --------
    >>> round(displacement(0.0, 1.0), 4), round(displacement(10.0, 0.1), 4)
    (0.6366, 0.5987)
    """
    turn = (torch.arange(angles, dtype=torch.float64) + 0.5) * (2 * torch.pi / angles)
    y = radius * torch.sin(turn)
    # (|p - c| - 1 / k) without the cancellation of large circles, with the centre at (0, 1 / k)
    bent = curvature * radius**2 - 2 * y
    distance = bent / (1 + (1 + curvature * bent).clamp_min(0.0).sqrt())
    return float(distance.abs().mean() / radius)
