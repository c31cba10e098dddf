"""What the bundled data sets are, read from the table beside them and without importing what can load them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Kind = Literal["supervised", "dynamics", "mechanics", "points"]


@dataclass(frozen=True)
class Example:
    """One bundled data set.

    Attributes
    ----------
    file : str or None
        Its file in the folder ``data``; None if another package brings it.
    kind, description : str
        What it is.
    symmetry, dimension, candidates : str, int, str
        What a search among the candidates should find.
    """

    file: str | None
    kind: Kind
    description: str
    symmetry: str
    dimension: int
    candidates: str


@cache
def bundled_examples() -> dict[str, Example]:
    """Every bundled data set by name."""
    text = files("isotropy").joinpath("datasets/data/examples.json").read_text(encoding="utf-8")
    return {name: Example(**entry) for name, entry in json.loads(text).items()}
