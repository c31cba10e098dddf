"""The span of directions in a basis that people can read."""

from __future__ import annotations

import torch
from torch import Tensor

from ..action._action import Action
from ..algebra._lie_algebra import LieAlgebra, lie_algebra
from ..core._linalg import sparse_rows

_OF_ONE_SIZE = 100.0  # ratio of motions from which on units differ; entries then differ by its square


def sparse_span(action: Action, directions: Tensor, motion: Tensor) -> tuple[LieAlgebra, Tensor]:
    """The span of directions `(k, dim)` in a sparse basis, and that basis in the candidates' generators.

    An entry is small if it moves the data little, so entries are compared by the motion `(rows, dim)` that they cause:
    in millimetres and kilometres a rotation has entries of 1e6 and 1e-6, and neither may be dropped.
    """
    whole, sizes = lie_algebra(action), torch.linalg.vector_norm(motion, dim=0)
    moving = sizes[sizes > 0]
    if not len(directions) or not len(moving) or float(moving.amax() / moving.amin()) < _OF_ONE_SIZE:
        sparse = span_of(action, directions).sparsified()
        return sparse, sparse.basis.flatten(1) @ torch.linalg.pinv(whole.basis.flatten(1)) if sparse.dim else directions
    sizes = torch.where(sizes > 0, sizes, torch.ones_like(sizes))
    rows = sparse_rows(directions * sizes) / sizes
    rows = rows / (rows @ whole.basis.flatten(1)).abs().amax(dim=1, keepdim=True)
    return whole.span(rows), rows


def span_of(action: Action, directions: Tensor) -> LieAlgebra:
    """The span of directions `(k, dim)`, each of length one."""
    scaled = directions / torch.linalg.vector_norm(directions, dim=1, keepdim=True)
    return lie_algebra(action).span(scaled)


def split_sentences(trivial: int, transversal: int) -> list[str]:
    """What is said of directions that were set apart."""
    sentences: list[str] = []
    if trivial:
        sentences.append(f"{trivial} candidate directions do not move the data, so the data say nothing about them")
    if transversal:
        sentences.append(
            f"{transversal} directions of the kernel move points off the set on which the data lie, "
            "where the map was not observed; they are not counted as symmetries"
        )
    return sentences
