"""Small clusters of water with reference energies and forces, and a force field trained on them.

``python -m studies.bundled_data.make_waters`` makes the clusters again, the study of broken symmetry the force field.
"""

import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np

from isotropy.atoms import PointEdgeTransformer, ase_module

_FOLDER = Path(__file__).parents[1] / "data"
CLUSTERS = _FOLDER / "waters.xyz.gz"
_HEAD = re.compile(r"energy=(?P<energy>\S+) run=(?P<run>\d+)")
MODEL = _FOLDER / "water_model.safetensors"


def waters(runs: range | None = None) -> list[Any]:
    """Return clusters of one to three waters with energies (eV) and forces (eV/A) of GFN2-xTB.

    The 32 runs of 45 frames each were sampled at 350 K, every 10 femtoseconds; `info["run"]` of a frame names its
    run. In each eight runs the first is of one molecule, the last of three, the others of two.

    Parameters
    ----------
    runs : range, optional
        Which runs; all if left out.

    Raises
    ------
    MissingExtraError
        Without ase.
    """
    lines = iter(gzip.decompress(CLUSTERS.read_bytes()).decode().splitlines())
    frames: list[Any] = []
    for count in lines:
        head = _HEAD.search(next(lines))
        rows = [next(lines).split() for _ in range(int(count))]
        if head and (runs is None or int(head["run"]) in runs):
            frames.append(_frame(rows, float(head["energy"]), int(head["run"])))
    return frames


def _frame(rows: list[list[str]], energy: float, run: int) -> Any:
    """A structure with its references; many times faster than the reader for any such file."""
    values = np.array([row[1:] for row in rows], dtype=float)
    frame = ase_module("atoms").Atoms([row[0] for row in rows], values[:, :3], info={"run": run})
    known = ase_module("calculators.singlepoint").SinglePointCalculator
    frame.calc = known(frame, energy=energy, forces=values[:, 3:])
    return frame


def water_model() -> PointEdgeTransformer:
    """Return a small force field of water that was trained with random rotations, so it breaks them a little.

    It has seen clusters of two and three molecules (runs 0 to 23 of `waters`) and never one alone. Its energies
    leave out `baseline`.
    """
    return PointEdgeTransformer.load(MODEL).double().eval()
