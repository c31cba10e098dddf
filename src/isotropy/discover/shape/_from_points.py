"""Symmetries of a point cloud: motions tangent to the set on which the points lie."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...actions import Trivial
from ...core._checks import as_points, require_finite, require_fraction
from ...core._linalg import EPSILON
from ...errors import DataError, FlowError, RepresentationMismatchError
from ...symmetry._domain import Domain, Seen
from .. import bars
from ..evidence._conclude import conclude
from ..evidence._evidence import Evidence
from ..evidence._question import Question
from ..evidence._result import Discovery
from ._surface_claim import NormalError, SurfaceInquiry
from ._tangent import TangentFrames, tangent_frames

FOLDS = 8


class FromPoints(Discovery):
    """Generators whose field is tangent to the set: kernel of ``xi -> (I - P_z) xi(z)``.

    Tangent spaces are estimated from neighbours at a radius found by a scan, or given. Points that fill their space
    have no normals and cannot answer; use the density or a map instead. A defect of 1 says that motions lead off the
    set as much as if the normals at one point had nothing to do with the motion at another. Exact normals are compared
    in whitened coordinates, where no unit enters; estimated ones in those given, as neighbours are.

    Normals from neighbours have errors of their own. Their scatter makes every motion look broken, which no certificate
    minds; how far the local fits bend with the radius is added to upper limits, and both are taken from lower ones.

    Parameters
    ----------
    action : Action
        Candidate action on points `(batch, n)`.
    rank : "gap", int or float
        How many generators to judge: the most that are within the tolerance, a number, or those below a defect.
    tolerance : float
        Defect that is accepted: 0 is exact, 1 is chance.
    level : float
        Probability with which a certified generator may have a true defect above the tolerance.
    dimension : int, optional
        Dimension of the set, if known.
    seed : int
        Of anchors, finite flows and resamples.

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
        self,
        action: Action,
        *,
        rank: str | int | float = "gap",
        tolerance: float = 0.05,
        level: float = 0.05,
        dimension: int | None = None,
        seed: int = 0,
    ) -> None:
        self.action = action
        self.rank = rank
        self.tolerance = tolerance
        self.level = level
        self.dimension = dimension
        self.seed = seed

    def fit(self, x: Any, normals: Tensor | None = None) -> FromPoints:
        """Discover from points `(S, n)`, or from points and exact normal projectors `(S, n, n)`.

        Raises
        ------
        DataError
            If there are too few points, the dimension of their set cannot be told, or a number is not between 0 and 1.
        RepresentationMismatchError
            If shapes do not fit the action.
        """
        require_fraction(self.tolerance, "tolerance")
        require_fraction(self.level, "level")
        points = as_points(x, "x", self.action.event).detach().to("cpu", torch.float64)
        domain = Seen.of(points).domain()
        if normals is not None:
            weights = torch.ones(len(points), dtype=torch.float64)
            return self._from_normals(points, _checked_normals(normals, points), weights, None, "exact", domain)
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
            frames.anchors[kept],
            frames.normals[kept],
            weights,
            _error_of(frames, len(points)),
            "tangent spaces",
            domain,
        )

    def _from_normals(
        self,
        anchors: Tensor,
        normals: Tensor,
        weights: Tensor,
        error: NormalError | None,
        method: str,
        domain: Domain,
    ) -> FromPoints:
        fields = self.action.fields(anchors).to(torch.float64)  # (a, dim, n)
        rows = torch.einsum("anm,akm->ank", normals, fields) * weights[:, None, None]
        still = Trivial(self.action.algebra, (1,))
        evidence = Evidence(self.action, still, FOLDS)
        evidence.add(anchors, rows, weights, torch.zeros(len(anchors), 1, dtype=torch.float64))
        filled = not bool(normals.any())
        self.dimension_ = round(float(anchors.shape[1] - normals.diagonal(dim1=1, dim2=2).sum(1).mean()))
        inquiry = SurfaceInquiry(self.action, anchors, normals, weights, error, self.tolerance, self.level, self.seed)
        question = Question(
            road=type(self).__name__,
            action=self.action,
            evidence=evidence,
            points=anchors[::FOLDS],
            domain=domain,
            check=_surface_check(self.action, anchors, normals),
            rank=0 if filled else self.rank,
            seed=self.seed,
            floor=EPSILON if error is None else max(math.sin(math.hypot(error.scatter, error.bias)), EPSILON),
            method=method,
            normals=torch.zeros(anchors.shape[1], anchors.shape[1], dtype=torch.float64),
            limits=(_FILLED,) if filled else () if error is None else (_SMOOTH,),
            inquiry=None if filled else inquiry,
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


def _error_of(frames: TangentFrames, points: int) -> NormalError:
    """Error of tangent spaces that were fitted to neighbours among so many points."""
    row = min(frames.scan, key=lambda row: abs(row.radius - frames.radius))
    scatter = max(frames.angle**2 - row.bias**2, 0.0) ** 0.5
    return NormalError(scatter, row.bias, points / row.neighbours)


_SMOOTH = (
    "normals come from neighbours, so that the set is taken to be smooth: bends and bumps narrower than their "
    "neighbourhood are not seen"
)
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
