"""Curves and surfaces of the judge set, with known normals."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import isotropy as iso

from .draws import Draw, Field, gaussian_process, jacobian, linear_forms, scalar, tensor

_STEPS = 25  # of Newton's method


@dataclass(frozen=True)
class Surface:
    """The set ``h = 0``, points near it, and the linear motions that keep it."""

    size: int
    h: Field
    near: Callable[[Draw, int], Tensor]
    generators: Tensor

    def sample(self, d: Draw, count: int) -> Tensor:
        """Points on the set, by Newton's method from points near it; those that it does not take there are left out.

        Raises
        ------
        RuntimeError
            If hardly any point arrives.
        """
        kept = torch.zeros(0, self.size, dtype=torch.float64)
        for _ in range(20):
            z = self.near(d, count)
            for _ in range(_STEPS):
                value, slope = jacobian(self.h, z)
                z = z - value * slope[:, 0] / slope.square().sum(2)
            good = (self.h(z).abs() < 1e-10) & (z.norm(dim=1) < 10)
            kept = torch.cat([kept, z[good]])
            if len(kept) >= count:
                return kept[:count]
        raise RuntimeError("expected a surface with points on it, received none; choose a smaller break")

    def normals(self, z: Tensor) -> Tensor:
        """Unit normals `(batch, n)`."""
        slope = jacobian(self.h, z)[1][:, 0]
        return slope / slope.norm(dim=1, keepdim=True)


def _flat(d: Draw, count: int, wide: float = 1.2) -> tuple[np.ndarray, np.ndarray]:
    x, y = d.uniform(-wide, wide, (2, count))
    return x, y


def _wavy_sheet(draw: Draw) -> Surface:
    """A membrane with waves in two directions."""
    forms, heights = linear_forms(draw, 2, 3, 1.3), tensor(draw.uniform(0.2, 0.5, 3))
    near = lambda d, count: tensor(np.column_stack([*_flat(d, count), np.zeros(count)]))  # noqa: E731
    h = lambda z: z[:, 2] - 0.3 - torch.sin(forms(z[:, :2])) @ heights  # noqa: E731
    return Surface(3, h, near, torch.zeros(0, 3, 3, dtype=torch.float64))


def _rounded_box(draw: Draw, n: int) -> Surface:
    """Fourth powers with unlike weights, and a skew term: a box with round corners, or a bean."""
    weights, skew = tensor(draw.uniform(0.7, 1.6, n)), draw.uniform(0.2, 0.5)

    def h(z: Tensor) -> Tensor:
        return z**4 @ weights + skew * z[:, 0] * z[:, 1] + 0.2 * z[:, -1] ** 3 - 1

    def near(d: Draw, count: int) -> Tensor:
        z = d.normal(size=(count, n))
        return tensor(z / np.linalg.norm(z, axis=1, keepdims=True))

    return Surface(n, h, near, torch.zeros(0, n, n, dtype=torch.float64))


def _matrices(*generators: dict[tuple[int, int], float], n: int = 3) -> Tensor:
    basis = torch.zeros(len(generators), n, n, dtype=torch.float64)
    for k, entries in enumerate(generators):
        for place, value in entries.items():
            basis[k][place] = value
    return basis


def _around(d: Draw, count: int, height: np.ndarray, wide: np.ndarray | float = 1.0) -> Tensor:
    angle = d.uniform(0, 2 * np.pi, count)
    return tensor(np.column_stack([wide * np.cos(angle), wide * np.sin(angle), height]))


def _cone(d: Draw, count: int) -> Tensor:
    height = d.uniform(0.5, 1.5, count)
    return _around(d, count, height, height)


def _cup(d: Draw, count: int) -> Tensor:
    x, y = _flat(d, count)
    return tensor(np.column_stack([x, y, np.sqrt(1 + x * x + y * y)]))


def _saddle(d: Draw, count: int) -> Tensor:
    x, y = _flat(d, count, 1.5)
    return tensor(np.column_stack([x, y, x * y]))


def _branch(d: Draw, count: int) -> Tensor:
    x = np.exp(d.uniform(-1.2, 1.2, count))
    return tensor(np.column_stack([x, 1 / x]))


def _monkey(d: Draw, count: int) -> Tensor:
    x, y = _flat(d, count)
    return tensor(np.column_stack([x, y, x**3 - 3 * x * y * y]))


_PLANTED: dict[str, Surface] = {
    "cylinder": Surface(
        3,
        lambda z: z[:, :2].square().sum(1) - 1,
        lambda d, count: _around(d, count, d.uniform(-1, 1, count)),
        _matrices({(0, 1): -1.0, (1, 0): 1.0}, *({(2, j): 1.0} for j in range(3))),
    ),
    "cone": Surface(
        3,
        lambda z: z[:, :2].square().sum(1) - z[:, 2].square(),
        _cone,
        torch.cat([iso.so(2, 1).basis, torch.eye(3, dtype=torch.float64)[None]]),
    ),
    "cup": Surface(3, lambda z: z[:, 2].square() - z[:, :2].square().sum(1) - 1, _cup, iso.so(2, 1).basis),
    "mountain pass": Surface(
        3, lambda z: z[:, 2] - z[:, 0] * z[:, 1], _saddle,
        _matrices({(0, 0): 1.0, (1, 1): -1.0}, {(0, 0): 1.0, (2, 2): 1.0}),
    ),
    "branch": Surface(2, lambda z: z.prod(1) - 1, _branch, _matrices({(0, 0): 1.0, (1, 1): -1.0}, n=2)),
    "monkey saddle": Surface(
        3, lambda z: z[:, 2] - z[:, 0] ** 3 + 3 * z[:, 0] * z[:, 1].square(), _monkey,
        _matrices({(0, 0): 1.0, (1, 1): 1.0, (2, 2): 3.0}),
    ),
}  # fmt: skip
SURFACES = {"nothing": ("wavy sheet", "rounded box", "bean"), "planted": tuple(_PLANTED)}


def surface(draw: Draw, family: str, size: float) -> Surface:
    """A surface of a family; ``size`` is how far it is bent out of what is planted."""
    if family == "wavy sheet":
        return _wavy_sheet(draw)
    if family in ("rounded box", "bean"):
        return _rounded_box(draw, 3 if family == "rounded box" else 2)
    base = _PLANTED[family]
    if not size:
        return base
    # The height along a cylinder is ignored: what alone met it would break it by as much as chance, however small.
    met = 2 if family == "cylinder" else base.size
    other = scalar(gaussian_process(draw, met, length=1.0))
    return Surface(base.size, lambda z: base.h(z) + size * other(z[:, :met]), base.near, base.generators)
