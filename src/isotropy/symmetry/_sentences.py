"""The answer in plain words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple


class Check(NamedTuple):
    """One row of the table of certificates."""

    name: str
    question: str
    words: str
    value: str
    needed: str
    passed: bool


# name, what it asks, what to try when it fails
_CHECKS = {
    "gap": (
        "Gap in the spectrum",
        "Do the symmetric directions stand clearly apart from the broken ones?",
        "take more samples or reduce their noise, so that the gap rises above the noise",
    ),
    "held_out": (
        "Held-out residual",
        "Does the symmetry hold on samples that were not used to find it?",
        "take more samples, or fit the surrogate model with fewer parameters",
    ),
    "closure": (
        "Closed under the bracket",
        "Is the bracket of two generators again one of them, as in every Lie algebra?",
        "look at the spectrum: one direction too many or too few is a common reason",
    ),
    "finite_flow": (
        "Finite moves",
        "Does the symmetry hold after moving a long way, not only a little?",
        "sample a wider region, so that the moved points stay where there are data",
    ),
    "tolerance": (
        "Within the tolerance",
        "How much is the worst of these motions broken at most, measured by what chance would give?",
        "accept a larger tolerance, or take more samples where the interval is wide",
    ),
    "gradient": (
        "Gradient of the map",
        "Do the samples determine how the map changes, without assuming a shape that is symmetric anyway?",
        "take more samples or reduce their noise, so that the map can be learnt",
    ),
    "stability": (
        "Stable under resampling",
        "Do other halves of the data give the same answer?",
        "take more samples, spread over all directions",
    ),
    "identifiability": (
        "Entries determined by the data",
        "Do the data extend far enough in every direction to fix the entries of the generators?",
        "take data that extend further in every direction, bring columns to one scale, or search fewer candidates",
    ),
}

_KINDS = {
    "so(1,3)": "rotations and Lorentz boosts",
    "so(": "rotations",
    "se(": "rotations and shifts",
    "sl(": "moves that keep volumes",
    "sp(": "moves that keep the symplectic form",
    "su(": "complex rotations of unit determinant",
    "u(": "complex rotations",
    "scaling": "scalings",
    "translation": "shifts",
    "galilei": "rotations, shifts and Galilei boosts",
    "gl(": "all linear moves",
    "aff": "all affine moves",
}

_TRY_NONE = (
    "Widen the candidates: affine ones find symmetries about another centre, polynomial ones curved flows.",
    "Add the columns that move together. A symmetry that turns a vector needs all its components.",
    "Bring the columns of one vector to one unit. Scaling each column by its spread hides rotations.",
    "If a surrogate model was fitted, look at its error first: a poor fit has no symmetry.",
)

_MOST_LINES, _MOST_LETTERS = 6, 100  # generators that a summary lists, and of each

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: Any) -> str:
    """Return a number as people write it, with a true minus sign and powers of ten."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "undefined"
    if isinstance(value, float) and math.isinf(value):
        return "−∞" if value < 0 else "∞"
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    power = " × 10" + str(int(exponent)).translate(_RAISED) if exponent else ""
    return mantissa.replace("-", "−") + power


def count(amount: int, thing: str) -> str:
    """Return an amount with its noun, as in 1 direction, 2 directions."""
    return f"{amount} {thing}{'' if amount == 1 else 's'}"


def checks(answer: Mapping[str, Any]) -> list[Check]:
    """Return one row per certificate, known ones first."""
    given = answer["certificates"]
    order = [name for name in _CHECKS if name in given] + [name for name in given if name not in _CHECKS]
    return [_check(name, given[name]) for name in order]


def _check(name: str, given: Mapping[str, Any]) -> Check:
    """Return one row."""
    title, question, _ = _CHECKS.get(name, (name.replace("_", " ").capitalize(), "", ""))
    words, passed = str(given.get("words") or ""), bool(given["passed"])
    return Check(title, question, words, number(given.get("value")), needed(given), passed)


def needed(given: Mapping[str, Any]) -> str:
    """Return the bar of a certificate, as in at most 0.5; the outcome tells on which side it lies."""
    value, threshold, passed = given.get("value"), given.get("threshold"), bool(given["passed"])
    if threshold is None or value == threshold:
        return "" if threshold is None else number(threshold)
    above = value is None or value > threshold  # JSON knows no infinity
    return ("at least " if above == passed else "at most ") + number(threshold)


def kind(name: str | None) -> str:
    """Return what an algebra of this name does, or nothing."""
    text = (name or "").replace(" ", "")
    return next((words for prefix, words in _KINDS.items() if text.startswith(prefix) and "+" not in text), "")


def headline(answer: Mapping[str, Any]) -> str:
    """Return the answer in one sentence: dimension, name, how sure."""
    name, candidates = answer.get("name"), answer["candidates"]
    if answer["status"] == "none":
        return f"No continuous symmetry was found among the candidates {candidates}."
    found = f"a {answer['dimension']}-dimensional continuous symmetry"
    placed = f"{name} {answer['where']}" if answer.get("where") else name
    what = f"{placed}, the {kind(name)}" if kind(name) else placed
    rows = checks(answer)
    failed = [row.name.lower() for row in rows if not row.passed]
    if answer["status"] == "certified" and answer.get("orders"):
        steps = " and ".join(map(str, answer["orders"]))
        return f"There are single motions that keep the law and come back after {steps} steps. " + (
            f"They passed {_passed(len(rows) - len(failed), len(rows))}."
        )
    if answer["status"] == "certified":
        named = f": {what}" if what else ""
        return f"There is {found}{named}. It passed {_passed(len(rows) - len(failed), len(rows))}."
    if not answer["dimension"]:
        return f"Undecided: the data neither show nor exclude a symmetry among the candidates {candidates}."
    closest = f", most like {what}," if what else ""
    return f"Undecided: {found}{closest} is possible, but {_failed(failed, len(rows))}."


def claimed(answer: Mapping[str, Any]) -> str:
    """Return the claim with its numbers, in a sentence or two; nothing where the road bounds no error."""
    check = answer["certificates"].get("tolerance")
    return str(check["words"]) if check else ""


def _passed(amount: int, total: int) -> str:
    """Return how many checks were passed."""
    return f"all {total} checks" if amount == total else f"{amount} of {total} checks"


def _failed(failed: list[str], total: int) -> str:
    """Return which checks were not passed."""
    if not failed:
        return "the checks do not settle it"
    return f"{len(failed)} of {total} checks failed ({', '.join(failed)})"


def summary(answer: Mapping[str, Any]) -> list[str]:
    """Return the answer in under twelve lines: verdict, generators with their errors, checks, samples."""
    fields, known = list(answer["vector_fields"]), list(answer["generators"])
    lines = [f"{'Certified. ' if answer['status'] == 'certified' else ''}{headline(answer)}"]
    lines += [claimed(answer)] if claimed(answer) and answer["status"] != "undecided" else []
    lines += [f"  {_shortened(text)}{_extent(one)}" for text, one in zip(fields[:_MOST_LINES], known, strict=False)]
    if len(fields) > _MOST_LINES:
        lines.append(f"  ... and {len(fields) - _MOST_LINES} more")
    failed = [row for row in checks(answer) if not row.passed]
    lines += [f"  failed: {row.words} (needed: {row.needed})" for row in failed[:2]]
    return [*lines, _found_on(answer)]


def _shortened(text: str) -> str:
    """Return a generator cut to a line; those of pictures have thousands of terms."""
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 4]} ..."


def _extent(generator: Mapping[str, Any]) -> str:
    """Return the error of one generator, with its interval where there is one."""
    error, lower, upper = (generator[key] for key in ("error", "lower", "upper"))
    if _unknown(error):
        return ""
    within = "" if _unknown(lower) or _unknown(upper) else f" [{number(lower)}, {number(upper)}]"
    return f"   broken by {number(error)}{within}"


def _unknown(value: Any) -> bool:
    """Return whether a number is missing."""
    return value is None or math.isnan(value)


def _found_on(answer: Mapping[str, Any]) -> str:
    """Return where and how the answer was found, in one line."""
    domain, names = answer["domain"], answer.get("coordinates")
    columns = f" of {', '.join(names)}" if names else ""
    samples = f"on {domain['samples']} samples{columns}" if domain["samples"] else "on samples that were not kept"
    derivative = f" ({answer['derivative']})" if answer["derivative"] else ""
    return f"Found {samples} by {answer['method']}{derivative} among {answer['candidates']}."


def cut(answer: Mapping[str, Any]) -> str:
    """Return what the picture of the spectrum shows, in one sentence."""
    below, values = answer["cut"], answer["spectrum"]
    if not below:
        return "None of them stands apart as a symmetry."
    if below == len(values):
        return "All of them count as symmetries."
    verb = "lies" if below == 1 else "lie"
    return f"{count(below, 'direction')} {verb} below the cut, {len(values) - below} above it."


def shows_nothing(answer: Mapping[str, Any]) -> bool:
    """Whether an answer is undecided and has no direction or element that may be one."""
    return answer["status"] == "undecided" and not answer.get("dimension") and not answer.get("orders")


def meaning(answer: Mapping[str, Any]) -> str:
    """Return what the status means."""
    if answer["status"] == "certified" and answer.get("orders"):
        return "Each of these motions, and each of its powers, leaves the law unchanged, to the accuracy of the checks."
    if answer["status"] == "certified" and claimed(answer):
        return f"Moving the samples along any of the generators below hardly changes the law. {claimed(answer)}"
    if answer["status"] == "certified":
        return (
            "Moving the samples along any of the generators below leaves the law behind them unchanged, "
            "to the accuracy of the checks."
        )
    if shows_nothing(answer):
        return "Nothing can be said of any direction, for or against. More or better data can decide it."
    if answer["status"] == "undecided":
        return (
            "A direction looks symmetric, but not every check agrees. Do not build on this answer: it may be "
            "right, it may be noise. More or better data can decide it."
        )
    smallest = min(answer["spectrum"], default=None)
    broken = claimed(answer) or "Every direction among the candidates changes the answer."
    if smallest is not None and not claimed(answer):
        broken += f" The least broken direction still has a relative residual of {number(smallest)}."
    return (
        f"{broken} This is a result, not a failure; "
        "it does not exclude discrete symmetries, or moves outside the candidates."
    )


def advice(answer: Mapping[str, Any]) -> list[str]:
    """Return what to try next: nothing for a certified answer."""
    if answer["status"] == "certified":
        return []
    if answer["status"] == "none":
        return list(_TRY_NONE)
    failed = [name for name, given in answer["certificates"].items() if not given["passed"]]
    tips = [f"{_CHECKS[name][0]}: {_CHECKS[name][2]}." for name in failed if name in _CHECKS]
    return tips or ["Take more samples, spread over all directions, and run the discovery again."]


def limits(answer: Mapping[str, Any]) -> list[str]:
    """Return sentences on what the data cannot identify."""
    sentences = [str(sentence) for sentence in answer.get("limits") or ()]
    if answer.get("trivial"):
        directions = count(answer["trivial"], "direction")
        sentences.append(f"{directions} moved no sample at all, so the data cannot say whether this is a symmetry.")
    if answer.get("transversal"):
        directions = count(answer["transversal"], "direction")
        sentences.append(f"{directions} led off the set the samples lie on, to where nothing was observed.")
    sentences.append(
        f"Only continuous symmetries among the candidates {answer['candidates']} were tested. Reflections, "
        "permutations and other discrete moves are invisible to this method."
    )
    return sentences
