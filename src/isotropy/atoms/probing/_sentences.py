"""A probe in plain words."""

from __future__ import annotations

from typing import Any

from ...core._short import shortened
from .. import bars

VACUOUS = (
    "Energies are the same to the last bit however a structure is turned: the calculator turns it back itself or does "
    "not look at it, so this says nothing about the model inside."
)
_WHAT = {
    "repeat": "the same structure twice gives different results",
    "permutation": "the order of atoms matters",
    "translation": "the place in space matters",
}


def finding_lines(summaries: dict[str, dict[str, Any]], vacuous: bool) -> list[str]:
    """The answer by property."""
    lines = [_property_line(name, found) for name, found in summaries.items()]
    return [VACUOUS, *lines] if vacuous else lines


def rule_lines(rules: list[dict[str, Any]], most: int) -> list[str]:
    """What is left by cheaper rules, in so many lines at most."""
    title = "Mean absolute error left by cheaper rules:"
    rows = shortened([_rule_line(row) for row in rules], most - 1, "rules()")
    return [title, *(f"  {row}" for row in rows)] if rules else []


def setting_line(settings: dict[str, Any], frames: int, evaluations: int) -> str:
    """What was looked at, and what that cost."""
    return (
        f"{frames} frames, {evaluations} evaluations, reference {settings['rule']} "
        f"({settings['elements']} elements, degree {settings['degree']})"
    )


def _property_line(name: str, found: dict[str, Any]) -> str:
    unit = found["unit"]
    most = f"at most {bars.MOST_FLOORS * found['floor']:.1g}"
    besides = "; ".join(f"{_WHAT[key]} ({found[key]:.2g} {unit}, {most})" for key in found["broken"])
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
    return f"{first}; broken besides: {besides}" if besides else first


def _rule_line(row: dict[str, Any]) -> str:
    errors = ", ".join(f"{name} {one['mean']:.2e}" for name, one in row["errors"].items())
    return f"{row['evaluations']:>5} evaluations, {row['name']}: {errors}"
