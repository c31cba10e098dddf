"""Outputs of a calculator over a rule, turned back: raw material of every measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...quadrature import Rule
from ._properties import Property, evaluate
from ._structure import turned


@dataclass(frozen=True)
class Orbit:
    """Back-turned responses ``z(g) = rho(g)^-1 y(g x)`` of one output.

    Attributes
    ----------
    values : Tensor
        `(k, *shape)`, one for each element of the rule.
    weights : Tensor
        `(k,)`, of sum 1.
    """

    values: Tensor
    weights: Tensor

    @property
    def mean(self) -> Tensor:
        """``sum_i w_i z_i``, taken from the first response so that large offsets cancel."""
        first = self.values[0]
        return first + torch.tensordot(self.weights, self.values - first, 1)

    @property
    def squares(self) -> Tensor:
        """``sum_i w_i |z_i - mean|^2`` by component `(*shape)`."""
        return torch.tensordot(self.weights, (self.values - self.mean).square(), 1)

    @property
    def spread(self) -> Tensor:
        """Standard deviation over the rule by component `(*shape)`."""
        return self.squares.sqrt()


def orbits(
    calculator: Any, atoms: Any, rule: Rule, properties: Sequence[Property], where: str = "structure"
) -> dict[str, Orbit]:
    """Responses of a calculator to a structure over a rule, by name of the property; one evaluation per element.

    Parameters
    ----------
    calculator : object
        Calculator of ase, or a function ``atoms -> {name: value}``.
    atoms : Atoms
        The structure.
    rule : Rule
        Elements by which it is turned.
    properties : sequence of Property
        What to compute.
    where : str
        What errors call the structure.
    """
    rows: dict[str, list[Tensor]] = {one.name: [] for one in properties}
    for g in rule.rotations:
        values = evaluate(calculator, turned(atoms, g), properties, where)
        for one in properties:
            rows[one.name].append(one.back(values[one.name], g))
    return {name: Orbit(torch.stack(values), rule.weights) for name, values in rows.items()}
