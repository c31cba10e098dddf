"""Write the bundled tables of the sky from the ephemerides of the ERFA library.

Run ``python -m studies.bundled_data.make_ephemeris --out DIR``; needs ``pip install 'isotropy[astronomy]'``.
The same library version writes the same bytes: every random draw has a fixed seed.
"""

import argparse
import gzip
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import numpy as np

from isotropy.errors import DataError, MissingExtraError

J2000 = 2451545.0
YEAR = 365.25
PERIODS = {
    "mercury": 0.2408467,
    "venus": 0.6151973,
    "earth-moon": 1.0000174,
    "mars": 1.8808476,
    "jupiter": 11.862615,
    "saturn": 29.447498,
    "uranus": 84.016846,
    "neptune": 164.79132,
}
DIFFERENCE = np.array([1 / 280, -4 / 105, 1 / 5, -4 / 5, 0, 4 / 5, -1 / 5, 4 / 105, -1 / 280])

PLANETS_NOTE = """Heliocentric positions and velocities of the planets, erfa.plan94 (Simon et al. 1994).
Mean equator and equinox of J2000.0; 'earth-moon' is the barycentre of the Earth and the Moon.
time: Julian years of TDB since J2000.0; x y z: au; vx vy vz: au per Julian year.
Each planet has its own time grid: three of its periods, centred on J2000.0, 160 samples."""

MOON_NOTE = """Geocentric position, velocity and acceleration of the Moon, erfa.moon98 (Meeus 1998).
Axes of the GCRS; times drawn uniformly (seed 0) from two nodal periods (37.2 years) after J2000.0, sorted.
time: days of TT since J2000.0; x y z: au; vx vy vz: au per day; ax ay az: au per day squared.
Acceleration: central differences of eighth order of the velocity, step 0.25 days."""

STARS_NOTE = """Directions of 24 points of the sky, fixed among the stars, seen from the rotating Earth.
Drawn uniformly (seed 0) in the celestial frame (GCRS), turned by erfa.c2t06a into the terrestrial frame
(ITRS) without polar motion, with TT - UT1 = 69.2 seconds. One day from 2024-01-01 0h TT, 49 samples a star.
time: days of TT since the start; x y z: unit vector."""


def load_erfa() -> ModuleType:
    """Import ERFA, or name the extra that brings it."""
    try:
        import erfa  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError(
            "Expected the package pyerfa, which is not installed; run pip install 'isotropy[astronomy]'."
        ) from error
    return erfa


def planets_table(samples: int = 160, periods: float = 3.0) -> tuple[list[str], np.ndarray]:
    """Return names and states of the planets, `(8 * samples,)` and `(8 * samples, 7)`."""
    erfa = load_erfa()
    labels, blocks = [], []
    for number, (name, period) in enumerate(PERIODS.items(), start=1):
        times = np.linspace(-periods / 2, periods / 2, samples) * period
        state = erfa.plan94(J2000, times * YEAR, number)
        labels += [name] * samples
        blocks.append(np.column_stack([times, state["p"], state["v"] * YEAR]))
    return labels, np.concatenate(blocks)


def moon_table(samples: int = 3000, days: float = 13588.0, step: float = 0.25, seed: int = 0) -> np.ndarray:
    """Return times, positions, velocities and accelerations of the Moon, `(samples, 10)`."""
    erfa = load_erfa()
    times = np.sort(np.random.default_rng(seed).uniform(0.0, days, samples))
    state = erfa.moon98(J2000, times)
    reach = len(DIFFERENCE) // 2
    shifts = np.arange(-reach, reach + 1) * step
    velocities = erfa.moon98(J2000, times[:, None] + shifts)["v"]
    acceleration = np.einsum("s,tsi->ti", DIFFERENCE, velocities) / step
    return np.column_stack([times, state["p"], state["v"], acceleration])


def stars_table(stars: int = 24, samples: int = 49, seed: int = 0) -> tuple[list[str], np.ndarray]:
    """Return names and directions of the stars, `(stars * samples,)` and `(stars * samples, 4)`."""
    erfa = load_erfa()
    directions = np.random.default_rng(seed).normal(size=(stars, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    times = np.linspace(0.0, 1.0, samples)
    start = 2460310.5
    turns = erfa.c2t06a(start, times, start, times - 69.2 / 86400, 0.0, 0.0)
    tracks = np.einsum("tij,sj->sti", turns, directions)
    labels = [f"star{number:02d}" for number in range(stars) for _ in range(samples)]
    grid = np.tile(times, stars)[:, None]
    return labels, np.hstack([grid, tracks.reshape(-1, 3)])


def table_text(note: str, header: str, values: np.ndarray, labels: Iterable[str] | None = None) -> str:
    """Return the text of a CSV file: commented note, header, rows with twelve significant digits."""
    lines = [f"# {line}" for line in note.splitlines()] + [header]
    rows = [",".join(f"{value:.12g}" for value in row) for row in values]
    if labels is not None:
        rows = [f"{label},{row}" for label, row in zip(labels, rows, strict=True)]
    return "\n".join(lines + rows) + "\n"


def make_files() -> dict[str, bytes]:
    """Return the content of every bundled table, by file name."""
    names, planets = planets_table()
    stars_names, stars = stars_table()
    moon = table_text(MOON_NOTE, "time,x,y,z,vx,vy,vz,ax,ay,az", moon_table())
    return {
        "planets.csv": table_text(PLANETS_NOTE, "planet,time,x,y,z,vx,vy,vz", planets, names).encode(),
        "moon.csv.gz": gzip.compress(moon.encode(), mtime=0),
        "stars.csv": table_text(STARS_NOTE, "star,time,x,y,z", stars, stars_names).encode(),
    }


def main() -> None:
    """Write the tables into the folder given by ``--out``."""
    parser = argparse.ArgumentParser(prog="python -m studies.bundled_data.make_ephemeris")
    parser.add_argument("--out", type=Path, required=True, help="existing folder that receives the files")
    folder = parser.parse_args().out
    if not folder.is_dir():
        raise DataError(f"Expected an existing folder for --out, received {folder}; create it first.")
    for name, content in make_files().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
