"""The symmetries of a network as a person reads them on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...core._short import shortened
from ._sentences import listed

_MOST_ROWS = 30
_MOST_VALUES = 6


def network_words(answer: dict[str, Any], written: tuple[Path, Path] | None) -> str:
    """Blocks, what was skipped, conserved quantities and the orbit curve, in plain words."""
    lines = [_extent(answer)]
    lines += listed("Blocks", _shortened([_block(row) for row in answer["blocks"]]))
    moves = [f"any order of the {row['size']} units of {row['label']}" for row in answer["permutations"]]
    moves += [f"signs of the {row['size']} units of {row['label']}" for row in answer["signs"]]
    lines += listed("Discrete moves", _shortened(moves))
    batch = [f"{row['group']} on {row['label']}, on at most {row['exactness']['rank']}" for row in answer["on_batch"]]
    lines += listed("Moves that keep a batch of so many samples only", _shortened(batch))
    lines += listed("Skipped", _shortened([f"{row['where']}: {row['why']}" for row in answer["skipped"]]))
    lines += listed("Conserved by gradient flow", _shortened([_law(row) for row in answer["conserved"]]))
    lines += listed("Without a conserved quantity", [f"{row['label']}: {row['why']}" for row in answer["lawless"]])
    lines.append(_curve(answer["orbit"]))
    lines.append(f"Followed on {answer['samples']} samples of {answer['data']} in {answer['dtype']}.")
    if written is not None:
        lines.append(f"Written: {written[0]} and {written[1]} (open it in a browser)")
    return "\n".join(lines)


def _extent(answer: dict[str, Any]) -> str:
    """How much may move, in one sentence."""
    if not answer["dimension"]:
        return f"None of the {answer['size']} parameters may move continuously while the function stays."
    return (
        f"The {answer['size']} parameters may move along {answer['dimension']} dimensions, in "
        f"{len(answer['blocks'])} blocks, while the function stays."
    )


def _block(row: dict[str, Any]) -> str:
    exactness = row["exactness"]
    kind = exactness["kind"] if not exactness["bound"] else f"approximate, to {exactness['bound']:.1g}"
    return f"{row['kind']} {row['group']}, dimension {row['dimension']}: {row['label']} ({kind})"


def _law(row: dict[str, Any]) -> str:
    """A family of quantities with its first values."""
    if row["eigenvalues"] is not None:
        first = row["eigenvalues"][0]
        most = "" if len(row["eigenvalues"]) == 1 else f", the first of {len(row['eigenvalues'])}"
        return f"{row['label']}: a symmetric matrix of eigenvalues {_numbers(first)}{most}"
    return f"{row['label']}: {_numbers(row['values'])}" if row["values"] else f"{row['label']}: norm {row['norm']:.4g}"


def _numbers(values: list[float]) -> str:
    shown = ", ".join(f"{value:.4g}" for value in values[:_MOST_VALUES])
    return shown if len(values) <= _MOST_VALUES else f"{shown}, ... ({len(values)} numbers)"


def _curve(orbit: dict[str, Any]) -> str:
    """How sharpness changes along the curve."""
    if "why" in orbit:
        return f"Orbit curve: none, {orbit['why']}."
    sharp = [point["eigenvalue"] for point in orbit["points"]]
    losses = [point["loss"] for point in orbit["points"]]
    return (
        f"Along the scale e^t of {orbit['label']}, t from -1 to 1, the loss moves by {max(losses) - min(losses):.1g} "
        f"and the sharpness lies between {min(sharp):.4g} and {max(sharp):.4g}."
    )


def _shortened(rows: list[str]) -> list[str]:
    """The first rows; the file has them all."""
    return shortened(rows, _MOST_ROWS, "the JSON")
