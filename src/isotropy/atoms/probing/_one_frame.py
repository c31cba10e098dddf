"""Everything a probe measures at one structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...quadrature import Rule, haar
from .. import bars
from ..structure._orbit import Orbit, orbits
from ..structure._properties import Property, evaluate
from ..structure._structure import digest, plain_copy, relabelled, shifted, turned
from ._screen import turning
from ._spectrum import spectrum, unresolved

Record = dict[str, Any]
_SHIFT = 10.0  # angstrom


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes
    ----------
    rule : Rule
        The reference: its mean stands for the exact one.
    properties : tuple of Property
        Outputs of the calculator.
    candidates : tuple of Rule
        Cheaper rules that are compared with the reference.
    held_out : int
        Number of random elements of O(3) that no rule has seen.
    seed : int
        Of everything random.
    """

    rule: Rule
    properties: tuple[Property, ...]
    candidates: tuple[Rule, ...]
    held_out: int
    seed: int

    def to_dict(self) -> Record:
        """Plain values."""
        return {
            "rule": self.rule.name,
            "degree": self.rule.degree,
            "elements": len(self.rule),
            "properties": [one.name for one in self.properties],
            "candidates": [{"name": one.name, "elements": len(one)} for one in self.candidates],
            "held_out": self.held_out,
            "seed": self.seed,
        }

    @property
    def evaluations(self) -> int:
        """Of the calculator for one structure."""
        return len(self.rule) + self.held_out + sum(map(len, self.candidates)) + 7


def measure_frame(calculator: Any, atoms: Any, index: int, plan: Plan) -> Record:
    """One record of plain values; the calculator is asked ``plan.evaluations`` times."""
    where = f"frame {index}"
    generator = torch.Generator().manual_seed(1_000_003 * plan.seed + index)
    raw = evaluate(calculator, atoms, plan.properties, where)
    slope = _slope(atoms, raw)
    exact = _exact_operations(calculator, atoms, plan.properties, generator, where)
    reference = orbits(calculator, atoms, plan.rule, plan.properties, where)
    held_out = orbits(calculator, atoms, _held_out(plan.held_out, generator), plan.properties, where)
    cheaper = {
        one.name: orbits(calculator, atoms, one.randomised(generator), plan.properties, where)
        for one in plan.candidates
    }
    parts = {
        one.name: _part(one, raw, exact, reference[one.name], held_out[one.name], plan.rule) for one in plan.properties
    }
    return {
        "frame": index,
        "digest": digest(atoms),
        "symbols": atoms.get_chemical_symbols(),
        "positions": atoms.positions.round(4).tolist(),
        "evaluations": plan.evaluations,
        "slope": slope,
        "identical": _identical(held_out),
        "properties": parts,
        "candidates": {name: _against(found, reference) for name, found in cheaper.items()},
    }


def _held_out(count: int, generator: torch.Generator) -> Rule:
    """Random elements, every other one improper."""
    drawn = haar(count, generator)
    signs = torch.ones(count, 1, 1, dtype=torch.float64)
    signs[1::2] = -1.0
    return Rule(drawn.rotations * signs, drawn.weights, "held out")


def _slope(atoms: Any, raw: Mapping[str, Tensor]) -> list[float] | None:
    """Lie derivative of the energy where the raw outputs have it at no cost."""
    if "virial" in raw:
        return turning(raw["virial"]).tolist()
    if atoms.pbc.any() or "forces" not in raw:
        return None
    arms = torch.as_tensor(atoms.positions) - torch.as_tensor(atoms.positions).mean(0)
    return (-torch.linalg.cross(arms, raw["forces"]).sum(0)).tolist()


def _exact_operations(
    calculator: Any, atoms: Any, properties: Sequence[Property], generator: torch.Generator, where: str
) -> dict[str, list[dict[str, Tensor]]]:
    """Outputs after operations that change nothing, or nothing but rounding."""
    order = torch.randperm(len(atoms), generator=generator)
    shift = _SHIFT * torch.rand(3, generator=generator, dtype=torch.float64)
    turns = haar(3, generator).rotations
    moved = {
        "repeat": [plain_copy(atoms)],
        "permutation": [relabelled(atoms, order)],
        "translation": [shifted(atoms, shift)],
        "round_trip": [turned(turned(atoms, g), g.T) for g in turns],
    }
    found = {name: [evaluate(calculator, one, properties, where) for one in frames] for name, frames in moved.items()}
    back = torch.argsort(order)
    for one in properties:
        if one.per_atom:
            found["permutation"][0][one.name] = found["permutation"][0][one.name][back]
    return found


def _part(
    one: Property,
    raw: Mapping[str, Tensor],
    exact: Mapping[str, list[dict[str, Tensor]]],
    orbit: Orbit,
    held_out: Orbit,
    rule: Rule,
) -> Record:
    """Measures of one output."""
    centred = Orbit(orbit.values - orbit.mean, orbit.weights)
    away = held_out.values - orbit.mean
    size = _rms(orbit.mean)
    sectors = spectrum(centred.values, rule)
    noise = {name: max(_rms(values[one.name] - raw[one.name]) for values in found) for name, found in exact.items()}
    single = bars.MOST_SINGLE * size
    quiet = [value for name, value in noise.items() if name in ("repeat", "round_trip") or value <= single]
    components = max(raw[one.name].numel(), 1)
    return {
        "size": size,
        "error": float(orbit.squares.mean().sqrt()),
        "raw": float((raw[one.name] - orbit.mean).abs().mean()),
        "held_out": [_rms(row) for row in away],
        "largest": float(away.abs().max()),
        "spectrum": (sectors / components).tolist(),
        "unresolved": unresolved(centred.values, sectors, rule),
        "floor": bars.MARGIN * max(quiet) + bars.ROUNDINGS * max(size, float(raw[one.name].abs().max())),
        **noise,
        "per_atom": _by_atom(orbit).tolist() if one.per_atom else None,
    }


def _by_atom(orbit: Orbit) -> Tensor:
    """Root mean square over orbit and components for each atom."""
    return orbit.squares.reshape(len(orbit.squares), -1).mean(1).sqrt()


def _against(found: Mapping[str, Orbit], reference: Mapping[str, Orbit]) -> Record:
    """Mean and largest absolute difference of means."""
    gaps = {name: (orbit.mean - reference[name].mean).abs() for name, orbit in found.items()}
    return {name: {"mean": float(gap.mean()), "largest": float(gap.max())} for name, gap in gaps.items()}


def _identical(held_out: Mapping[str, Orbit]) -> bool:
    """Whether the energy is the same to the last bit however the structure is turned."""
    energies = [held_out["energy"].values] if "energy" in held_out else []
    return any(len(values) > 2 and bool((values == values[0]).all()) for values in energies)


def _rms(values: Tensor) -> float:
    return float(values.square().mean().sqrt())
