"""Moving along orbits: paths without a barrier, ensembles, and sharpness against conserved quantities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import DataError, SymmetryError
from ..find._parameter_symmetry import ParameterSymmetry
from ..flatness._sharpness import top_eigenvalue
from ..laws._block_law import symmetric_dim
from ..moves._blocks import Block
from ..moves._vectors import Parameters

Loss = Callable[[dict[str, Tensor]], Tensor]


def orbit_path(
    symmetry: ParameterSymmetry, parameters: Parameters, xi: Tensor, times: Sequence[float]
) -> list[dict[str, Tensor]]:
    """Parameters ``exp(t xi) theta`` at ``times``: a curve of one and the same function.

    Parameters
    ----------
    symmetry : ParameterSymmetry
        Of the network, from ``symmetries``.
    parameters : mapping
        Parameters by name, of any shapes.
    xi : Tensor
        `(dim,)` the generator.
    times : sequence of float
        Where on the curve; 0 is the start.
    """
    return [{**parameters, **symmetry.move(t * xi, parameters)} for t in times]


def ensemble(
    symmetry: ParameterSymmetry, parameters: Parameters, count: int, scale: float, *, seed: int = 0
) -> list[dict[str, Tensor]]:
    """Members ``exp(scale T) theta`` with normal ``T``, of variance ``1 / size`` in each entry of its matrices.

    Members of exact symmetries compute the same function, so that such an ensemble neither helps nor harms; it
    changes what perturbs the weights, such as pruning, quantisation or noise.

    Parameters
    ----------
    symmetry : ParameterSymmetry
        Of the network, from ``symmetries``.
    parameters : mapping
        Parameters by name, of any shapes.
    count : int
        Members.
    scale : float
        Length of the moves; 0 gives copies.
    seed : int
        Of the moves.

    Raises
    ------
    DataError
        If ``count`` is below one or ``scale`` is negative.
    """
    if count < 1 or not scale >= 0:
        raise DataError(f"expected count >= 1 and scale >= 0, received {count} and {scale}; use e.g. 10 and 0.1")
    generator = torch.Generator().manual_seed(seed)
    widths = [float(block.group.size) if isinstance(block, Block) else 1.0 for block in symmetry.blocks]
    sizes = torch.cat([torch.full((block.dim,), w) for block, w in zip(symmetry.blocks, widths, strict=True)])
    drawn = torch.randn(count, symmetry.dim, generator=generator, dtype=torch.float64) * scale / sizes.sqrt()
    return [{**parameters, **symmetry.move(xi, parameters)} for xi in drawn]


@dataclass(frozen=True)
class OrbitPoint:
    """One point of an orbit.

    Attributes
    ----------
    time : float
        Along the one-parameter group.
    loss : float
        The same everywhere on the orbit.
    quantity : float
        ``<theta, xi(theta)> / 2``, the conserved quantity that belongs to the motion.
    eigenvalue : float
        Largest eigenvalue of the Hessian.
    """

    time: float
    loss: float
    quantity: float
    eigenvalue: float


def sharpness_along(
    loss: Loss,
    symmetry: ParameterSymmetry,
    parameters: Parameters,
    xi: Tensor,
    times: Sequence[float],
    *,
    tolerance: float = 1e-8,
) -> list[OrbitPoint]:
    """Sharpness against the conserved quantity at fixed function, along ``exp(t xi) theta``.

    Varying the scale of the initialisation instead would change function and quantity together.

    Parameters
    ----------
    loss : callable
        Takes named parameters to a scalar.
    symmetry : ParameterSymmetry
        Of the network, from ``symmetries``.
    parameters : mapping
        Parameters by name, of any shapes.
    xi : Tensor
        `(dim,)` the generator.
    times : sequence of float
        Where on the curve; 0 is the start.
    tolerance : float
        Of the largest eigenvalue.

    Raises
    ------
    SymmetryError
        If the blocks have no conserved quantities.
    """
    if not all(isinstance(block, Block) for block in symmetry.blocks) or not any(
        isinstance(block, Block) and symmetric_dim(block.group) for block in symmetry.blocks
    ):
        raise SymmetryError(
            "symmetry: expected blocks with quadratic conserved quantities, received none or shifts; use "
            'symmetry.select("scaling") or the like'
        )
    parts = symmetry.parts(xi)
    points: list[OrbitPoint] = []
    for time, there in zip(times, orbit_path(symmetry, parameters, xi, times), strict=True):
        moments = [
            0.5 * float(block.moment(_wide(there), _wide(there)) @ part.double())
            for block, part in zip(symmetry.blocks, parts, strict=True)
        ]
        sharpest = top_eigenvalue(loss, there, tolerance=tolerance)
        points.append(OrbitPoint(time, float(loss(there)), sum(moments), sharpest))
    return points


def _wide(parameters: Parameters) -> dict[str, Tensor]:
    return {name: value.detach().to(torch.float64) for name, value in parameters.items()}
