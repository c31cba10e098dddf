"""A claim in a sentence, with its numbers."""

from __future__ import annotations

from . import bars
from ._claim import Claim


def sentence(claim: Claim, doubt: str) -> str:
    """What is claimed, how sure, and what speaks against more."""
    about = f"{_number(claim.span.value)} of what chance would give{_limits(claim)}"
    if claim.status == "none":
        text = f"Every candidate is broken: the least by {about}, above the tolerance {claim.tolerance:g}."
    elif claim.status == "undecided":
        text = f"Undecided: {doubt or 'the map responds to no candidate'}."
        text += f" The worst of {_count(claim)} is broken by {about}." if len(claim.directions) else ""
    elif "approximate" not in claim.grades:
        text = f"{_count(claim).capitalize()} exact, broken by no more than rounding, {claim.floor:.1g}."
        text += f" More are within the tolerance {claim.tolerance:g}, but {doubt}." if doubt else ""
    else:
        text = f"The worst of {_count(claim)} is broken by {about}, within the tolerance {claim.tolerance:g}."
        excluded = claim.span.lower > claim.floor
        text += " The data exclude an exact symmetry." if excluded else " The data allow an exact symmetry."
    return text + _ignored(claim)


def _ignored(claim: Claim) -> str:
    """What is known of motions that have no defect, as nothing answers to them."""
    count = len(claim.ignored)
    if not count:
        return ""
    directions = f"{count} further direction{'s' * (count > 1)}"
    if claim.ignored_effect <= bars.IGNORED:
        return f" The map does not respond to {directions}."
    return (
        f" It changes by at most {_number(claim.ignored_effect)} of its spread under one standard deviation of motion "
        f"along {directions}, counted as ignored."
    )


def _count(claim: Claim) -> str:
    size = len(claim.directions)
    verb = "" if claim.status != "certified" or "approximate" in claim.grades else (" are" if size > 1 else " is")
    return f"{size} generator{'s' * (size > 1)}{verb}"


def _limits(claim: Claim) -> str:
    if not claim.span.known:
        return ""
    return f" ({1 - claim.level:.0%}: {_number(claim.span.lower)} to {_number(claim.span.upper)})"


def _number(value: float) -> str:
    if value >= 1:
        return f"{100 * value:.0f} %"
    return f"{100 * value:.2g} %" if value >= 1e-4 or not value else f"{value:.1e}"
