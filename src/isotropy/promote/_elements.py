"""Single group elements as candidates: the maps ``w -> K_g F_w - F_w``."""

from __future__ import annotations

import torch
from torch import Tensor

from .._action import Action
from .._family import FamilyDerivative
from .._representation import Representation
from ..errors import RepresentationMismatchError


def difference_maps(family: FamilyDerivative, elements: Tensor) -> Tensor:
    """Maps `(count, rows, m * terms)` in an orthonormal basis of the functions, for matrices `(count, n, n)`.

    ``(K_g F)(x) = rho_out(g)^-1 F(rho_in(g) x)``, which equals F exactly when g is a symmetry of F.
    """
    inner, outer = _linear(family.rho_in, "rho_in"), _linear(family.rho_out, "rho_out")
    unit = torch.eye(family.outputs, dtype=torch.float64)
    stay = torch.kron(unit, family.basis_change)
    moved = [
        torch.kron(torch.linalg.inv(outer.rho(g)), family.basis_change @ family.substitution(inner.rho(g)))
        for g in elements
    ]
    return torch.stack(moved) - stay


def _linear(action: Action, name: str) -> Representation:
    if not isinstance(action, Representation):
        raise RepresentationMismatchError(
            f"{name}: expected a Representation when single elements are candidates, received "
            f"{type(action).__name__}; use algebra.vector() and algebra.scalar()"
        )
    return action
