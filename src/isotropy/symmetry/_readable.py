"""Generators as people read them: rounded to what the data determine."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def read_coefficients(row: Tensor, uncertainty: Tensor) -> tuple[Tensor, int]:
    """One generator with undetermined terms dropped and those that may be 1 set to 1, and its digits."""
    largest = row.abs().amax()
    doubt = (uncertainty / largest).clamp_max(0.5)
    unit = row / largest
    kept = torch.where(unit.abs() < doubt, torch.zeros_like(unit), unit)
    snapped = torch.where((unit.abs() - 1).abs() < doubt, unit.sign(), kept)
    worst = float(doubt[snapped != 0].amax()) if bool((snapped != 0).any()) else 0.5
    return snapped, max(1, min(4, math.floor(-math.log10(max(worst, 1e-12)))))
