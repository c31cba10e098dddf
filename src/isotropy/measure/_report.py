"""What every measurement returns, in numbers, in words and as a file."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
from torch import Tensor

from ..core._files import write_atomic

FORMAT = 1
_SHOWN = 4  # generators in the printed report
_WIDTH = 60  # of a printed generator
Interval = tuple[float, float]


@dataclass(frozen=True)
class SymmetryReport:
    """How far a map is from being equivariant.

    An error is ``|L_xi f| / (| |Df|_F |xi_in(x)| | + |xi_out(f)|)`` in root mean square over samples, so that it
    lies in [0, 1]; for finite motions it is ``|f(g x) - g f(x)|`` against the spread of both. Where nothing moves,
    0/0, it is NaN and printed as "undefined".

    Attributes
    ----------
    relative_error : float
        Over all generators of an orthonormal basis of the algebra (or over all group elements) together.
    absolute_error : float
        Root mean square of ``L_xi f`` over samples, root of summed squares over the same basis.
    interval : tuple of float
        Bootstrap interval of ``relative_error`` over samples.
    per_generator, per_generator_absolute : Tensor
        `(dim,)` errors of each generator as given, scaled to unit Frobenius norm; for finite motions, one number
        per group element.
    per_generator_interval : Tensor
        `(dim, 2)` bootstrap intervals of ``per_generator``.
    floor : float
        Errors up to it cannot be told from rounding.
    method : str
        The rung of the derivative ladder, or ``"finite"``.
    dtype : str
        Such as ``"float32"``.
    samples : int
        Number of samples.
    names : tuple of str
        Readable generators or group elements.
    confidence : float
        Of the intervals.
    """

    relative_error: float
    absolute_error: float
    interval: Interval
    per_generator: Tensor
    per_generator_absolute: Tensor
    per_generator_interval: Tensor
    floor: float
    method: str
    dtype: str
    samples: int
    names: tuple[str, ...]
    confidence: float

    @property
    def at_floor(self) -> bool:
        """Whether the overall error cannot be told from rounding."""
        return self.relative_error <= self.floor

    @property
    def worst(self) -> str:
        """Name of the most broken generator; empty if all are undefined."""
        if bool(self.per_generator.isnan().all()):
            return ""
        return self.names[int(self.per_generator.nan_to_num(-1.0).argmax())]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; undefined errors are None."""
        columns = zip(
            self.names,
            self.per_generator.tolist(),
            self.per_generator_absolute.tolist(),
            self.per_generator_interval.tolist(),
            strict=True,
        )
        return {
            "format": FORMAT,
            "relative_error": _known(self.relative_error),
            "absolute_error": _known(self.absolute_error),
            "interval": [_known(end) for end in self.interval],
            "confidence": self.confidence,
            "floor": _known(self.floor),
            "at_floor": self.at_floor,
            "method": self.method,
            "dtype": self.dtype,
            "samples": self.samples,
            "generators": [
                {
                    "name": name,
                    "relative_error": _known(error),
                    "absolute_error": _known(size),
                    "interval": [_known(end) for end in ends],
                }
                for name, error, size, ends in columns
            ],
        }

    def save(self, path: str | Path) -> Path:
        """Write ``to_dict`` as JSON, whole or not at all."""
        return write_atomic(path, json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n")

    def __str__(self) -> str:
        """The answer in under ten lines, the most broken generators first."""
        head = f"equivariance error {self._written(self.relative_error, self.interval)}"
        order = torch.argsort(self.per_generator.nan_to_num(-1.0), descending=True, stable=True).tolist()
        lines = [f"  {shorten(self.names[k], _WIDTH)}: {self._written(*self._of(k))}" for k in order[:_SHOWN]]
        if len(order) > _SHOWN:
            lines.append(f"  ... and {len(order) - _SHOWN} more, none worse")
        tail = f"  by {self.method} in {self.dtype}, {self.samples} samples, floor {self.floor:.1g}"
        return "\n".join([head, *lines, tail])

    def _of(self, k: int) -> tuple[float, Interval]:
        low, high = self.per_generator_interval[k].tolist()
        return float(self.per_generator[k]), (low, high)

    def _written(self, error: float, interval: Interval) -> str:
        """One error in words."""
        if math.isnan(error):
            return "undefined (nothing moves)"
        if error <= self.floor:
            return f"{error:.1g}, not to be told from rounding"
        if math.isnan(interval[0]):
            return f"{error:.3g}"
        return f"{error:.3g} ({100 * self.confidence:g} %: {interval[0]:.3g} to {interval[1]:.3g})"


def _known(value: float) -> float | None:
    """The number, or None where JSON has none."""
    return value if math.isfinite(value) else None
