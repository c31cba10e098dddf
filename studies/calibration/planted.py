"""Seeded problems with a planted algebra, seen in a random basis and random units."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import isotropy as iso
from isotropy.discover import Discovery, FromData, FromModel

from .nothing import noisy, to_tensor

KINDS = ["polynomial", "kernel"]  # networks never won on these smooth invariants and take most of the time
NEAR = 0.2  # Grassmann distance in radians of what counts as found
EXACT_SAMPLES = 400


@dataclass(frozen=True)
class Planted:
    """An invariant ``f`` of an algebra on ``copies`` points, and the candidates among which to find it."""

    algebra: iso.LieAlgebra
    invariant: Callable[[Tensor], Tensor]
    size: int
    copies: int
    candidates: iso.Action


def _form(signs: list[float]) -> Callable[[Tensor], Tensor]:
    """``arsinh(q / n)`` of the quadratic form ``q``: smooth, no polynomial, and monotonic."""

    def invariant(z: Tensor) -> Tensor:
        q = (z.square() * torch.tensor(signs, dtype=z.dtype)).sum(-1)
        return torch.asinh(q / len(signs))

    return invariant


def _distance(z: Tensor) -> Tensor:
    """Smooth function of the distance of two points of the plane."""
    square = (z[..., :2] - z[..., 2:]).square().sum(-1)
    return torch.sqrt(1 + square)


def _symplectic(z: Tensor) -> Tensor:
    """Symplectic form of two vectors of R^4."""
    u, v = z[..., :4], z[..., 4:]
    return (u[..., :2] * v[..., 2:] - u[..., 2:] * v[..., :2]).sum(-1)


PLANTED = {
    "so(2)": Planted(iso.so(2), _form([1.0, 1.0]), 2, 1, iso.gl(2).vector()),
    "so(3)": Planted(iso.so(3), _form([1.0, 1.0, 1.0]), 3, 1, iso.gl(3).vector()),
    "so(1,3)": Planted(iso.so(1, 3), _form([1.0, -1.0, -1.0, -1.0]), 4, 1, iso.gl(4).vector()),
    "se(2)": Planted(iso.se(2), _distance, 2, 2, iso.actions.Points(iso.actions.Affine(iso.aff(2)), 2)),
    "sp(4)": Planted(iso.sp(4), _symplectic, 4, 2, 2 * iso.gl(4).vector()),
}


@dataclass(frozen=True)
class Answer:
    """What was found and how far it is from what was planted."""

    found: Discovery
    distance: float
    detected: bool
    named: bool


def ask(name: str, road: str, noise: float, samples: int, draw: np.random.Generator) -> Answer:
    """Plant an algebra, look for it and compare."""
    case = PLANTED[name]
    change, unit, scale = change_of_basis(case.size, draw), *10 ** draw.uniform(-3, 3, 2)
    seen = unit * change
    inverse = torch.linalg.inv(seen)

    def invariant(x: Tensor) -> Tensor:
        points = x.reshape(*x.shape[:-1], case.copies, case.size) @ inverse.T
        return scale * case.invariant(points.flatten(-2))

    z = to_tensor(draw.normal(size=(samples, case.copies, case.size)))
    x = (z @ seen.T).flatten(1)
    still = case.candidates.algebra.scalar()
    if road == "model":
        found = FromModel(case.candidates, still).fit(invariant, x)
    else:
        found = FromData(case.candidates, still, kinds=KINDS).fit(x, noisy(invariant(x), noise, draw))
    return judge(case, found, seen)


def judge(case: Planted, found: Discovery, seen: Tensor) -> Answer:
    """Undo the change of basis and measure the distance to the planted algebra."""
    n = found.algebra_.n
    frame = torch.eye(n, dtype=torch.float64)
    frame[: case.size, : case.size] = seen
    distance = found.algebra_.conjugate(torch.linalg.inv(frame)).distance(case.algebra)
    certified = found.status_ == "certified"
    named = found.algebra_.identify().name == case.algebra.identify().name
    return Answer(found, distance, certified and found.algebra_.dim == case.algebra.dim and distance < NEAR, named)


def change_of_basis(n: int, draw: np.random.Generator) -> Tensor:
    """Return a random matrix `(n, n)` of condition number at most 3."""
    left, right = (np.linalg.qr(draw.normal(size=(n, n)))[0] for _ in range(2))
    return to_tensor(left * np.exp(draw.uniform(-np.log(3) / 2, np.log(3) / 2, n)) @ right)
