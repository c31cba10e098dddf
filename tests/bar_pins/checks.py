"""What a pin may look like."""

import importlib
import math
from collections.abc import Callable

Pin = Callable[[], None]
Judge = Callable[[float], bool]

INSIDE, OUTSIDE = 0.1, 0.1  # how far from its bar a value is judged; a bar that moves by a fifth crosses one of them


def at_most(judge: Judge, bar: float) -> Pin:
    """A judge that passes values up to the bar."""

    def check() -> None:
        assert judge((1 - INSIDE) * bar), f"{(1 - INSIDE) * bar:g} no longer passes"
        assert not judge((1 + OUTSIDE) * bar), f"{(1 + OUTSIDE) * bar:g} passes"

    return check


def at_least(judge: Judge, bar: float) -> Pin:
    """A judge that passes values from the bar on."""
    return at_most(lambda value: not judge(value), bar)


def gives(measure: Callable[[], float], value: float) -> Pin:
    """A number that is proportional to the bar."""

    def check() -> None:
        assert math.isclose(measure(), value, rel_tol=INSIDE), f"{measure():g} is not {value:g}"

    return check


def holds(claim: Callable[[], bool]) -> Pin:
    """A behaviour that only this bar shows."""

    def check() -> None:
        assert claim()

    return check


def stands_at(package: str, name: str, value: float) -> Pin:
    """A bar whose judge would cost too much: whole numbers stand, others stay between 0.9 and 1.1 of ``value``."""

    def check() -> None:
        bar = getattr(importlib.import_module(f"isotropy.{package}.bars"), name)
        assert bar == value if isinstance(value, int) else 0.9 * value < bar < 1.1 * value

    return check


def passes(call: Callable[[], object], refusal: type[Exception]) -> bool:
    """Whether a call is not refused."""
    try:
        call()
    except refusal:
        return False
    return True
