"""Turn ``results/`` into ``docs/studies/broken_symmetry.md``; published figures stand beside with their source."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from isotropy.core._files import write_atomic

from . import bulk_table, trained_table
from .markdown import table
from .run import GRIDS, KT, RESULTS, SYSTEMS

PAGE = Path(__file__).parents[2] / "docs" / "studies" / "broken_symmetry.md"
PUBLISHED = {  # meV, three digits, of the study's archive
    "test": {"0": "5.09", "i": "2.57", "2": "0.558", "2i": "0.284", "3": "0.157"},
    "bulk": {"0": "7.94", "i": "4.88", "2": "1.09", "2i": "0.683", "3": "0.415"},
    "monomer": {"0": "2.82", "i": "1.06", "2": "0.084", "2i": "0.045", "3": "0.015"},
}
DEVIATIONS = {"bulk": "9.55", "monomer": "3.41"}
ICE = {"offset": "-0.057", "relative": "0.0067", "spread": "0.32", "range": "1.10"}
NAMES = {"test": "64 molecules, test set", "bulk": "512 molecules, liquid", "monomer": "one molecule"}


def printed(value: float, like: str) -> str:
    """The value with as many decimals as the published one."""
    return f"{value:.{len(like.partition('.')[2])}f}"


def grids_table(found: dict[str, Any]) -> str:
    """Errors by grid, ours beside the published ones."""
    head = ["grid", *(f"{NAMES[name]} (published)" for name in SYSTEMS)]
    rows = [
        [label, *(f"{printed(found[n]['error'][label], PUBLISHED[n][label])} ({PUBLISHED[n][label]})" for n in SYSTEMS)]
        for label in GRIDS[:-1]
    ]
    return table(head, rows)


def mismatches(found: dict[str, Any]) -> list[str]:
    """Published digits that are not met."""
    pairs = [
        (f"{name}, grid {label}", found["grids"][name]["error"][label], text)
        for name, column in PUBLISHED.items()
        for label, text in column.items()
    ]
    pairs += [(f"{name}, deviation", found["grids"][name]["deviation"], text) for name, text in DEVIATIONS.items()]
    pairs += [(f"ice, {key}", found["ice"][key], text) for key, text in ICE.items()]
    return [f"{what}: {printed(value, text)} for {text}" for what, value, text in pairs if printed(value, text) != text]


def page(found: dict[str, Any]) -> str:
    """The page in Markdown."""
    parts = [HEAD]
    if "grids" in found:
        parts += ["## Energies of a published potential, by grid", GRID_WORDS, grids_table(found["grids"])]
        parts += [_spread_words(found["grids"]), "## Nine cells of ice", _ice_words(found["ice"])]
        missed = mismatches(found)
        parts.append("Every printed digit is met." if not missed else f"Not met: {'; '.join(missed)}.")
    parts += trained_table.sections(found.get("trained", {}))
    parts += bulk_table.sections(found["bulk"]) if "bulk" in found else []
    parts += ["## A field of known average, by rule", FIELD_WORDS, _field_table(found["lab_field"])]
    parts += ["## Evaluations for a band limit", PEER_WORDS, _peer_table(found["peers"])]
    return "\n\n".join(parts) + "\n"


def _spread_words(found: dict[str, Any]) -> str:
    bulk, one = found["bulk"], found["monomer"]
    return (
        f"The plain model's offset from the densest grid deviates by {bulk['deviation']:.2f} meV in the liquid "
        f"(published {DEVIATIONS['bulk']}; {bulk['deviation'] / 1000 / KT:.2f} kT) and by {one['deviation']:.2f} meV "
        f"for one molecule (published {DEVIATIONS['monomer']}; {one['deviation'] / 1000 / KT:.2f} kT). Weighing frames "
        f"by the exponential of the offset would leave {bulk['kish']:.2f} and {one['kish']:.2f} of the samples: a run "
        "of the plain model can be corrected afterwards."
    )


def _ice_words(found: dict[str, Any]) -> str:
    return (
        f"Relaxed energies of {found['cells']} cells, plain minus averaged: an offset of {found['offset']:.3f} meV for "
        f"each molecule (published {ICE['offset']}) that nearly cancels between cells. Relative energies err by "
        f"{found['relative']:.4f} meV (published {ICE['relative']}) where the cells themselves spread by "
        f"{found['spread']:.2f} meV (published {ICE['spread']}) over a range of {found['range']:.2f} meV."
    )


def _field_table(rows: list[dict[str, Any]]) -> str:
    body = [[row["rule"], str(row["evaluations"]), str(row["degree"]), f"{row['error']:.4g}"] for row in rows]
    return table(["rule", "evaluations", "degree", "error (meV)"], body)


def _peer_table(rows: list[dict[str, int]]) -> str:
    head = ["band limit", "here", "metatomic", "i-PI, Legendre", "i-PI, Lebedev"]
    return table(head, [[*map(str, row.values())] for row in rows])


HEAD = """# Broken rotations of a water potential

This page is written by `python -m studies.broken_symmetry.table` from the files of `studies/broken_symmetry/results`.
They come from `python -m studies.broken_symmetry.run --data DIR` and, of the same folder, `trained` and `bulk`. The
energies by grid and of ice are those of the public archive of Langer, Pozdnyakov and Ceriotti, *Probing the effects of
broken symmetries in machine learning* (2024), doi 10.24435/materialscloud:kz-3b, licence CC-BY-4.0."""

GRID_WORDS = """Mean absolute difference of the energy from that of the densest grid, 3i (150 evaluations), in meV for
each structure. In brackets the published figures. Grids are `iso.quadrature.grid("2i")` and so on."""

FIELD_WORDS = """One water molecule in a field fixed in the laboratory, `iso.atoms.lab_field`: every degree is there,
the exact average is known. Root mean square error of the average over all orientations of the molecule.
A sample of orientations gave 1077 (none), 26.6 (T), 0.22 (I)."""


PEER_WORDS = """Rotations that average an energy of a band limit exactly. Two peers, as they build their grids: the
symmetrised calculator of metatomic takes Lebedev points with 2L + 1 turns; i-PI takes Gauss-Legendre grids, or Lebedev
points of order n with n turns, which are exact to n - 1."""


def read_results(folder: Path) -> dict[str, Any]:
    """What the files of a folder say, the published part on top."""
    found: dict[str, Any] = json.loads((folder / RESULTS.name).read_text(encoding="utf-8"))
    others = [path for path in sorted(folder.glob("*.json")) if path.name != RESULTS.name]
    return found | {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in others}


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS.parent, help="folder of results")
    parser.add_argument("--page", type=Path, default=PAGE)
    chosen = parser.parse_args(argv)
    write_atomic(chosen.page, page(read_results(chosen.results)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
