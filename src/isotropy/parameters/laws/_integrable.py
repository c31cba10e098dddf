"""Which infinitesimal symmetries have a conserved quantity: those whose field is a gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...errors import SymmetryError
from .. import bars
from ..moves._vectors import Parameters, flatten, inner, moved, random_like, unflatten

Field = Callable[[dict[str, Tensor]], dict[str, Tensor]]
_PROBES = 3


def curl(field: Field, at: Parameters, seed: int = 0) -> float:
    """How far a field is from being a gradient: ``|D - D^T| / (|D| + |D^T|)`` on random vectors, in [0, 1].

    Zero at every point exactly when ``field`` is the gradient of some function. One for a rotation.

    Parameters
    ----------
    field : callable
        Takes named parameters to velocities of the same names and shapes; names it does not touch may be missing.
    at : mapping
        Where the derivative is taken.
    seed : int
        Of the random vectors.

    Examples
    --------
    >>> import torch
    >>> x = {"w": torch.tensor([1.0, 2.0], dtype=torch.float64)}
    >>> curl(lambda p: {"w": p["w"] ** 3}, x), round(curl(lambda p: {"w": p["w"].flip(0) * torch.tensor([1, -1])}, x))
    (0.0, 1)
    """
    generator = torch.Generator().manual_seed(seed)
    start = {name: value.detach().to(torch.float64) for name, value in at.items()}
    flat = _flat_field(field, start)
    point, apart, size = flatten(start), 0.0, 0.0
    for _ in range(_PROBES):
        probe = flatten(random_like(start, generator))
        ahead = torch.func.jvp(flat, (point,), (probe,))[1]
        back = torch.func.vjp(flat, point)[1](probe)[0]
        apart += float((ahead - back).norm())
        size += float(ahead.norm() + back.norm())
    return apart / size if size else 0.0


def potential(
    field: Field,
    at: Parameters,
    origin: Parameters | None = None,
    *,
    nodes: int = 16,
    tolerance: float = bars.MOST_CURL,
) -> Tensor:
    """The conserved quantity `()` of a symmetry, the line integral of its field from ``origin`` to ``at``.

    ``Q = int_0^1 <xi(origin + s (at - origin)), at - origin> ds`` by Gauss-Legendre quadrature, exact for fields
    that are polynomials of degree below ``2 nodes``.

    Parameters
    ----------
    field : callable
        Takes named parameters to velocities of the same names and shapes.
    at, origin : mapping
        Ends of the line; zero if the origin is left out.
    nodes : int
        Of the quadrature.
    tolerance : float
        Of the test whether the field is a gradient field.

    Raises
    ------
    SymmetryError
        If the field is not a gradient field, so that no such quantity exists.

    Examples
    --------
    >>> import torch
    >>> x = {"w": torch.tensor([1.0, 2.0], dtype=torch.float64)}
    >>> round(float(potential(lambda p: {"w": p["w"]}, x)), 12)
    2.5
    """
    require_gradient(field, at, tolerance)
    base = origin or {name: torch.zeros_like(value) for name, value in at.items()}
    path = {name: value - base[name] for name, value in at.items()}
    places, weights = _rule(nodes)
    return torch.stack(
        [weight * inner(field(moved(base, path, place)), path) for place, weight in zip(places, weights, strict=True)]
    ).sum()


def require_gradient(field: Field, at: Parameters, tolerance: float = bars.MOST_CURL) -> None:
    """Refuse a field that is not a gradient."""
    found = curl(field, at)
    if found > tolerance:
        raise SymmetryError(
            f"field: expected a gradient field (curl <= {tolerance:g}), received one of curl {found:.2g}; "
            "this symmetry has no conserved quantity, only <d theta/dt, xi> = 0 at every moment"
        )


def _flat_field(field: Field, like: dict[str, Tensor]) -> Callable[[Tensor], Tensor]:
    def flat(vector: Tensor) -> Tensor:
        point = unflatten(vector, like)
        velocity = field(point)
        return flatten({name: velocity.get(name, torch.zeros_like(value)) for name, value in point.items()})

    return flat


def _rule(nodes: int) -> tuple[list[float], list[float]]:
    """Gauss-Legendre nodes and weights on [0, 1]."""
    from scipy.special import roots_legendre

    places, weights, *_ = _plain(roots_legendre(nodes))
    return [0.5 * (place + 1) for place in places], [0.5 * weight for weight in weights]


def _plain(arrays: Any) -> list[list[float]]:
    return [array.tolist() for array in arrays]
