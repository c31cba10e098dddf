"""Write small clusters of water with energies and forces of a semi-empirical method that is exactly invariant.

Run ``python -m studies.bundled_data.make_waters --runs DIR --out waters.xyz.gz``; needs
``pip install 'isotropy[atoms]'``. Every run of dynamics has its own seed and file, so an interrupted call goes on where
it stopped.
"""

import argparse
import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isotropy.atoms import ase_module, langevin, turned
from isotropy.core._files import write_atomic
from isotropy.errors import MissingExtraError
from isotropy.quadrature import haar

SIZES = (1, 2, 2, 2, 2, 2, 2, 3)  # molecules in a run; runs go round
COUNT = 32
FRAMES, BETWEEN = 45, 20
KELVIN, FEMTOSECONDS, FRICTION = 350.0, 0.5, 0.02
APART = 2.9  # angstrom between neighbouring molecules at the start


def load_method() -> Any:
    """A calculator of GFN2-xTB, or the name of the extra that brings it."""
    try:
        from tblite.ase import TBLite  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError("expected tblite, found none; run pip install 'isotropy[atoms]'") from error
    return TBLite(method="GFN2-xTB", verbosity=0, accuracy=0.01)


def start(molecules: int, seed: int) -> Any:
    """Waters in random orientations, next to each other."""
    water = ase_module("build").molecule("H2O")
    places = np.array([[0, 0, 0], [APART, 0, 0], [APART / 2, APART * 0.87, 0]])
    cluster = ase_module("atoms").Atoms()
    for place, g in zip(places[:molecules], haar(molecules, seed).rotations, strict=True):
        one = turned(water, g)
        one.positions += place - one.positions.mean(0)
        cluster += one
    return cluster


def sample(molecules: int, seed: int) -> str:
    """One run at constant temperature, as text."""
    units = ase_module("units")
    cluster = start(molecules, seed)
    cluster.calc = load_method()
    refresh = langevin(KELVIN, FRICTION / units.fs, seed)
    refresh(cluster, 1e6)
    run = ase_module("md.verlet").VelocityVerlet(cluster, FEMTOSECONDS * units.fs)
    texts: list[str] = []
    for _ in range(FRAMES):
        for _ in range(BETWEEN):
            run.run(1)
            refresh(cluster, FEMTOSECONDS * units.fs)
        texts.append(frame_text(cluster, seed))
    return "".join(texts)


def frame_text(cluster: Any, seed: int) -> str:
    """A frame in the extended xyz format."""
    head = (
        f'Properties=species:S:1:pos:R:3:forces:R:3 energy={cluster.get_potential_energy():.6f} run={seed} pbc="F F F"'
    )
    middle = cluster.positions - cluster.positions.mean(0)
    rows = [
        " ".join([symbol, *(f"{x:.5f}" for x in place), *(f"{f:.5f}" for f in force)])
        for symbol, place, force in zip(cluster.symbols, middle, cluster.get_forces(), strict=True)
    ]
    return "\n".join([str(len(cluster)), head, *rows]) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, required=True, help="folder of finished runs, kept between calls")
    parser.add_argument("--out", type=Path, required=True, help="file to write when all are there")
    parser.add_argument("--count", type=int, default=COUNT, help="number of runs")
    chosen = parser.parse_args(argv)
    chosen.runs.mkdir(parents=True, exist_ok=True)
    files = [chosen.runs / f"{seed:03d}.xyz" for seed in range(chosen.count)]
    for seed, file in enumerate(files):
        if not file.exists():
            write_atomic(file, sample(SIZES[seed % len(SIZES)], seed))
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    write_atomic(chosen.out, gzip.compress(text.encode(), 9, mtime=0))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
