"""Reweighting: what a fit hardly breaks is penalised in full at the next one, what it clearly breaks is let go."""

from __future__ import annotations

from dataclasses import replace

from ._solver import Solution
from ._system import System

_SOFTNESS = 0.2  # of the largest broken direction: where a penalty has fallen to half


def reweighted(system: System, found: Solution) -> System:
    """The same problem with directions weighted by ``e / (s + e)``, where the last fit broke them by ``s``.

    Minimising ``sum log(s + e)`` by its tangents leads to these weights; it is nearer to the number of broken
    directions than their sum is, and convex no longer.
    """
    import numpy as np
    from scipy.sparse import block_diag, csr_array, eye_array, kron

    weights = []
    for block, part in zip(system.blocks, system.parts(system.image(found.coefficients)), strict=True):
        sizes, axes = block.spectrum(part)
        softness = _SOFTNESS * float(sizes.max()) if block.size else 0.0
        shares = softness / (sizes + softness) if softness > 0 else np.ones_like(sizes)
        matrix = axes @ (shares[:, None] * axes.T)
        weights.append(kron(csr_array(matrix), eye_array(block.size // max(1, len(matrix)))))
    return replace(system, maps=(block_diag(weights) @ system.maps).tocsr())
