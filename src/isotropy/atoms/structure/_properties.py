"""What a calculator gives for a structure, and how each of it turns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...errors import DataError
from ._environment import ase_module


@dataclass(frozen=True)
class Property:
    """One output of a calculator.

    Attributes
    ----------
    name : str
        Under which the calculator gives it.
    rank : int
        Number of its last axes, of size 3 each, that turn with the structure.
    per_atom : bool
        Whether its first axis counts atoms.
    axial : bool
        Whether it changes its sign under inversion beside what its rank says, as magnetic moments do.
    """

    name: str
    rank: int = 0
    per_atom: bool = False
    axial: bool = False

    def back(self, values: Tensor, g: Tensor) -> Tensor:
        """``rho(g)^-1 values`` for `(..., 3, ..., 3)` and an orthogonal `(3, 3)` matrix ``g``."""
        for _ in range(self.rank):
            # The first of the turning axes goes last; after as many rounds all are back in order.
            values = values.movedim(-self.rank, -1) @ g.to(values)
        return values * torch.linalg.det(g).sign().to(values) if self.axial else values


_KNOWN = (
    Property("energy"),
    Property("energies", per_atom=True),
    Property("forces", 1, per_atom=True),
    Property("stress", 2),
    Property("stresses", 2, per_atom=True),
    Property("virial", 2),
    Property("dipole", 1),
    Property("polarizability", 2),
    Property("charges", per_atom=True),
    Property("born_effective_charges", 2, per_atom=True),
)
_PERIODIC = ("stress", "stresses")


def known_properties() -> tuple[str, ...]:
    """Names that need no Property."""
    return tuple(one.name for one in _KNOWN)


def as_properties(wanted: Iterable[str | Property]) -> tuple[Property, ...]:
    """Properties by name, or as given for those not known.

    Raises
    ------
    DataError
        If nothing is asked for, a name is not known, or one is asked for twice.
    """
    known = {one.name: one for one in _KNOWN}
    chosen = [wanted] if isinstance(wanted, str | Property) else list(wanted)
    strange = [one for one in chosen if isinstance(one, str) and one not in known]
    if strange or not chosen:
        raise DataError(
            f"properties: expected some of {', '.join(known)}, received {strange or 'none'}; "
            "pass a Property with its rank for others"
        )
    found = tuple(known[one] if isinstance(one, str) else one for one in chosen)
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise DataError(f"properties: expected each once, received {', '.join(names)}; drop one")
    return found


def evaluate(
    calculator: Any, atoms: Any, properties: Sequence[Property], where: str = "structure"
) -> dict[str, Tensor]:
    """Outputs by name in float64, from a calculator of ase or a function ``atoms -> {name: value}``.

    Raises
    ------
    DataError
        If the calculator fails, lacks a property, or gives a wrong shape or a value that is not finite.
    """
    # The most derived first: energies come along with forces, and these with stresses, but not the other way round.
    order = sorted(properties, key=lambda one: -one.rank)
    values = _given(calculator, atoms, order, where)
    return {one.name: _checked(values[one.name], one, atoms, where) for one in properties}


def offers(calculator: Any, name: str, atoms: Any) -> bool:
    """Whether a calculator says that it gives a property; of a function this is tried."""
    if hasattr(calculator, "get_property"):
        return name in calculator.implemented_properties
    return name in calculator(atoms)


def _given(calculator: Any, atoms: Any, order: Sequence[Property], where: str) -> dict[str, Any]:
    name = type(calculator).__name__
    missing = ase_module("calculators.calculator").PropertyNotImplementedError
    try:
        if not hasattr(calculator, "get_property"):
            values = calculator(atoms)
            return {one.name: values[one.name] for one in order}
        if hasattr(calculator, "reset"):
            calculator.reset()  # what was computed for a structure that differs by rounding would come back
        return {one.name: calculator.get_property(one.name, atoms) for one in order}
    except (KeyError, missing) as error:
        raise DataError(
            f"{where}: expected {', '.join(one.name for one in order)} from {name}, received none of some ({error}); "
            "ask for fewer properties"
        ) from error
    except Exception as error:
        raise DataError(
            f"{where}: expected {name} to compute {atoms.get_chemical_formula()}, received {type(error).__name__} "
            f"({error}); mend the structure or the calculator"
        ) from error


def _checked(value: Any, one: Property, atoms: Any, where: str) -> Tensor:
    if value is None:
        raise DataError(f"{where}: expected {one.name}, received none; ask for fewer properties")
    values = _numbers(value, one, where)
    if one.name in _PERIODIC and values.shape[-1] == 6:
        values = _full(values)
    shape = tuple(values.shape)
    leading = (len(atoms),) if one.per_atom else ()
    turning = (3,) * one.rank
    if shape[: len(leading)] != leading or shape[len(shape) - one.rank :] != turning:
        raise DataError(
            f"{where}: expected {one.name} of shape {(*leading, '...', *turning)}, received {shape}; "
            "state its rank with a Property"
        )
    if not bool(torch.isfinite(values).all()):
        raise DataError(f"{where}: expected finite {one.name}, received NaN or infinity; mend the calculator")
    return values


def _numbers(value: Any, one: Property, where: str) -> Tensor:
    """Real numbers; a bare float would pass through float32 unless the dtype is named."""
    try:
        if not torch.as_tensor(value).is_complex():
            return torch.as_tensor(value, dtype=torch.float64).detach().cpu()
        received = "complex ones"
    except (TypeError, ValueError, RuntimeError) as error:
        received = f"{type(value).__name__} ({error})"
    raise DataError(f"{where}: expected real numbers for {one.name}, received {received}; mend the calculator")


def _full(voigt: Tensor) -> Tensor:
    """Symmetric `(..., 3, 3)` from `(..., 6)` in the order xx, yy, zz, yz, xz, xy."""
    places = torch.tensor([[0, 5, 4], [5, 1, 3], [4, 3, 2]])
    return voigt[..., places]
