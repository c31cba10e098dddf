"""Pins of ``isotropy.algebra.bars``."""

import torch

import isotropy as iso
from bar_pins.checks import at_least, at_most, passes
from isotropy.algebra._frame import balance, frame_of
from isotropy.algebra._identity import _orthonormalise, identify
from isotropy.algebra._matrix_group import _require_normalising
from isotropy.algebra._reductive import _is_balanced
from isotropy.algebra._structure import Ruler, cut
from isotropy.errors import NotAnAlgebraError, RepresentationMismatchError


def _row(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _may_be_an_algebra(defect: float) -> bool:
    return not identify(iso.so(3).structure_constants, defect=defect).reason.startswith("its brackets leave")


def _are_independent(size: float) -> bool:
    matrices = torch.diag(_row(1, 1, size, size)).reshape(4, 2, 2)[[0, 2]]
    return passes(lambda: _orthonormalise(torch.zeros(2, 2, 2).double(), matrices), NotAnAlgebraError)


def _is_invertible(size: float) -> bool:
    nothing = iso.gl(2).span(torch.zeros(0, 4))
    return passes(lambda: _require_normalising(nothing, torch.diag(_row(1, size)), 0), RepresentationMismatchError)


def _keeps_rotations(stretch: float) -> bool:
    h = torch.diag(_row(1, 1 + stretch))
    return passes(lambda: _require_normalising(iso.so(2), h, 0), NotAnAlgebraError)


def _stays_in_its_units(ratio: float) -> bool:
    turn = torch.tensor([[[0.0, -ratio], [1 / ratio, 0.0]]], dtype=torch.float64)
    return torch.equal(balance(turn), torch.ones(2, dtype=torch.float64))


def _is_determined(part: float) -> bool:
    axis = _row(part**0.5, 0, (1 - part) ** 0.5)
    turn = torch.linalg.cross(torch.eye(3, dtype=torch.float64), axis.expand(3, 3))[None]
    return bool(frame_of(turn, torch.zeros(1, 3, dtype=torch.float64)).determined[0])


def _moves_both(size: float) -> bool:
    stretch = torch.diag(_row(1, size))[None]
    return len(frame_of(stretch, torch.zeros(1, 2, dtype=torch.float64)).moved) == 2


LITERALS = {
    "LEAST_CONFIDENCE": 0.5,
    "BRACKET_SCALE": 0.3,
    "ABELIAN_BRACKET": 0.05,
    "FLOOR": 1e-9,
    "CLEAR_MARGIN": 4.0,
    "CASIMIR_TOLERANCE": 0.1,
    "EXCEPTIONAL": 0.9,
}
JUDGED = {
    "MOST_OPEN": at_most(_may_be_an_algebra, 0.1),
    "SLACK": at_most(lambda times: cut(_row(1, 1e-3 * times), 1e-3)[0] == 1, 10.0),
    "BALANCED": at_most(lambda times: _is_balanced(_row(-1, 1 + 1e-3 * times), Ruler(1e-3)), 10.0),
    "DEPENDENT": at_least(_are_independent, 1e-12),
    "SINGULAR": at_least(_is_invertible, 1e-12),
    "UNBALANCED": at_most(_stays_in_its_units, 2.0),
    "DETERMINED": at_most(_is_determined, 1e-3),
    "KEPT": at_least(_moves_both, 1e-6),
    "MOST_MOVED": at_most(_keeps_rotations, 1e-6),
}
