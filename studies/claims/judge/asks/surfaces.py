"""The road that asks about points of a curve or a surface."""

from typing import Any

import torch
from torch import Tensor

import isotropy as iso
from isotropy.discover import FromPoints

from ..answers import line, said
from ..families.draws import Draw, frame, tensor
from ..families.planted import spread
from ..families.surfaces import surface
from ..question import Run
from ..truth import Parts
from .flows import planted_in
from .problem import FRESH


def ask_points(run: Run, draw: Draw) -> dict[str, Any]:
    """Points near a surface, or on it with their normals.

    Motions off the set are compared where the points are white if normals are told, as given if they are not.
    """
    made = surface(draw, run.family, run.broken)
    n = made.size
    change = frame(draw, n, 2.0) * 10 ** draw.uniform(-2, 2)
    inverse = torch.linalg.inv(change)

    def normals(z: Tensor) -> Tensor:
        slope = made.normals(z) @ inverse
        return slope / slope.norm(dim=1, keepdim=True)

    z, fresh = made.sample(draw, run.samples), made.sample(draw, FRESH)
    action = iso.gl(n).vector()
    if run.variant == "normals":
        unit = normals(z)
        found = FromPoints(action).fit(z @ change.T, unit[:, :, None] * unit[:, None])
    else:
        noisy = z + run.noise * tensor(draw.normal(size=tuple(z.shape)))
        found = FromPoints(action, dimension=n - 1 if run.variant == "told" else None, seed=run.seed).fit(
            noisy @ change.T
        )
    planted = planted_in(action, change @ made.generators @ inverse)
    slope, at = normals(fresh), fresh @ change.T / spread(fresh @ change.T)
    moved = action.fields(at)
    if run.variant == "normals":
        slope, moved, at = _white(slope, moved, at)
    lie = torch.einsum("sn,sdn->sd", slope, moved)[:, None]
    return line(said(found), Parts(lie, slope[:, None], moved, points=at), planted)


def _white(normals: Tensor, moved: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Unit normals, motions and points in coordinates of unit covariance, where no unit enters."""
    root = torch.linalg.cholesky(torch.cov(x.T))
    slope = normals @ root
    there = torch.linalg.solve(root, moved.transpose(1, 2)).transpose(1, 2)
    return slope / slope.norm(dim=1, keepdim=True), there, torch.linalg.solve(root, x.T).T
