"""The answer as a person reads it on a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_MOST_FIELDS = 12


def tell(answer: dict[str, Any], out: Path | None) -> str:
    """The answer in plain words."""
    lines = [_headline(answer)]
    fields = answer["vector_fields"]
    lines += [f"  {text}" for text in fields[:_MOST_FIELDS]]
    if len(fields) > _MOST_FIELDS:
        lines.append(f"  ... and {len(fields) - _MOST_FIELDS} more in symmetry.json")
    lines += [
        f"  [{'passed' if c['passed'] else 'FAILED'}] {name.replace('_', ' ')}: {c['words']}"
        for name, c in answer["certificates"].items()
    ]
    if "conserved" in answer:
        lines.append(f"Conserved quantities: {len(answer['conserved'])}")
        lines += [f"  {text}" for text in answer["conserved"]]
    lines += [f"Note: {sentence}." for sentence in answer["limits"]]
    if out is not None:
        lines.append(f"Written: {out / 'symmetry.json'}, {out / 'report.html'}")
    return "\n".join(lines)


def _headline(answer: dict[str, Any]) -> str:
    dimension, candidates = answer["dimension"], answer["candidates"]
    if answer["status"] == "none":
        least = answer["spectrum"][-1] if answer["spectrum"] else 1.0
        return (
            f"No symmetry among the candidates {candidates}: even the best direction is broken by "
            f"{least:.2g} (0 is exact, 1 is as broken as can be)."
        )
    noun = "symmetry" if dimension == 1 else "symmetries"
    found = f"{dimension} independent {noun} in {candidates}: the algebra {answer['name']}"
    if answer["status"] == "certified":
        return f"Certified: {found} (confidence of the name {answer['confidence']:.2f})."
    return f"Undecided: the data suggest {found}, but not every certificate holds."
