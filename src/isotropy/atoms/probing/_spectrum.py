"""How much of a response lies in each irreducible representation of O(3), without Wigner matrices."""

from __future__ import annotations

import math
import warnings

import torch
from torch import Tensor

from ...errors import CoarseRuleWarning, DataError
from ...quadrature import Rule


def spectrum(values: Tensor, rule: Rule, most: int | None = None) -> Tensor:
    """Orbit mean squares by degree and parity, ``S_l = (2 l + 1) sum_ij w_i w_j f_i f_j chi_l(R_i^T R_j)``.

    Parameters
    ----------
    values : Tensor
        `(k, *shape)`, one for each element of the rule: responses that were turned back say where the error is, raw
        outputs what the function is made of. Squares are summed over components.
    rule : Rule
        Of at least twice the largest degree in the values.
    most : int, optional
        Largest degree asked for; half of the rule's degree if left out.

    Returns
    -------
    Tensor
        `(most + 1, 2)`, even and odd parity; `(most + 1, 1)` for a rule without inversion, which cannot tell them.
        The sum is the mean square over the orbit; all but the first entry is broken symmetry.

    Raises
    ------
    DataError
        If values and rule have different lengths.
    """
    if len(values) != len(rule):
        raise DataError(f"values: expected {len(rule)}, one per element of the rule, received {len(values)}; pass all")
    degree = rule.degree // 2 if most is None else most
    if 2 * degree > rule.degree:
        message = (
            f"most: expected at most {rule.degree // 2}, half of the rule's degree, received {degree}; sectors alias, "
            f"use lebedev({2 * degree})"
        )
        warnings.warn(message, CoarseRuleWarning, stacklevel=2)
    rotations, parts = _by_parity(values.reshape(len(values), -1).to(torch.float64), rule)
    weights = rule.weights[: len(rotations)] * (len(rule) // len(rotations))
    flat = rotations.flatten(1)
    angles = torch.arccos(((flat @ flat.T - 1) / 2).clamp(-1.0, 1.0))
    products = [weights[:, None] * weights * (part @ part.T) for part in parts]
    rows: list[Tensor] = []
    character = torch.ones_like(angles)
    for l in range(degree + 1):
        if l:
            character = character + 2 * torch.cos(l * angles)
        rows.append(torch.stack([(2 * l + 1) * (product * character).sum() for product in products]))
    return torch.stack(rows).clamp(min=0.0)


def _by_parity(values: Tensor, rule: Rule) -> tuple[Tensor, list[Tensor]]:
    """Proper rotations, and the even and odd parts of the values on them."""
    half = len(rule) // 2
    paired = rule.has_inversion and torch.equal(rule.rotations[half:], -rule.rotations[:half])
    if not paired:
        return rule.rotations, [values]
    there, opposite = values[:half], values[half:]
    return rule.rotations[:half], [(there + opposite) / 2, (there - opposite) / 2]


def unresolved(values: Tensor, sectors: Tensor, rule: Rule) -> float:
    """Root mean square per component that no sector accounts for: content above the rule's reach."""
    total = float((rule.weights @ values.reshape(len(values), -1).to(torch.float64).square()).sum())
    return math.sqrt(max(total - float(sectors.sum()), 0.0) / max(values[0].numel(), 1))
