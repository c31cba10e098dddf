"""Write the bundled record of the Earth's pole from the tables of the Earth rotation service (IERS).

Run ``python -m studies.bundled_data.make_polar_motion --out DIR``; needs ``pip install astropy-iers-data``, a package
that holds the tables and little else. The span is fixed, so later versions write the same days; the service may have
revised the values.
"""

import argparse
import gzip
from pathlib import Path
from types import ModuleType

import numpy as np

from isotropy.errors import DataError, MissingExtraError

FIRST, LAST, STEP = 37665, 61041, 10  # modified Julian days: 1962-01-01 to before 2026-01-01
MJD, X, Y = 4, 5, 6  # columns of the table

NOTE = """Position of the pole of rotation of the Earth in its crust (ITRF), every tenth day at 0h UTC.
Measured: by telescopes on the stars at first, by satellites and laser ranging to the Moon from the seventies,
by radio telescopes (VLBI) and satellite navigation from the eighties. Stated errors: 0.03 arcsec in 1962,
0.002 in 1980, below 0.0001 since 2000. Solution 20 C04 of the IERS (Paris Observatory; Bizouard et al. 2019),
values as published, taken from the package astropy-iers-data {version} (BSD licence).
mjd: modified Julian day; x, y: arcsec, x towards Greenwich, y towards 90 degrees west.
"""


def load_tables() -> ModuleType:
    """Import the package of the tables, or name it."""
    try:
        import astropy_iers_data  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError(
            "Expected the package astropy-iers-data, which is not installed; run pip install astropy-iers-data."
        ) from error
    return astropy_iers_data


def read_pole(path: Path) -> np.ndarray:
    """Return days and positions `(rows, 3)` of the bundled span from a table in the format of C04.

    Raises
    ------
    DataError
        The table does not hold every day of the span.
    """
    rows = np.loadtxt(path, comments="#", usecols=(MJD, X, Y), ndmin=2)
    kept = rows[np.isin(rows[:, 0], np.arange(FIRST, LAST, STEP))]
    expected = len(range(FIRST, LAST, STEP))
    if len(kept) != expected or not (np.diff(kept[:, 0]) == STEP).all():
        raise DataError(
            f"{path}: expected the {expected} days {FIRST}, {FIRST + STEP}, ... before {LAST}, received {len(kept)} "
            "of them; take a table that begins in 1962 and ends after 2025."
        )
    return kept


def make_file() -> bytes:
    """Return the content of the bundled record."""
    tables = load_tables()
    lines = [f"# {line}" for line in NOTE.format(version=tables.__version__).splitlines()] + ["mjd,x,y"]
    lines += [f"{int(day)},{x:.6f},{y:.6f}" for day, x, y in read_pole(Path(tables.IERS_B_FILE))]
    return gzip.compress(("\n".join(lines) + "\n").encode(), mtime=0)


def main() -> None:
    """Write the record into the folder given by ``--out``."""
    parser = argparse.ArgumentParser(prog="python -m studies.bundled_data.make_polar_motion")
    parser.add_argument("--out", type=Path, required=True, help="existing folder that receives the file")
    folder = parser.parse_args().out
    if not folder.is_dir():
        raise DataError(f"Expected an existing folder for --out, received {folder}; create it first.")
    (folder / "polar_motion.csv.gz").write_bytes(make_file())


if __name__ == "__main__":
    main()
