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

FORMAT = 2
_SHOWN = 4  # generators in the printed report
_WIDTH = 60  # of a printed generator
Interval = tuple[float, float]


@dataclass(frozen=True)
class SymmetryReport:
    """How far a map is from being equivariant, in two numbers that know no units.

    The *defect* is ``|L_xi f|`` in root mean square, by what it would be if the gradient at one sample had nothing to
    do with the motion at another: 1 is chance, whatever the number of inputs. Of a finite motion it is
    ``|f(g x) - g f(x)|`` by what it would be for values at different samples. Where the map does not respond, 0/0, it
    is NaN and printed as "undefined". The *effect* is the change of the map by one standard deviation of motion (or by
    the finite motion itself), in spreads of the map.

    Attributes
    ----------
    defect, effect : float
        Of the worst combination of all generators, or of the worst group element.
    interval, effect_interval : tuple of float
        Their bootstrap intervals over samples.
    per_generator, per_generator_effect : Tensor
        `(dim,)` defects and effects of each generator, or one number per group element.
    per_generator_interval, per_generator_effect_interval : Tensor
        `(dim, 2)` their bootstrap intervals.
    relative_error : float
        ``|L_xi f| / (| |Df|_F |xi_in(x)| | + |xi_out(f)|)`` over an orthonormal basis, in [0, 1]. It depends on units
        and its chance level falls as one by the root of the number of inputs: read the defect instead.
    absolute_error : float
        Root mean square of ``L_xi f`` over samples, root of summed squares over an orthonormal basis.
    per_generator_absolute : Tensor
        `(dim,)` the same of each generator, scaled to unit Frobenius norm.
    floor : float
        Defects up to it cannot be told from rounding.
    method : str
        The rung of the derivative ladder, or ``"finite"``.
    dtype : str
        Such as ``"float32"``.
    samples : int
        Number of samples.
    effective : float
        How many of them carry the sums.
    names : tuple of str
        Readable generators or group elements.
    level : float
        Of the intervals: what they leave out.
    """

    defect: float
    interval: Interval
    effect: float
    effect_interval: Interval
    per_generator: Tensor
    per_generator_interval: Tensor
    per_generator_effect: Tensor
    per_generator_effect_interval: Tensor
    relative_error: float
    absolute_error: float
    per_generator_absolute: Tensor
    floor: float
    method: str
    dtype: str
    samples: int
    effective: float
    names: tuple[str, ...]
    level: float

    @property
    def confidence(self) -> float:
        """Of the intervals: one minus the level."""
        return 1 - self.level

    @property
    def at_floor(self) -> bool:
        """Whether the defect cannot be told from rounding."""
        return self.defect <= self.floor

    @property
    def worst(self) -> str:
        """Name of the most broken generator; empty if all are undefined."""
        if bool(self.per_generator.isnan().all()):
            return ""
        return self.names[int(self.per_generator.nan_to_num(-1.0).argmax())]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; undefined numbers are None."""
        columns = (
            self.per_generator,
            self.per_generator_interval,
            self.per_generator_effect,
            self.per_generator_effect_interval,
            self.per_generator_absolute,
        )
        rows = zip(self.names, *[column.tolist() for column in columns], strict=True)
        return {
            "format": FORMAT,
            **_two_numbers(self.defect, self.interval, self.effect, self.effect_interval),
            "relative_error": _known(self.relative_error),
            "absolute_error": _known(self.absolute_error),
            "level": self.level,
            "floor": _known(self.floor),
            "at_floor": self.at_floor,
            "method": self.method,
            "dtype": self.dtype,
            "samples": self.samples,
            "effective": self.effective,
            "generators": [
                {"name": name, **_two_numbers(*pair), "absolute_error": _known(size)} for name, *pair, size in rows
            ],
        }

    def save(self, path: str | Path) -> Path:
        """Write ``to_dict`` as JSON, whole or not at all."""
        return write_atomic(path, json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n")

    def __str__(self) -> str:
        """The answer in under ten lines, the most broken generators first."""
        head = f"defect {self._written(self.defect, self.interval)}, 1 is chance; {self._effect()}"
        order = torch.argsort(self.per_generator.nan_to_num(-1.0), descending=True, stable=True).tolist()
        lines = [f"  {shorten(self.names[k], _WIDTH)}: {self._written(*self._of(k))}" for k in order[:_SHOWN]]
        if len(order) > _SHOWN:
            lines.append(f"  ... and {len(order) - _SHOWN} more, none worse")
        carried = f"{self.samples} samples of which {self.effective:.0f} carry the sums"
        return "\n".join([head, *lines, f"  by {self.method} in {self.dtype}, {carried}, floor {self.floor:.1g}"])

    def _of(self, k: int) -> tuple[float, Interval]:
        low, high = self.per_generator_interval[k].tolist()
        return float(self.per_generator[k]), (low, high)

    def _effect(self) -> str:
        """The effect in words."""
        if math.isnan(self.effect):
            return "effect undefined"
        return f"effect {self.effect:.3g} of the spread"

    def _written(self, defect: float, interval: Interval) -> str:
        """One defect in words."""
        if math.isnan(defect):
            return "undefined (the map does not respond)"
        if defect <= self.floor:
            return f"{defect:.1g}, not to be told from rounding"
        if math.isnan(interval[0]):
            return f"{defect:.3g}"
        return f"{defect:.3g} ({100 * (1 - self.level):g} %: {interval[0]:.3g} to {interval[1]:.3g})"


def _two_numbers(defect: float, interval: Interval, effect: float, effect_interval: Interval) -> dict[str, Any]:
    """Defect and effect with their intervals, for JSON."""
    return {
        "defect": _known(defect),
        "interval": [_known(end) for end in interval],
        "effect": _known(effect),
        "effect_interval": [_known(end) for end in effect_interval],
    }


def _known(value: float) -> float | None:
    """The number, or None where JSON has none."""
    return value if math.isfinite(value) else None
