"""The tasks of the study, the roads that are tried on each, and how an answer is measured."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

import isotropy as iso
from isotropy import datasets
from isotropy.core._linalg import principal_angles
from isotropy.discover import Discovery, FromData, LieGAN

from . import equations

TURN = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
CHANNELS = 7  # one more than the Lorentz algebra has
Line = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One problem with its roads, each a function of the seed, and a measure of the answers."""

    roads: dict[str, Callable[[int], Discovery]]
    measure: Callable[[Discovery], Line]


def two_body(seed: int) -> tuple[Tensor, Tensor, iso.Representation]:
    """Samples and one free matrix of gl(2) on each of q1, p1, q2 and p2."""
    data = datasets.two_body(seed).data
    blocks = iso.gl(2) + iso.gl(2) + iso.gl(2) + iso.gl(2)
    return data.x, data.y, iso.Representation(blocks, blocks.basis)


def two_body_direct(seed: int) -> Discovery:
    x, y, V = two_body(seed)
    return FromData(V, V, kinds=["kernel-matern"], seed=seed).fit(x, y)


def two_body_game(seed: int, **options: Any) -> Discovery:
    x, y, V = two_body(seed)
    return LieGAN(V, V, seed=seed, **options).fit(x, y)


def lorentz_direct(seed: int, labels: bool = False, kinds: list[str] | None = None) -> Discovery:
    data, G = datasets.lorentz_pairs(seed, labels=labels).data, iso.gl(4)
    return FromData(2 * G.vector(), G.scalar(), kinds=kinds, seed=seed).fit(data.x, data.y[:, 0])


def lorentz_game(seed: int, labels: bool = False, **options: Any) -> Discovery:
    data, G = datasets.lorentz_pairs(seed, labels=labels).data, iso.gl(4)
    game = LieGAN(2 * G.vector(), G.scalar(), n_generators=CHANNELS, width=0.5, seed=seed, **options)
    return game.fit(data.x, data.y[:, 0])


def rotation_game(seed: int) -> Discovery:
    data = datasets.discrete_rotation(7, seed, samples=20000).data
    return LieGAN(iso.gl(3).vector(), law="integer", width=3, seed=seed).fit(data.x, data.y)


def cosine(found: Discovery) -> Line:
    """Cosine between what was found and the common rotation of all four vectors."""
    truth = torch.block_diag(*[TURN] * 4)[None].flatten(1)
    return {"cosine": float(_nearest(found, truth)[0].cos())}


def grassmann(found: Discovery) -> Line:
    """Grassmann distance to so(1, 3), of the proposal and of what evidence left of it."""
    truth = iso.so(1, 3)
    angles = _nearest(found, truth.basis.flatten(1))
    return {
        "proposed": float(angles.square().sum().sqrt()),
        "distance": found.algebra_.distance(truth),
        "dimension": found.algebra_.dim,
        "metric": metric_cosine(found.algebra_.basis) if found.algebra_.dim else math.nan,
    }


def metric_cosine(basis: Tensor) -> float:
    """Cosine between the Minkowski form and the form ``J`` that the generators keep best, ``A^T J + J A = 0``."""
    n = basis.shape[1]
    one = torch.eye(n, dtype=torch.float64)
    pairs = [(i, j) for i in range(n) for j in range(i, n)]
    forms = torch.stack([(one[i][:, None] * one[j] + one[j][:, None] * one[i]) for i, j in pairs])
    forms = forms / forms.flatten(1).norm(dim=1)[:, None, None]
    changed = torch.einsum("kab,fac->fkbc", basis, forms)
    rows = (changed + changed.transpose(2, 3)).flatten(1)
    best = torch.linalg.svd(rows.T).Vh[-1]
    J = torch.einsum("f,fab->ab", best, forms)
    minkowski = torch.diag(torch.tensor([-1.0, 1, 1, 1], dtype=torch.float64))
    return abs(float((J * minkowski).sum() / (J.norm() * minkowski.norm())))


def steps(found: Discovery) -> Line:
    """Error of the learnt angle against the nearest multiple of 2 pi / 7, and the order that was found."""
    matrix = found.proposal_.basis[0]
    turn = torch.block_diag(TURN, torch.zeros(1, 1, dtype=torch.float64))
    turned = float((matrix * turn).sum()) / 2 / (2 * math.pi / 7)
    return {
        "angle_error": abs(abs(turned) / max(round(abs(turned)), 1) - 1),
        "cosine": abs(float((matrix * turn).sum() / (matrix.norm() * turn.norm()))),
        "order": found.orders_[0],
    }


def _nearest(found: Discovery, truth: Tensor) -> Tensor:
    basis = getattr(found, "proposal_", found.algebra_).basis.flatten(1)
    return principal_angles(basis, truth) if len(basis) else torch.full((len(truth),), math.pi / 2)


TASKS = {
    "two-body": Task(
        {
            "direct": two_body_direct,
            "game": two_body_game,
        },
        cosine,
    ),
    "rotation by 2 pi / 7": Task({"game": rotation_game}, steps),
    "lorentz, regression": Task(
        {
            "direct": lorentz_direct,
            "direct, networks": lambda seed: lorentz_direct(seed, kinds=["network-silu"]),
            "game": lorentz_game,
            "game, conditional": lambda seed: lorentz_game(seed, conditional=True),
        },
        grassmann,
    ),
    "lorentz, labels": Task(
        {
            "direct": lambda seed: lorentz_direct(seed, labels=True),
            "game": lambda seed: lorentz_game(seed, labels=True),
        },
        grassmann,
    ),
    **{
        f"{name} equation": Task(equations.roads(name), partial(equations.measure, name))
        for name in equations.PUBLISHED
    },
}
