"""The part of the page on a small periodic liquid."""

from collections.abc import Mapping
from typing import Any

from .markdown import table

NAMES = {"density": "g(r) of oxygens", "along": "dipoles along the pair", "across": "dipoles across"}


def sections(found: Mapping[str, Any]) -> list[str]:
    """Paragraphs and tables."""
    return [WORDS.format(**found), _curves(found["curves"]), _numbers(found), PUBLISHED]


def _curves(found: Mapping[str, Any]) -> str:
    head = ["curve", "largest value", "largest difference", "its error", "tolerance", "equal by two one-sided tests"]
    body = [
        [NAMES[name], *(f"{one[key]:.3f}" for key in ("largest", "gap", "error", "tolerance")), _yes(one["equal"])]
        for name, one in found.items()
    ]
    return table(head, body)


def _yes(value: bool) -> str:
    return "yes" if value else "not shown"


def _numbers(found: Mapping[str, Any]) -> str:
    tilt, moves, free = (found[key] for key in ("tilt", "diffusion", "free_energy"))
    return (
        f"Diffusion: {moves['plain'][0]:.3f} (error {moves['plain'][1]:.3f}) plain, {moves['averaged'][0]:.3f} "
        f"({moves['averaged'][1]:.3f}) averaged, in square angstrom for each picosecond. The mean height of dipoles, "
        f"which only a direction of the laboratory can move: {tilt['plain'][0]:.3f} ({tilt['plain'][1]:.3f}) plain, "
        f"{tilt['averaged'][0]:.3f} ({tilt['averaged'][1]:.3f}) averaged, {tilt['weighed'][0]:.3f} "
        f"({tilt['weighed'][1]:.3f}) plain after weighing, which leaves {found['effective']:.2f} of the samples. First "
        f"order, minus the covariance with the offset over kT, predicts {found['expected']:.3f} from the plain run "
        f"alone. The free energy of orientations deviates by {free['plain']:.3f} kT plain and {free['averaged']:.3f} "
        "averaged."
    )


WORDS = """## A small liquid

{boxes} boxes of {molecules} classical flexible waters for {picoseconds:g} ps at 300 K, twice, from the same starts with
the same noise: with a field of the laboratory on every dipole whose energy deviates by {deviation:.2f} kT for each box,
and without it, which is its average over rotations. The published potential deviates by 0.37 kT in a box of 512
molecules: for each molecule the field here is the stronger one by far. Errors are between boxes."""

PUBLISHED = """Published for 512 molecules and 5 ns: g(r), dipole correlations and motions of the plain and the averaged
model coincide to the width of a line; the free energy of orientations stays below 0.03 kT."""
