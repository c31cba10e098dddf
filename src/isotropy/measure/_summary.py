"""From the numbers of a measurement to its report."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..core._checks import require_fraction
from ..errors import DataError
from ..symmetry.claims._resamples import Interval
from ._report import SymmetryReport


@dataclass(frozen=True)
class Plain:
    """Sizes in the units of the map.

    Attributes
    ----------
    relative, absolute : float
        Of all generators together; see ``SymmetryReport``.
    each : Tensor
        `(dim,)` absolute sizes.
    """

    relative: float
    absolute: float
    each: Tensor


def level_of(level: float, confidence: float | None) -> float:
    """The level, checked, or what a confidence leaves of one.

    Raises
    ------
    DataError
        If it is not between 0 and 1.

    Warns
    -----
    DeprecationWarning
        If a confidence is given.
    """
    if confidence is not None:
        warnings.warn(
            f"expected level={1 - confidence:g}, received confidence={confidence:g}; the old word will go",
            DeprecationWarning,
            stacklevel=3,
        )
        level = 1 - confidence
    require_fraction(level, "level")
    return level


def plain_sizes(squares: Tensor, quiet: float = 0.0) -> Plain:
    """Sizes from mean squares `(3, dim + 1)` of what is broken and of both terms that could be; all in the last column.

    NaN for 0/0, that is where the terms together do not exceed ``quiet``.
    """
    broken, moved, turned = squares.sqrt()
    whole = float(moved[-1] + turned[-1])
    # Rounding may carry a ratio of equal numbers past 1 by a few units in the last place.
    relative = min(float(broken[-1]) / whole, 1.0) if whole > quiet else torch.nan
    return Plain(relative, float(broken[-1]), broken[:-1])


def require_sizes(values: Tensor) -> None:
    """Refuse values whose squares overflow.

    Raises
    ------
    DataError
        If one does.
    """
    if not bool(torch.isfinite(values.square().sum())):
        raise DataError(
            "f: expected values and derivatives whose squares are finite numbers, received larger ones; rescale the map"
        )


def summarise(
    defects: Sequence[Interval],
    effects: Sequence[Interval],
    names: Sequence[str],
    plain: Plain,
    *,
    floor: float,
    method: str,
    dtype: torch.dtype,
    samples: int,
    effective: float,
    level: float,
) -> SymmetryReport:
    """Report on the numbers of all generators, with those of the worst combination last."""
    found = [
        torch.tensor([[i.value, i.lower, i.upper] for i in part], dtype=torch.float64) for part in (defects, effects)
    ]
    worst, strongest = defects[-1], effects[-1]
    return SymmetryReport(
        defect=worst.value,
        interval=(worst.lower, worst.upper),
        effect=strongest.value,
        effect_interval=(strongest.lower, strongest.upper),
        per_generator=found[0][:-1, 0],
        per_generator_interval=found[0][:-1, 1:],
        per_generator_effect=found[1][:-1, 0],
        per_generator_effect_interval=found[1][:-1, 1:],
        relative_error=plain.relative,
        absolute_error=plain.absolute,
        per_generator_absolute=plain.each,
        floor=floor,
        method=method,
        dtype=str(dtype).removeprefix("torch."),
        samples=samples,
        effective=effective,
        names=tuple(names),
        level=level,
    )
