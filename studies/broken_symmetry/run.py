"""Recompute what was published on broken rotations of a water potential, and the controls of the averaging rules.

``python -m studies.broken_symmetry.run --data DIR`` reads the public archive of the study (folder ``langer_water``,
CC-BY-4.0, doi 10.24435/materialscloud:kz-3b) and writes ``results/published.json``; without ``--data`` only the
controls are computed and what is published stays as it was. ``python -m studies.broken_symmetry.table`` turns all
results into a page.
"""

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isotropy import atoms as ia
from isotropy.core._files import write_atomic
from isotropy.errors import DataError
from isotropy.quadrature import Rule, grid, identity, lebedev, polyhedral

RESULTS = Path(__file__).parent / "results" / "published.json"
HARTREE = 27.211386245988  # eV
KT = 25.85e-3  # eV at 300 K
GRIDS = ("0", "i", "2", "2i", "3", "3i")
SYSTEMS = {"test": ("test", 64), "bulk": ("nvt", 512), "monomer": ("mol", 1)}
ICE = range(2, 11)


def read_grids(path: Path) -> np.ndarray:
    """Energies `(frames, 6)` in eV under each grid; the first line repeats the next and is left out."""
    if not path.is_file():
        raise DataError(f"{path}: expected the energies of the archive, received no file; pass its folder as --data")
    table = np.loadtxt(path)
    if table.ndim != 2 or table.shape[1] != len(GRIDS) + 1:
        raise DataError(f"{path}: expected a step and {len(GRIDS)} energies in each row, received {table.shape}")
    return table[1:, 1:] * HARTREE


def errors_by_grid(folder: Path) -> dict[str, Any]:
    """Mean absolute differences from the densest grid in meV, and how widely the plain one is off."""
    found: dict[str, Any] = {}
    for name, (stem, molecules) in SYSTEMS.items():
        energies = 1000 * read_grids(folder / f"{stem}_errors.delta")
        away = energies - energies[:, -1:]
        found[name] = {
            "frames": len(energies),
            "molecules": molecules,
            "error": {label: float(np.abs(away[:, k]).mean()) for k, label in enumerate(GRIDS[:-1])},
            "deviation": float(away[:, 0].std()),
            "kish": kish(away[:, 0] / 1000),
        }
    return found


def kish(offsets: np.ndarray) -> float:
    """Fraction of effective samples after weighing plain frames by ``exp(offset / kT)``."""
    weights = np.exp((offsets - offsets.mean()) / KT)
    return float(weights.sum() ** 2 / (weights**2).sum() / len(weights))


def ice_energies(folder: Path) -> dict[str, Any]:
    """Relaxed energies of nine cells, plain against averaged, in meV for each molecule."""
    rows = []
    for cell in ICE:
        atoms = int((folder / "ice" / f"final-{cell:02d}.xyz").read_text(encoding="utf-8").split(maxsplit=1)[0])
        ends = [np.loadtxt(folder / "ice" / f"ice-geop-{cell:02d}{kind}.out")[-1, 5] for kind in ("", "_aug")]
        rows.append([1000 * HARTREE * end / (atoms // 3) for end in ends])
    plain, averaged = np.array(rows).T
    relative = plain - averaged - (plain - averaged).mean()
    return {
        "cells": len(rows),
        "offset": float((plain - averaged).mean()),
        "relative": float(np.sqrt((relative**2).mean())),
        "spread": float(averaged.std()),
        "range": float(np.ptp(averaged)),
    }


RULES: dict[str, Rule] = {
    "none": identity(),
    "i": grid("i"),
    "D2": polyhedral("D2"),
    "T": polyhedral("T"),
    "2": grid("2"),
    "O": polyhedral("O"),
    "2i": grid("2i"),
    "I": polyhedral("I"),
    "3": grid("3"),
    "Lebedev 5 x 6": lebedev(5),
    "3i": grid("3i"),
    "Lebedev 7 x 8": lebedev(7),
    "Lebedev 9 x 10": lebedev(9),
    "Lebedev 11 x 12": lebedev(11),
    "Lebedev 15 x 16": lebedev(15),
}


def lab_field_errors() -> list[dict[str, Any]]:
    """Root mean square errors in meV of the lab field's averages, over all orientations of one molecule."""
    sphere = lebedev(35)
    starts, weights = sphere.rotations[::36, :, 2], 36 * sphere.weights[::36]
    rows = []
    for name, rule in RULES.items():
        x, y, z = torch.einsum("kij,nj->kni", rule.rotations, starts).unbind(-1)
        values = 0.02 * HARTREE * (x.exp() + (y / 2).exp() + (2 * z).exp())
        error = rule.weights @ (values - ia.lab_field_mean())
        rms = 1000 * math.sqrt(float(weights @ error.square()))
        rows.append({"rule": name, "evaluations": len(rule), "degree": rule.degree, "error": rms})
    return rows


def peers() -> list[dict[str, int]]:
    """Evaluations for a band limit: the cheapest rule here, and grids as two peers build them."""
    rows = []
    for limit in (1, 2, 3, 5, 7, 9, 11):
        ours = min((rule for rule in RULES.values() if rule.degree >= limit), key=len, default=lebedev(limit))
        nodes, order = math.ceil((limit + 2) / 2), _odd(limit + 1)
        rows.append(
            {
                "limit": limit,
                "ours": len(ours),
                "metatomic": len(lebedev(_odd(limit))) // (_odd(limit) + 1) * (2 * limit + 1),
                "ipi_legendre": nodes * (2 * nodes - 1) ** 2,
                "ipi_lebedev": len(lebedev(order)) // (order + 1) * order,
            }
        )
    return rows


def _odd(degree: int) -> int:
    """The smallest Lebedev order, which are odd from 3 on, of at least a degree."""
    return max(degree + 1 - degree % 2, 3)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder that holds langer_water")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file to write")
    chosen = parser.parse_args(argv)
    found = json.loads(chosen.results.read_text(encoding="utf-8")) if chosen.results.exists() else {}
    found |= {"lab_field": lab_field_errors(), "peers": peers()}
    if chosen.data is not None:
        folder = chosen.data / "langer_water"
        found |= {"grids": errors_by_grid(folder), "ice": ice_energies(folder)}
    write_atomic(chosen.results, json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
