"""Pins of ``isotropy.core.bars``."""

import torch

from bar_pins.checks import at_least, at_most
from isotropy.core._autodiff import _failure
from isotropy.core._linalg import cut_spectrum, numerical_rank, sparse_rows


def _row(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _stands_out_by(gap: float) -> bool:
    return cut_spectrum(_row(0.01 * gap, 0.01), rank=1, floor=1e-9).clear


def _is_zero_without_a_gap(floors: float) -> bool:
    return cut_spectrum(_row(0.05 * floors), floor=0.05, tolerance=1.0).dim == 1


def _derivative_is_believed(detached: float) -> bool:
    x = torch.ones(4, 2, dtype=torch.float64)
    return _failure(lambda x: (1 - detached) * x + (detached * x).detach(), x, x, x[0], "jacobian") is None


LITERALS = {"VANISHING_MEAN": 1e-10}
JUDGED = {
    "MIN_GAP": at_least(_stands_out_by, 3.0),
    "CLEARLY_BROKEN": at_most(_is_zero_without_a_gap, 10.0),
    "LARGEST_ZERO": at_most(lambda error: cut_spectrum(_row(error)).dim == 1, 0.2),
    "INDEPENDENT": at_least(lambda size: numerical_rank(torch.diag(_row(1, size))) == 2, 1e-10),
    "ZERO_ENTRY": at_most(lambda entry: not sparse_rows(_row(1, entry)[None])[0, 1], 1e-6),
    "MOST_DISAGREEMENT": at_most(_derivative_is_believed, 0.2),
}
