"""Symmetries of every layer of a network, and those that pass through all of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...action._action import Action
from ...actions import Affine
from ...algebra._catalogue import gl
from ...algebra._lie_algebra import LieAlgebra
from ...core._autodiff import evaluating
from ...core._checks import as_points
from ...core._linalg import cut_spectrum, orthonormal_rows, sparse_rows
from ...derivative._recording import Call, recording
from ...errors import DataError, RepresentationMismatchError
from .. import bars
from ._from_model import FromModel

Candidates = Callable[[int], LieAlgebra]
_MOST_CANDIDATES = 600


@dataclass(frozen=True)
class LayerSymmetries:
    """Symmetries of a network layer by layer.

    Attributes
    ----------
    layers : dict of str to FromModel
        For every leaf module the pairs of an input and an output generator that it intertwines, a subspace of the
        direct sum of both candidate algebras.
    through : FromModel or None
        Pairs of a generator on the network's input and one on its output that are linked by a matching generator at
        every layer in between, checked again on the whole network; None if there are none. A network may have more:
        that every layer has a symmetry is sufficient, not necessary.
    spectrum : Tensor
        Descending mismatch of the chains, relative to the largest possible; zeros match.
    """

    layers: dict[str, FromModel]
    through: FromModel | None
    spectrum: Tensor


def layers(
    model: nn.Module,
    x: Any,
    *,
    algebra: Candidates = gl,
    rank: str | int | float = "gap",
    tolerance: float = 0.05,
    level: float = 0.05,
    seed: int = 0,
) -> LayerSymmetries:
    """Discover the symmetries of each layer with independent candidates before and after it, and chain them.

    Parameters
    ----------
    model : Module
        Leaf modules that follow one another, on flat activations `(batch, width)`.
    x : array_like
        `(batch, n)` inputs.
    algebra : callable
        Candidates for a width: ``gl``, ``aff`` or any other; one of matrices of size ``width + 1`` acts affinely.
    rank, tolerance, level, seed
        As in ``FromModel``: a defect of 1 is what the gradients of a layer would give at other samples than those they
        belong to. The level is that of every layer by itself.

    Raises
    ------
    DataError
        If a layer does not take what the one before it gave, is not flat, or has too many candidates, or if tolerance
        or level is not between 0 and 1.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.Linear(3, 3, bias=False), torch.nn.ReLU()).double()
    >>> x = torch.randn(200, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> found = layers(net, x)
    >>> {name: layer.algebra_.dim for name, layer in found.layers.items()}, found.through.algebra_.dim
    ({'0': 9, '1': 3}, 3)
    """
    options: dict[str, Any] = {"rank": rank, "tolerance": tolerance, "level": level, "seed": seed}
    points = as_points(x, "x").detach()
    steps = _steps(model, points)
    results: dict[str, FromModel] = {}
    kernels: list[tuple[Tensor, Tensor]] = []
    for name, module, before, after in steps:
        rho_in, rho_out = _pair(name, algebra, before.shape[1], after.shape[1])
        results[name] = FromModel(rho_in, rho_out, **options).fit(module, before)
        kernels.append(_sides(results[name], _checked(algebra, before.shape[1]).dim))
    ends, spectrum = _chained(kernels)
    through = None
    if len(ends):
        rho_in, rho_out = _pair("model", algebra, points.shape[1], steps[-1].output.shape[1])
        through = FromModel(rho_in.restrict(ends), rho_out.restrict(ends), **options).fit(model, points)
    return LayerSymmetries(results, through, spectrum)


def _steps(model: nn.Module, points: Tensor) -> list[Call]:
    """Calls of leaf modules, each on what the one before gave."""
    with evaluating(model), torch.no_grad(), recording(model, inputs=True) as seen:
        model(points)
    if not seen:
        raise DataError("model: expected modules that are called, received none; wrap functions in nn.Module")
    previous = points
    for name, _, before, after in seen:
        if not isinstance(before, Tensor) or not isinstance(after, Tensor) or before.ndim != 2 or after.ndim != 2:
            raise DataError(f"{name}: expected flat activations (batch, width), received others; flatten them first")
        if before.shape != previous.shape or not torch.equal(before, previous):
            raise DataError(
                f"{name}: expected the output of the layer before it as input, received something else; pass one "
                "unbranched stretch of the network at a time"
            )
        previous = after
    return seen


def _checked(algebra: Candidates, width: int) -> LieAlgebra:
    found = algebra(width)
    if found.n not in (width, width + 1) or len(found.blocks) != 1:
        raise RepresentationMismatchError(
            f"algebra: expected matrices of size {width}, or {width + 1} for affine motions, received size {found.n}; "
            "give a function of the width such as gl or aff"
        )
    return found


def _pair(name: str, algebra: Candidates, before: int, after: int) -> tuple[Action, Action]:
    """Independent candidates on inputs and outputs, as two actions of their direct sum."""
    first, second = _checked(algebra, before), _checked(algebra, after)
    total = first.dim + second.dim
    if total > _MOST_CANDIDATES:
        raise DataError(
            f"{name}: expected at most {_MOST_CANDIDATES} candidates, received {total} for widths {before} and "
            f"{after}; give a smaller algebra=, such as diagonal or so"
        )
    both = first + second

    def side(factor: int, part: LieAlgebra, width: int) -> Action:
        return both.vector(factor) if part.n == width else Affine(both, factor)

    return side(0, first, before), side(1, second, after)


def _sides(found: FromModel, split: int) -> tuple[Tensor, Tensor]:
    """Input and output parts of an orthonormal basis of everything that leaves the layer's equation true on the data.

    Directions that do not move the data count: a generator at the output of one layer may differ from that at the
    input of the next by one of them.
    """
    basis = found.rho_in.algebra.basis.flatten(1)
    parts = [part.basis.flatten(1) for part in (found.algebra_, found.trivial_, found.transversal_)]
    rows = torch.cat(parts) @ torch.linalg.pinv(basis)
    rows = orthonormal_rows(rows) if len(rows) else rows
    return rows[:, :split], rows[:, split:]


def _chained(kernels: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Independent pairs `(k, d_first + d_last)` of linked end generators, and the spectrum of mismatches."""
    sizes = [len(first) for first, _ in kernels]
    starts = [sum(sizes[:i]) for i in range(len(sizes) + 1)]
    rows: list[Tensor] = []
    for i, ((_, after), (before, _)) in enumerate(itertools.pairwise(kernels)):
        mismatch = torch.zeros(after.shape[1], starts[-1], dtype=torch.float64)
        mismatch[:, starts[i] : starts[i + 1]] = after.T
        mismatch[:, starts[i + 1] : starts[i + 2]] = -before.T
        rows.append(mismatch)
    stacked = torch.cat(rows) if rows else torch.zeros(0, starts[-1], dtype=torch.float64)
    _, values, axes = torch.linalg.svd(stacked, full_matrices=True)
    spectrum = torch.zeros(starts[-1], dtype=torch.float64)
    spectrum[: len(values)] = (values / 2**0.5)[: starts[-1]]
    cut = cut_spectrum(spectrum, floor=bars.LINK_FLOOR, tolerance=bars.MOST_MISMATCHED)
    linked = axes[len(axes) - cut.dim :]
    ends = torch.cat([linked[:, : sizes[0]] @ kernels[0][0], linked[:, starts[-2] :] @ kernels[-1][1]], dim=1)
    _, lengths, directions = torch.linalg.svd(ends, full_matrices=False)
    ends = directions[lengths > bars.MOST_MISMATCHED]
    return (sparse_rows(ends) if len(ends) else ends), spectrum
