"""Symmetries of a point cloud: motions tangent to the set on which the points lie."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...actions import Trivial
from ...core._checks import as_points, require_finite
from ...core._linalg import EPSILON
from ...errors import DataError, FlowError, RepresentationMismatchError
from ...symmetry._domain import Domain, Seen
from .. import bars
from ..evidence._conclude import conclude
from ..evidence._evidence import Evidence
from ..evidence._question import Question
from ..evidence._result import Discovery
from ._tangent import tangent_frames

FOLDS = 8


class FromPoints(Discovery):
    """Generators whose field is tangent to the set: kernel of ``xi -> (I - P_z) xi(z)``.

    Tangent spaces are estimated from neighbours at a radius found by a scan, or given. Points that fill their space
    have no normals and cannot answer; use the density or a map instead.

    Parameters
    ----------
    action : Action
        Candidate action on points `(batch, n)`.
    rank : "gap", int or float
        How to cut the spectrum.
    dimension : int, optional
        Dimension of the set, if known.
    seed : int
        Of anchors and finite flows.

    Attributes
    ----------
    dimension_ : int
        Dimension of the set.

    References
    ----------
    otto2023unified
    cahill2023liepca
    """

    def __init__(
        self, action: Action, *, rank: str | int | float = "gap", dimension: int | None = None, seed: int = 0
    ) -> None:
        self.action = action
        self.rank = rank
        self.dimension = dimension
        self.seed = seed

    def fit(self, x: Any, normals: Tensor | None = None) -> FromPoints:
        """Discover from points `(S, n)`, or from points and exact normal projectors `(S, n, n)`.

        Raises
        ------
        DataError
            If there are too few points, or the dimension of their set cannot be told.
        RepresentationMismatchError
            If shapes do not fit the action.
        """
        points = as_points(x, "x", self.action.event).detach().to("cpu", torch.float64)
        domain = Seen.of(points).domain()
        if normals is not None:
            weights = torch.ones(len(points), dtype=torch.float64)
            return self._from_normals(points, _checked_normals(normals, points), weights, EPSILON, "exact", domain)
        frames = tangent_frames(points, dimension=self.dimension, seed=self.seed)
        self.frames_ = frames
        self.dimension_ = frames.dimension
        kept = frames.weights > 0
        if not bool(kept.any()):
            raise DataError(
                "x: expected points near a smooth set of one dimension, received points whose dimension the scan "
                "cannot tell; bring more or cleaner points, or give dimension="
            )
        weights = frames.weights[kept].sqrt()
        return self._from_normals(
            frames.anchors[kept], frames.normals[kept], weights, math.sin(frames.angle), "tangent spaces", domain
        )

    def _from_normals(
        self, anchors: Tensor, normals: Tensor, weights: Tensor, floor: float, method: str, domain: Domain
    ) -> FromPoints:
        fields = self.action.fields(anchors).to(torch.float64)  # (a, dim, n)
        rows = torch.einsum("anm,akm->ank", normals, fields) * weights[:, None, None]
        still = Trivial(self.action.algebra, (1,))
        evidence = Evidence(self.action, still, FOLDS)
        evidence.add(anchors, rows, weights, torch.zeros(len(anchors), 1, dtype=torch.float64))
        filled = not bool(normals.any())
        self.dimension_ = round(float(anchors.shape[1] - normals.diagonal(dim1=1, dim2=2).sum(1).mean()))
        question = Question(
            road=type(self).__name__,
            action=self.action,
            evidence=evidence,
            points=anchors[::FOLDS],
            domain=domain,
            check=_surface_check(self.action, anchors, normals),
            rank=0 if filled else self.rank,
            seed=self.seed,
            floor=max(floor, EPSILON),
            method=method,
            normals=torch.zeros(anchors.shape[1], anchors.shape[1], dtype=torch.float64),
            limits=(_FILLED,) if filled else (),
        )
        found = conclude(question)
        self.symmetry_ = replace(found, status="undecided") if filled else found
        return self


def _checked_normals(normals: Tensor, points: Tensor) -> Tensor:
    """Normal projectors in float64, one `(n, n)` per point."""
    shape = (*points.shape, points.shape[1])
    projectors = torch.as_tensor(normals).detach().to("cpu", torch.float64)
    if tuple(projectors.shape) != shape:
        raise RepresentationMismatchError(
            f"normals: expected shape {shape}, received {tuple(projectors.shape)}; give one projector per point"
        )
    return require_finite(projectors, "normals")


_FILLED = "the points fill the space, so every motion is tangent to them and their shape says nothing"


def _surface_check(action: Action, anchors: Tensor, normals: Tensor):
    """Share of a finite motion that leaves the set, judged by the tangent space of the nearest anchor."""
    from scipy.spatial import KDTree

    tree = KDTree(anchors.numpy())
    spacing = float(torch.quantile(torch.from_numpy(tree.query(anchors.numpy(), k=2)[0][:, 1]), 0.9))

    def check(xi: Tensor, points: Tensor) -> Tensor:
        moved = action.flow(xi, points)
        distance, index = tree.query(moved.numpy())
        near = torch.from_numpy(distance <= bars.SURFACE_REACH * spacing)
        if float(near.double().mean()) < bars.LEAST_OBSERVED:
            raise FlowError("expected moved points near the set, received too few; move them less")
        offset = (moved - anchors[index])[near]
        off = torch.einsum("anm,am->an", normals[index][near], offset)
        return off.norm() / (moved - points)[near].norm().clamp_min(1e-300)

    return check
