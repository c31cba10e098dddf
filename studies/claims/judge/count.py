"""What is counted among the lines of the judge set."""

from collections.abc import Callable
from typing import Any

from .answers import TOLERANCE
from .roads import from_samples

Line = dict[str, Any]
Test = Callable[[Line], bool]
SLACK = 2.0  # Monte Carlo standard errors of a truth
EXACT = 1e-5  # defect above which nothing may be called exact
ARITHMETIC = (
    10.0  # unless what is planted exactly has a tenth of it in the judge's own arithmetic, as along trajectories
)


def false(line: Line, slack: float = SLACK) -> bool:
    """Certified, with a true defect, or an effect said to be ignored, above the tolerance by more than its error."""
    above = any(status == "certified" and _above(value, error, slack) for status, value, error in line["spans"])
    return above or (line["status"] == "certified" and _above(*line["quiet"], slack))


def _above(value: float | None, error: float, slack: float) -> bool:
    return value is not None and value - slack * error > TOLERANCE


def strictly_false(line: Line) -> bool:
    """The same without any slack."""
    return false(line, 0.0)


def ignores(line: Line) -> bool:
    """Something is said to be ignored, apart from what is certified."""
    return line["ignored"] > 0


def overlooked(line: Line) -> bool:
    """More motions are said to be ignored than have an effect within the tolerance."""
    return _above(*line["quiet"], SLACK)


def size(line: Line) -> int:
    """Dimension that is found; planted motions that a map ignores may be counted apart, but then all of them."""
    rest = line["planted_silent"]
    apart = line["ignored"] >= rest and line["dimension"] == line["planted_dimension"] - rest
    return line["dimension"] + (rest if apart else 0)


def found(line: Line) -> bool:
    """Certified at the planted dimension."""
    return "error" not in line and line["status"] == "certified" and size(line) == line["planted_dimension"]


def exact_said(line: Line) -> bool:
    """Certified with every generator graded exact."""
    return found(line) and all(grade == "exact" for *_, grade, _ in line["numbers"])


def called_exact(line: Line) -> bool:
    """A certified generator is graded exact, and is broken by more than anybody's arithmetic."""
    floor = max(EXACT, ARITHMETIC * (line["planted"] or 0.0) if line["part"] == "exact" else 0.0)
    pairs = zip(line["numbers"], line["single"], strict=True)
    return line["status"] == "certified" and any(
        numbers[3] == "exact" and true is not None and true > floor for numbers, (true, _) in pairs
    )


def bounded(line: Line) -> list[tuple[float, bool]]:
    """Error, and whether the interval holds the truth within its Monte Carlo error, of every generator with both."""
    held: list[tuple[float, bool]] = []
    for (value, low, high, *_), (true, error) in zip(line["numbers"], line["single"], strict=True):
        if None not in (value, low, high, true):
            held.append((value, low - SLACK * error <= true <= high + SLACK * error))
    return held


def has_interval(line: Line) -> bool:
    """Broken, and at least one generator is bounded."""
    return line["part"] == "broken" and bool(bounded(line))


def covered(line: Line) -> bool:
    """The interval of the worst generator holds its true defect."""
    return max(bounded(line))[1]


def all_covered(line: Line) -> bool:
    """The interval of every generator holds its true defect."""
    return all(holds for _, holds in bounded(line))


def is_kept(line: Line) -> bool:
    """What is planted is truly broken by less than half of the tolerance."""
    return bool(line["planted_dimension"]) and line["planted"] is not None and line["planted"] < TOLERANCE / 2


def missed(line: Line) -> bool:
    """Fewer directions certified than are planted."""
    return line["status"] != "certified" or size(line) < line["planted_dimension"]


def denied(line: Line) -> bool:
    """None is said, with something within half of the tolerance: planted, or any candidate."""
    near = line["least"] is not None and line["least"] <= TOLERANCE / 2
    return line["status"] == "none" and (is_kept(line) or near)


def sampled(line: Line) -> bool:
    """From samples alone."""
    return from_samples(line["road"], line["variant"])


def _and(*tests: Test) -> Test:
    return lambda line: all(test(line) for test in tests)


def _told(line: Line) -> bool:
    return not sampled(line)


def _part(name: str) -> Test:
    return lambda line: line["part"] == name


def _every(line: Line) -> bool:
    return True


WHAT: dict[str, tuple[Test, Test]] = {  # words: which lines, and what is counted among them
    "from samples": (_every, sampled),
    "false certificates": (_every, false),
    "false certificates, from maps": (_told, false),
    "false certificates, from samples": (sampled, false),
    "false certificates, nothing to find": (_part("nothing"), false),
    "false certificates, planted exactly": (_part("exact"), false),
    "false certificates, planted and broken": (_part("broken"), false),
    "false certificates, without slack for the truth": (_every, strictly_false),
    "something said to be ignored, with an effect above the tolerance": (ignores, overlooked),
    "planted exact, from maps: certified, dimension right": (_and(_part("exact"), _told), found),
    "planted exact, from maps: called exact as well": (_and(_part("exact"), _told), exact_said),
    "planted exact, from samples: certified, dimension right": (_and(_part("exact"), sampled), found),
    "called exact, although broken": (_every, called_exact),
    "broken: the interval of the worst generator covers": (has_interval, covered),
    "broken: the intervals of all generators cover": (has_interval, all_covered),
    "broken, from maps: the interval of the worst generator covers": (_and(has_interval, _told), covered),
    "broken, from samples: the interval of the worst generator covers": (_and(has_interval, sampled), covered),
    "missed below half the tolerance, from maps": (_and(is_kept, _told), missed),
    "missed below half the tolerance, from samples": (_and(is_kept, sampled), missed),
    "none, although something is within half the tolerance": (lambda line: line["status"] == "none", denied),
}
EACH_ROAD: dict[str, tuple[Test, Test]] = {
    "false": (_every, false),
    "exact kept": (_part("exact"), found),
    "covered": (has_interval, covered),
    "missed": (is_kept, missed),
    "none wrongly": (lambda line: line["status"] == "none", denied),
}


def count(lines: list[Line], tests: tuple[Test, Test]) -> list[int]:
    """How many of the lines that are asked about pass; what is planted is not found where a road ends in an error."""
    failed = tests[1] in (found, exact_said)
    chosen = [line for line in lines if (failed or "error" not in line) and tests[0](line)]
    return [sum(map(tests[1], chosen)), len(chosen)]
