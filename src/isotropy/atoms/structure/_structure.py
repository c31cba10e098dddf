"""Turning, moving and checking structures."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor

from ...errors import DataError
from ._properties import Property

_PERIODIC = {"stress", "stresses"}


def turned(atoms: Any, g: Tensor) -> Any:
    """The structure after an orthogonal matrix ``g`` `(3, 3)`, proper or not; without calculator and constraints.

    Isolated structures turn about the mean of their positions, periodic ones about the origin. Rows become
    ``x g^T``. The cell takes the proper part of ``g`` only: a lattice is its own inverse, and some codes refuse
    left-handed cells.
    """
    matrix = g.detach().to("cpu", torch.float64)
    proper = (matrix * torch.linalg.det(matrix).sign()).numpy()
    moved = plain_copy(atoms)
    centre = 0.0 if atoms.pbc.any() else atoms.positions.mean(0)
    moved.arrays["positions"] = (atoms.positions - centre) @ matrix.numpy().T + centre
    moved.set_cell(atoms.cell.array @ proper.T)
    for name, axes in (("momenta", matrix.numpy()), ("initial_magmoms", proper)):
        if name in atoms.arrays and atoms.arrays[name].ndim == 2:
            moved.arrays[name] = atoms.arrays[name] @ axes.T
    return moved


def plain_copy(atoms: Any) -> Any:
    """The structure alone."""
    copy = atoms.copy()
    copy.set_constraint()
    return copy


def shifted(atoms: Any, by: Tensor) -> Any:
    """The structure after a translation `(3,)`; nothing is wrapped."""
    moved = plain_copy(atoms)
    moved.arrays["positions"] = atoms.positions + by.numpy()
    return moved


def relabelled(atoms: Any, order: Tensor) -> Any:
    """The structure with its atoms in another order."""
    return plain_copy(atoms)[order.numpy()]


def as_frames(frames: Any) -> list[Any]:
    """A list of structures, from one or several.

    Raises
    ------
    DataError
        If there is none.
    """
    listed = [frames] if hasattr(frames, "numbers") else list(frames)
    if not listed:
        raise DataError("frames: expected at least one structure, received none; check the file")
    return listed


def require_frame(atoms: Any, index: int, properties: tuple[Property, ...]) -> None:
    """Refuse what cannot be turned or has no such property.

    Raises
    ------
    DataError
        Without atoms, with an unknown element, a position that is not finite, a left-handed or flat periodic cell, or
        if stress is asked for where the frame is not periodic.
    """
    where = f"frame {index}"
    if not len(atoms):
        raise DataError(f"{where}: expected at least one atom, received none; leave the frame out")
    if (atoms.numbers < 1).any():
        place = int((atoms.numbers < 1).nonzero()[0][0])
        raise DataError(f"{where}: expected known elements, received X as atom {place}; name its element")
    if not torch.isfinite(torch.as_tensor(atoms.positions)).all():
        raise DataError(f"{where}: expected finite positions, received NaN or infinity; mend the file")
    volume = float(torch.linalg.det(torch.as_tensor(atoms.cell.array)))
    if atoms.pbc.all() and volume <= 0:
        raise DataError(
            f"{where}: expected a right-handed cell, received one of signed volume {volume:.6g}; "
            "exchange two of its vectors"
        )
    asked = sorted(_PERIODIC & {one.name for one in properties})
    if asked and not atoms.pbc.all():
        raise DataError(
            f"{where}: expected a frame that is periodic along three axes for {' and '.join(asked)}, received pbc "
            f"{atoms.pbc.tolist()}; ask for energy and forces"
        )


def digest(atoms: Any) -> str:
    """What tells one structure from another."""
    parts = (atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:16]
