"""The answer as a person reads it on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...core._short import shortened
from ...report import advice, claimed, headline, needed

_MOST_FIELDS = 12
_MOST_REASONS = 8
_ROADS = {
    "points": "motions that keep the set of points",
    "supervised": "motions that the map from inputs to outputs respects",
    "dynamics": "motions that turn solutions into solutions",
    "mechanics": "motions of the positions whose charge is conserved",
}
_MOVING = {"scalar": ", outputs at rest", "vector": ", outputs moving as the inputs do"}


def discovered_words(answer: dict[str, Any], out: Path | None) -> str:
    """What a discovery found, in plain words."""
    lines = [_verdict(answer)]
    lines += listed("Generators", shortened(answer["vector_fields"], _MOST_FIELDS, "the JSON"))
    if "conserved" in answer:
        lines += listed("Conserved along every trajectory", answer["conserved"] or ["nothing"])
    lines += listed("Checks", [_check(*item) for item in answer["certificates"].items()])
    lines += listed("Limits", answer["limits"])
    lines += listed("What to try", advice(answer))
    lines += listed("Roads compared", _road_rows(answer.get("roads", [])))
    moving = _MOVING.get(answer["outputs"] or "", "")
    lines.append(f"Searched in {answer['candidates']}: {_ROADS[answer['kind']]}{moving}.")
    if out is not None:
        lines.append(f"Written: {out / 'symmetry.json'} and {out / 'report.html'} (open it in a browser)")
    return "\n".join(lines)


def measured_words(answer: dict[str, Any], written: Path | None) -> str:
    """How symmetric a model is, in plain words."""
    lines = [_extent(answer)]
    lines += listed(f"Generators, the most broken first, with {_sure(answer)} intervals", _generator_rows(answer))
    lines.append(
        f"Measured at {answer['samples']} samples, of which {answer['effective']:.0f} carry the sums, by "
        f"{answer['method']} in {answer['dtype']}, outputs taken as {answer['outputs']}; defects up to "
        f"{answer['floor']:.1g} are rounding."
    )
    if answer["finite"]:
        moves = answer["finite"]
        lines.append(f"Of {len(moves['generators'])} random finite motions the worst: {_two_numbers(moves)}.")
    if answer["tolerance"] is not None:
        verdict = "within" if answer["within"] else "not sure to be within"
        lines.append(f"That is {verdict} the tolerance {answer['tolerance']:g}.")
    if written is not None:
        lines.append(f"Written: {written}")
    return "\n".join(lines)


def _verdict(answer: dict[str, Any]) -> str:
    """Status and answer in a sentence or two."""
    sentence = headline(answer)
    if answer["status"] == "certified":
        return f"Certified. {sentence} {claimed(answer)}".strip()
    if answer["status"] == "none" and claimed(answer):
        return f"{sentence} {claimed(answer)}"
    if answer["status"] == "none" and answer["spectrum"]:
        least = answer["spectrum"][-1]
        return f"{sentence} Even the best direction is broken by {least:.2g} (0 is exact, 1 is as broken as can be)."
    return sentence


def listed(title: str, rows: list[str]) -> list[str]:
    """Rows under a title; nothing if there are none."""
    return [f"{title}:", *(f"  {row}" for row in rows)] if rows else []


def _check(name: str, given: dict[str, Any]) -> str:
    outcome, bar = "passed" if given["passed"] else "FAILED", needed(given)
    return f"[{outcome}] {name.replace('_', ' ')}: {given['words']}{f' ({bar})' if bar else ''}"


def _road_rows(roads: list[dict[str, Any]]) -> list[str]:
    """Status, dimension, name and CPU time of every road, and its largest angle to the first."""
    rows: list[str] = []
    for road in roads:
        angles = road["angles"][0]
        apart = f", {max(angles):.2g} degrees from {roads[0]['road']}" if angles and road is not roads[0] else ""
        name = f", {road['name']}" if road["dimension"] else ""
        rows.append(
            f"{road['road']}: {road['status']}, dimension {road['dimension']}{name}, {road['seconds']:.1f} s{apart}"
        )
    return rows


def _extent(answer: dict[str, Any]) -> str:
    """The two numbers of the worst combination, in one sentence or two."""
    algebra = answer["algebra"]
    if answer["defect"] is None:
        return f"Undefined: the model does not respond to {algebra}, so there is nothing to err."
    if answer["at_floor"]:
        return f"The model has the symmetry {algebra} as far as rounding can tell: defect {answer['defect']:.3g}."
    return (
        f"The model breaks {algebra} by {_within(answer['defect'], answer['interval'])} of what chance would give. "
        f"One standard deviation of motion changes its output by up to "
        f"{_within(answer['effect'], answer['effect_interval'])} of the spread ({_sure(answer)} intervals)."
    )


def _generator_rows(answer: dict[str, Any]) -> list[str]:
    """Both numbers of every generator."""
    rows = sorted(answer["generators"], key=lambda row: -(row["defect"] or 0.0))
    width = max(len(row["name"]) for row in rows)
    return [f"{row['name']:<{width}}  {_two_numbers(row)}" for row in rows]


def _two_numbers(row: dict[str, Any]) -> str:
    """Defect and effect with their intervals."""
    effect = _within(row["effect"], row["effect_interval"])
    return f"defect {_within(row['defect'], row['interval'])}, effect {effect}"


def _within(value: float | None, interval: list[float | None]) -> str:
    """A number with its interval."""
    low, high = interval
    if value is None:
        return "undefined"
    return f"{value:.3g}" if low is None or high is None else f"{value:.3g} [{low:.3g} to {high:.3g}]"


def _sure(answer: dict[str, Any]) -> str:
    return f"{100 * (1 - answer['level']):g} %"


def equations_words(answer: dict[str, Any], out: Path | None) -> str:
    """Governing equations in plain words."""
    lines = ["Equations:" if not answer["doubts"] else "Equations, with doubts:"]
    lines += [f"  {text}" for text in answer["equations"]]
    free = answer["without_symmetry"]
    if free is not None and free != answer["equations"]:
        lines += listed("Without symmetry", free)
    lines += listed("How", answer["road"][:_MOST_REASONS])
    lines += listed("Doubts", answer["doubts"])
    if out is not None:
        lines.append(f"Written: {out / 'equations.json'} and {out / 'report.html'} (open it in a browser)")
    return "\n".join(lines)
