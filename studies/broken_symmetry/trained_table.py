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


def _orientations(found: Mapping[str, Any]) -> str:
    moments = found["moments"]
    largest = max(moments["run"], key=abs)
    place = moments["run"].index(largest)
    flat = max(abs(value) for value in found["weighed"]["value"])
    return (
        f"{found['samples']} samples of the plain model's runs with a thermostat. Its energy is off from the averaged "
        f"one by {found['deviation']:.3f} kT (standard deviation; published 0.13 for one molecule). The free energy of "
        f"orientations deviates by {found['free_energy']['run']:.3f} kT (error {found['error']:.3f}) where "
        f"{found['free_energy']['predicted']:.3f} kT is predicted from single frames; their correlation over the "
        f"sphere is {found['correlation']:.2f}. The largest of eight moments is {largest:.3f} "
        f"(error {moments['error'][place]:.3f}), predicted {moments['predicted'][place]:.3f}. Weighing frames by the "
        f"offset leaves {found['effective']:.2f} of the samples and moments of at most {flat:.3f}; whether runs equal "
        f"the prediction within 0.1 by two one-sided tests: {_yes(found['run_is_predicted'])}; whether weighed runs "
        f"are flat: {_yes(found['weighed_is_flat'])}."
    )


def _yes(value: bool) -> str:
    return "yes" if value else "not shown"


def _heating(found: Mapping[str, Any]) -> str:
    return (
        f"A new random rotation at every force, no thermostat, {found['picoseconds']:g} ps: each molecule gains "
        f"{found['measured']:.4f} meV/ps (standard error {found['error']:.4f}) where {found['predicted']:.4f} is "
        "predicted from the variance of forces over a rule."
    )


TRAINED = """## A force field trained here

`iso.datasets.water_model()`: the unconstrained transformer `iso.atoms.PointEdgeTransformer`, trained by
`python -m studies.broken_symmetry.training` with random rotations on clusters of two and three waters with energies
and forces of GFN2-xTB (`iso.datasets.waters()`). Mean absolute differences from a rule of degree 9 with inversion, at
random orientations of held-out structures."""

RUNS = """Largest change of the angular momentum over its size, and standard deviation of the energy that should be
kept (the averaged one where forces are averaged; that of random rotations wanders). "T every 10" takes the correction
of the plain force every tenth step of half a femtosecond. Published for 2i every 10: 4.7 evaluations for each step."""
