"""The part of the study's page about latent coordinates."""

import json
import math
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

MEASURES = {
    "pendulum": "energy_deviation",
    "pendulum, linear": "energy_deviation",
    "waves": "rollout",
    "waves, sparse equations": "rollout",
}
WORDS = {
    "pendulum": "pendulum, `LaLiGAN`",
    "pendulum, linear": "pendulum, best linear motion, chosen with the energy in view",
    "waves": "spiral waves, `LaLiGAN`",
    "waves, sparse equations": "spiral waves, autoencoder of the same kind without symmetry and cubic SINDy",
}
LIMITS = {"pendulum": 0.12}
PUBLIC = "| pendulum, public LaLiGAN code on its own data, reduced | 1 | 0.19 | 37 | - |"
NOTES = """The pendulum is measured by how much its energy changes along learnt orbits, relative to the spread of the
energy; spiral waves by the error of 500 fields foreseen from one, relative to their size. Both are taken on data that
neither training nor the choice of epochs and coordinates saw: 200 other pendulums, as many as were trained on, and what
follows in time. In 20 modes of the fields two latent coordinates are learnt from 400 pairs; SINDy (threshold 0.01) sees
the latent coordinates of the same fields. Both see the better of two starts. The seeds of the waves share one
trajectory and differ in noise and start weights, so they say how the roads vary and not how waves do. The rows "best
linear motion" and "public code" are there for comparison, and the latter is no contest: its network is larger, and it
ran on another machine."""


def latent_section(folder: Path) -> str:
    """Heading, table and notes, or nothing where nothing has been asked."""
    lines = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    if not lines:
        return ""
    head = ["| road | seeds | error, median (largest) | CPU s, median (largest) | answers |", "| --- " * 5 + "|"]
    body = [_row(name, [line for line in lines if line["question"] == name]) for name in MEASURES]
    found = [row for row in body if row]
    table = "\n".join([*head, *found, PUBLIC])
    return f"\n## Latent coordinates: a pendulum and spiral waves\n\n{table}\n\n{NOTES}\n"


def _row(name: str, own: list[dict[str, Any]]) -> str:
    values = [math.inf if line[MEASURES[name]] is None else line[MEASURES[name]] for line in own]
    if not values:
        return ""
    seconds = [line["seconds"] for line in own if "seconds" in line]
    spent = f"{median(seconds):.0f} ({max(seconds):.0f})" if seconds else "-"
    said = Counter(line["status"] for line in own if line["status"] != "-")
    answers = ", ".join(f"{status} {count}" for status, count in sorted(said.items())) or "-"
    met = f"; below {LIMITS[name]} in {sum(value < LIMITS[name] for value in values)}" if name in LIMITS else ""
    quality = f"{median(values):.3f} ({max(values):.3f}){met}"
    return f"| {WORDS[name]} | {len(own)} | {quality} | {spent} | {answers} |"
