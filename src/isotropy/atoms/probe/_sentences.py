"""A probe in plain words."""

from __future__ import annotations

from typing import Any

from .. import bars

_WHAT = {
    "repeat": "the same structure twice gives different results",
    "permutation": "the order of atoms matters",
    "translation": "the place in space matters",
}


def setting_line(settings: dict[str, Any], frames: int, evaluations: int) -> str:
    """What was looked at, and what that cost."""
    return (
        f"{frames} frames, {evaluations} evaluations, reference {settings['rule']} "
        f"({settings['elements']} elements, degree {settings['degree']})"
    )


def finding_lines(summaries: dict[str, dict[str, Any]], rules: list[dict[str, Any]], vacuous: bool) -> list[str]:
    """The answer by property, and the rules."""
    lines: list[str] = []
    if vacuous:
        lines.append(
            "Energies are the same to the last bit however a structure is turned: the calculator turns it back "
            "itself or does not look at it, so this says nothing about the model inside."
        )
    for name, found in summaries.items():
        lines += _property_lines(name, found)
    if rules:
        lines.append("Mean absolute error left by cheaper rules:")
        lines += [_rule_line(row) for row in rules]
    return lines


def _property_lines(name: str, found: dict[str, Any]) -> list[str]:
    unit = found["unit"]
    if found["at_floor"]:
        first = (
            f"{name}: symmetric as far as rounding can tell, error {found['error']:.1e} {unit} "
            f"(at most {found['floor']:.1e})"
        )
    else:
        first = (
            f"{name}: error {found['error']:.3g} {unit} ({found['relative']:.2g} of its size), as it stands "
            f"{found['raw']:.3g}, largest {found['largest']:.3g}, floor {found['floor']:.1g}"
        )
    most = f"at most {bars.MOST_FLOORS * found['floor']:.1g}"
    return [first, *(f"  broken besides: {_WHAT[key]} ({found[key]:.2g} {unit}, {most})" for key in found["broken"])]


def _rule_line(row: dict[str, Any]) -> str:
    errors = ", ".join(f"{name} {one['mean']:.2e}" for name, one in row["errors"].items())
    return f"  {row['evaluations']:>5} evaluations, {row['name']}: {errors}"
