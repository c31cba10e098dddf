"""The part of the page on the trained force field."""

from collections.abc import Mapping
from typing import Any

from .markdown import table

SPEC = "Published, for a larger potential of the same kind: 11.8 meV/A plain, 3.0 with i, 0.34 with 2, 0.15 with 2i."


def sections(found: Mapping[str, Any]) -> list[str]:
    """Paragraphs and tables of the stages that are there."""
    parts: list[str] = []
    if "errors" in found:
        parts += [TRAINED, _accuracies(found["errors"]), _errors(found["errors"]), SPEC, _falls(found["errors"])]
    runs = {key.removeprefix("run, "): one for key, one in found.items() if key.startswith("run, ")}
    if runs:
        parts += ["## One molecule on its own for 1.5 ps", RUNS, _runs(runs)]
    if "relaxed" in found:
        parts += ["## Relaxed clusters", _relaxed(found["relaxed"])]
    if "orientations" in found:
        parts += ["## Orientations at 300 K", _orientations(found["orientations"])]
    if "heating" in found:
        parts += ["## Heating by random rotations", _heating(found["heating"])]
    return parts


def _accuracies(found: Mapping[str, Any]) -> str:
    words = "; ".join(
        f"{name}s: {one['accuracy'][1]:.1f} meV/A (references deviate by {one['accuracy'][2]:.0f})"
        for name, one in found.items()
    )
    return f"Mean absolute errors of its forces against the references of runs that it has not seen: {words}."


def _errors(found: Mapping[str, Any]) -> str:
    """Energies and forces by rule, for each kind of cluster."""
    head = ["rule", "evaluations", *(f"{name}, {what}" for name in found for what in ("energy (meV)", "force (meV/A)"))]
    rules = next(iter(found.values()))["rules"]
    body = [
        [
            rule,
            str(one["evaluations"]),
            *(f"{found[name]['rules'][rule][what]:.3g}" for name in found for what in ("energy", "forces")),
        ]
        for rule, one in rules.items()
    ]
    return table(head, body)


def _falls(found: Mapping[str, Any]) -> str:
    rules = found["monomer"]["rules"]
    falls = [rules["none"]["forces"] / rules[name]["forces"] for name in ("T", "I")]
    return (
        f"Forces of one molecule, which the training never saw alone, break rotations {falls[0]:.0f} times less with "
        f"12 rotations and {falls[1]:.2g} times less with 60. The torque of the plain model is "
        f"{found['monomer']['torque']:.2f} meV for one molecule and {found['dimer']['torque']:.2f} meV for two."
    )


def _runs(runs: Mapping[str, Any]) -> str:
    head = ["forces", "evaluations for each step", "angular momentum, relative", "energy (meV)"]
    body = [
        [kind, f"{one['evaluations']:.1f}", f"{one['angular']:.2g}", f"{one['deviation']:.2f}"]
        for kind, one in runs.items()
    ]
    return table(head, body)


def _relaxed(found: Mapping[str, Any]) -> str:
    return (
        f"{found['clusters']} held-out clusters of two waters, relaxed by the plain and by the averaged force field "
        f"(T). Plain minus averaged: an offset of {found['offset']:.3f} meV for each molecule; relative energies err "
        f"by {found['relative']:.3f} meV where the clusters themselves spread by {found['spread']:.2f} meV. Published "
        "for nine cells of ice: -0.057, 0.0067 and 0.32 meV."
    )


def _orientations(found: Mapping[str, Any]) -> str:
    run, error, predicted = (found["moments"][key] for key in ("run", "error", "predicted"))
    weighed = max(map(abs, found["weighed"]["value"]))
    return (
        f"{found['samples']} samples of the plain model with a thermostat. Its energy deviates from the averaged one "
        f"by {found['deviation']:.3f} kT (published for one molecule: 0.13), too little to be seen: of eight moments "
        f"of orientations (degrees 1 and 2, of unit mean square) none exceeds {max(map(abs, run)):.3f}, with errors "
        f"up to {max(error):.3f}, and none exceeds {max(map(abs, predicted)):.3f} as predicted from single frames. "
        f"Within 0.1 by two one-sided tests, the run is flat: {_yes(found['run_is_flat'])}; it is as predicted: "
        f"{_yes(found['run_is_predicted'])}. Weighing frames by the offset leaves {found['effective']:.4f} of the "
        f"samples and no moment above {weighed:.3f}."
    )


def _yes(value: bool) -> str:
    return "yes" if value else "not shown"


def _heating(found: Mapping[str, Any]) -> str:
    away = abs(found["measured"] - found["predicted"]) / found["error"]
    return (
        f"A new random rotation at every force, no thermostat, {found['picoseconds']:g} ps: the variance of forces "
        f"over a rule predicts {found['predicted']:.3f} meV/ps for each molecule. {found['measured']:.2f} are measured "
        f"with a standard error of {found['error']:.2f}: {away:.1f} errors away, and no more than a bound, since "
        f"energies wander by {found['walk']:.1f} meV meanwhile. A stronger field, in the tests, shows the predicted "
        "power within three errors."
    )


TRAINED = """## A force field trained here

`iso.datasets.water_model()`: the unconstrained transformer `iso.atoms.PointEdgeTransformer`, trained by
`python -m studies.broken_symmetry.training` with random rotations on clusters of two and three waters with energies
and forces of GFN2-xTB (`iso.datasets.waters()`). Mean absolute differences from a rule of degree 9 with inversion, at
random orientations of held-out structures."""

RUNS = """Largest change of the angular momentum over its size, and standard deviation of the energy that should be
kept (the averaged one where forces are averaged; that of random rotations wanders). "T every 10" takes the correction
of the plain force every tenth step of half a femtosecond. Published for 2i every 10: 4.7 evaluations for each step."""
