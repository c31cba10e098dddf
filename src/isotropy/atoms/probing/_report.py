"""What a probe says: in numbers, in words, as a file and as pictures."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ...core._files import write_atomic
from ...core._short import MOST_LINES
from ...errors import CoarseRuleWarning, DataError
from .. import bars
from ._pictures import map_of_atoms, overview
from ._sentences import finding_lines, rule_lines, setting_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMAT = 1
_QUANTILES = (0.05, 0.5, 0.95)
_UNITS = {"energy": "eV", "forces": "eV/A", "stress": "eV/A^3", "virial": "eV", "dipole": "e A", "charges": "e"}


@dataclass(frozen=True)
class ProbeReport:
    """Broken symmetry of a calculator over some structures.

    Attributes
    ----------
    settings : dict
        Rule, properties, candidates, seed.
    records : tuple of dict
        One for each frame.
    """

    settings: dict[str, Any]
    records: tuple[dict[str, Any], ...]

    @property
    def properties(self) -> list[str]:
        """Names of what was measured."""
        return list(self.settings["properties"])

    @property
    def evaluations(self) -> int:
        """Of the calculator, over all frames."""
        return sum(record["evaluations"] for record in self.records)

    @property
    def vacuous(self) -> bool:
        """Whether every energy was the same to the last bit however a structure was turned.

        The calculator then turns structures itself before it computes, or does not depend on positions at all. The
        probe says nothing about what it does inside.
        """
        return all(record["identical"] for record in self.records)

    @property
    def slopes(self) -> Tensor:
        """Lie derivatives of the energy along rotations `(frames, 3)` in eV per radian; NaN where not at hand."""
        rows = [record["slope"] or [math.nan] * 3 for record in self.records]
        return torch.tensor(rows, dtype=torch.float64)

    def summary(self, name: str) -> dict[str, Any]:
        """Measures of one property over all frames, in its own unit.

        ``error`` is the root mean square over frames, orbit and components, ``relative`` that over the size of the
        symmetric part, ``raw`` the mean absolute component at the structures as they are, ``quantiles`` (5, 50, 95 %)
        and ``largest`` are over held-out elements, ``spectrum`` has one row for each degree with even and odd parity.
        """
        rows = self._rows(name)
        error, size = (_root_mean([row[key] for row in rows]) for key in ("error", "size"))
        floor = _root_mean([row["floor"] for row in rows])
        away = torch.tensor([value for row in rows for value in row["held_out"]], dtype=torch.float64)
        most = bars.MOST_FLOORS * floor
        exact = {key: max(row[key] for row in rows) for key in ("repeat", "round_trip", "permutation", "translation")}
        return {
            "unit": _UNITS.get(name, ""),
            "error": error,
            "size": size,
            "relative": error / size if size > 0 else math.nan,
            "raw": sum(row["raw"] for row in rows) / len(rows),
            "quantiles": away.quantile(torch.tensor(_QUANTILES, dtype=torch.float64)).tolist(),
            "largest": max(row["largest"] for row in rows),
            "spectrum": torch.tensor([row["spectrum"] for row in rows], dtype=torch.float64).mean(0).tolist(),
            "unresolved": _root_mean([row["unresolved"] for row in rows]),
            "floor": floor,
            "at_floor": error <= floor,
            **exact,
            "broken": [key for key in ("repeat", "permutation", "translation") if exact[key] > most],
        }

    def rules(self) -> list[dict[str, Any]]:
        """Every candidate with its evaluations and, by property, mean and largest error left; the cheapest first."""
        rows: list[dict[str, Any]] = []
        for candidate in self.settings["candidates"]:
            found = [record["candidates"][candidate["name"]] for record in self.records]
            errors = {
                name: {
                    "mean": sum(one[name]["mean"] for one in found) / len(found),
                    "largest": max(one[name]["largest"] for one in found),
                }
                for name in self.properties
            }
            rows.append({"name": candidate["name"], "evaluations": candidate["elements"], "errors": errors})
        return sorted(rows, key=lambda row: row["evaluations"])

    def recommend(self, **tolerances: float) -> dict[str, Any]:
        """The cheapest candidate whose mean absolute error is within every tolerance, such as ``forces=1e-3``.

        Raises
        ------
        DataError
            If no tolerance is given, a property was not measured, or no candidate is good enough.
        """
        strange = sorted(set(tolerances) - set(self.properties))
        if strange or not tolerances:
            raise DataError(
                f"tolerances: expected some of {self.properties}, received {strange or 'none'}; write e.g. forces=1e-3"
            )
        rows = self.rules()
        for row in rows:
            if all(row["errors"][name]["mean"] <= limit for name, limit in tolerances.items()):
                return row
        left = {name: min((row["errors"][name]["mean"] for row in rows), default=math.nan) for name in tolerances}
        raise DataError(
            f"tolerances: expected a candidate within {tolerances}, received at best {left}; "
            "probe with a finer rule and more candidates"
        )

    def locality(self, name: str = "forces") -> dict[str, dict[str, float]]:
        """Error per atom of a property by element: count, root mean square and largest."""
        places: dict[str, list[float]] = {}
        for record, row in zip(self.records, self._rows(name), strict=True):
            if row["per_atom"] is None:
                raise DataError(f"name: expected a property of atoms, received {name}; ask for forces")
            for symbol, value in zip(record["symbols"], row["per_atom"], strict=True):
                places.setdefault(symbol, []).append(value)
        return {
            symbol: {"count": len(values), "error": _root_mean(values), "largest": max(values)}
            for symbol, values in sorted(places.items())
        }

    def per_atom(self, frame: int, name: str = "forces") -> Tensor:
        """Errors of the atoms of one frame `(n,)`."""
        values = self._rows(name)[frame]["per_atom"]
        if values is None:
            raise DataError(f"name: expected a property of atoms, received {name}; ask for forces")
        return torch.tensor(values, dtype=torch.float64)

    def plot(self, name: str = "forces") -> Figure:
        """Spectrum, error against cost and errors by element of one property; needs the extra ``report``."""
        locality = self.locality(name) if name in self.of_atoms else None
        return overview(name, self.summary(name), self.rules(), locality)

    def map(self, name: str = "forces", frame: int | None = None) -> Figure:
        """Atoms of one frame coloured by their errors, the frame of the worst atom if none is named.

        Needs the extra ``report``.
        """
        worst = max(range(len(self.records)), key=lambda k: float(self.per_atom(k, name).max()))
        chosen = worst if frame is None else frame
        return map_of_atoms(name, _UNITS.get(name, ""), self.records[chosen], self.per_atom(chosen, name))

    @property
    def of_atoms(self) -> list[str]:
        """Names of the properties that have a value for each atom."""
        return [name for name in self.properties if self._rows(name)[0]["per_atom"]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; undefined ones are None."""
        slopes = self.slopes.norm(dim=1)
        known = slopes[~slopes.isnan()]
        return {
            "format": FORMAT,
            "settings": self.settings,
            "frames": len(self.records),
            "evaluations": self.evaluations,
            "vacuous": self.vacuous,
            "slope": float(known.square().mean().sqrt()) if len(known) else None,
            "properties": {name: _plain(self.summary(name)) for name in self.properties},
            "rules": self.rules(),
            "locality": {name: self.locality(name) for name in self.of_atoms},
            "records": list(self.records),
        }

    def save(self, path: str | Path) -> Path:
        """Write ``to_dict`` as JSON, whole or not at all."""
        return write_atomic(path, json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n")

    def with_warnings(self) -> ProbeReport:
        """The same report; warns where errors lie above what the rule resolves."""
        for name in self.properties:
            found = self.summary(name)
            if not found["at_floor"] and found["unresolved"] ** 2 > bars.MOST_UNRESOLVED * found["error"] ** 2:
                reach = self.settings["degree"] // 2
                above = 100 * (found["unresolved"] / found["error"]) ** 2
                message = (
                    f"{name}: expected errors of degree {reach} or less, half of the rule's, received {above:.0f} % "
                    f"above (at most {100 * bars.MOST_UNRESOLVED:.0f} %); errors are estimates, use a finer rule for a "
                    "spectrum"
                )
                warnings.warn(message, CoarseRuleWarning, stacklevel=3)
        return self

    @property
    def sentences(self) -> list[str]:
        """What was found, a line for each property, and last what was looked at."""
        summaries = {name: self.summary(name) for name in self.properties}
        found = finding_lines(summaries, self.vacuous)
        return [*found, setting_line(self.settings, len(self.records), self.evaluations)]

    def __str__(self) -> str:
        """The answer in a few lines, with what cheaper rules would leave."""
        *found, setting = self.sentences
        return "\n".join([*found, *rule_lines(self.rules(), MOST_LINES - len(found) - 1), setting])

    def __repr__(self) -> str:
        """Numbers of structures and evaluations, and the properties."""
        return f"ProbeReport({', '.join(self.properties)}: {len(self.records)} frames, {self.evaluations} evaluations)"

    def _rows(self, name: str) -> list[dict[str, Any]]:
        if name not in self.properties:
            raise DataError(f"name: expected one of {self.properties}, received {name!r}; probe with it")
        return [record["properties"][name] for record in self.records]


def _root_mean(values: list[float]) -> float:
    return math.sqrt(sum(value * value for value in values) / len(values))


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in found.items()}
