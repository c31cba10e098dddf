"""How much a calculator breaks rotation and inversion, what else it breaks, and where."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ...errors import DataError
from ...quadrature import Rule
from ..structure._properties import Property, as_properties
from ..structure._structure import as_frames, require_frame
from ._ladder import default_rule, ladder
from ._ledger import Ledger
from ._one_frame import Plan, measure_frame
from ._report import ProbeReport

Progress = Callable[[int, int, str], None]


class ProbeStopped(DataError):
    """The calculator failed at a frame; ``report`` holds the frames finished before, or None."""

    def __init__(self, message: str, report: ProbeReport | None) -> None:
        super().__init__(message)
        self.report = report


def probe(
    calculator: Any,
    frames: Any,
    rule: Rule | None = None,
    *,
    properties: Iterable[str | Property] = ("energy", "forces"),
    candidates: Sequence[Rule] | None = None,
    held_out: int = 12,
    seed: int = 0,
    resume: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> ProbeReport:
    """Measure broken symmetry of a force field at some structures.

    With the back-turned response ``z(g) = rho(g)^-1 y(g x)`` and its mean P over the rule, the error is the root mean
    square of ``z - P`` over the orbit, per component. Random elements that no rule has seen give quantiles and the
    largest error, operations that change nothing give the noise floor.

    Parameters
    ----------
    calculator : Calculator or callable
        Of ase, or a function ``atoms -> {name: value}``.
    frames : Atoms or iterable of Atoms
        Structures; not changed.
    rule : Rule, optional
        The reference, ``polyhedral("I").with_inversion()`` if left out. Means are exact up to its degree, errors and
        the spectrum up to half of it.
    properties : iterable of str or Property
        Such as "energy", "forces", "stress", "virial", "dipole"; a Property with its rank for any other output.
    candidates : sequence of Rule, optional
        Rules that are compared with the reference from random orientations; a ladder of polyhedra if left out, none
        if empty.
    held_out : int
        Random elements of O(3).
    seed : int
        Of everything random.
    resume : path, optional
        File of finished frames; what stands there is not computed again.
    progress : callable, optional
        Called with the finished frames, all frames and a word.

    Returns
    -------
    ProbeReport
        Numbers, words, pictures and the cheapest rule for a tolerance.

    Raises
    ------
    DataError
        If a frame or a setting cannot be used; before anything is computed.
    ProbeStopped
        If the calculator fails; finished frames are kept in the file and in the error.

    Examples
    --------
    ::

        report = iso.atoms.probe(calculator, ase.io.read("frames.xyz", ":"))
        print(report)
        report.recommend(energy=1e-3, forces=1e-3)

    References
    ----------
    langer2024probing
    """
    plan = _plan(rule, properties, candidates, held_out, seed)
    listed = as_frames(frames)
    for index, atoms in enumerate(listed):
        require_frame(atoms, index, plan.properties)
    ledger = Ledger(resume, plan.to_dict())
    records = [_record(calculator, listed, index, plan, ledger, progress) for index in range(len(listed))]
    return ProbeReport(plan.to_dict(), tuple(records)).with_warnings()


def _plan(
    rule: Rule | None,
    properties: Iterable[str | Property],
    candidates: Sequence[Rule] | None,
    held_out: int,
    seed: int,
) -> Plan:
    if held_out < 3:
        raise DataError(f"held_out: expected at least 3 random elements, received {held_out}; 12 is usual")
    reference = default_rule() if rule is None else rule
    if len(reference) < 2:
        raise DataError("rule: expected elements to compare, received the identity alone; take a larger rule")
    chosen = ladder(len(reference) // 2) if candidates is None else candidates
    return Plan(reference, as_properties(properties), tuple(chosen), held_out, seed)


def _record(
    calculator: Any, frames: list[Any], index: int, plan: Plan, ledger: Ledger, progress: Progress | None
) -> dict[str, Any]:
    """The record of a frame, from the file or anew."""
    record = ledger.find(index, frames[index])
    if record is None:
        try:
            record = measure_frame(calculator, frames[index], index, plan)
        except DataError as error:
            raise _stopped(error, index, plan, ledger) from error
        ledger.add(record)
    if progress is not None:
        progress(index + 1, len(frames), f"frame {index}")
    return record


def _stopped(error: DataError, index: int, plan: Plan, ledger: Ledger) -> ProbeStopped:
    done = [ledger.records[k] for k in sorted(ledger.records)]
    report = ProbeReport(plan.to_dict(), tuple(done)) if done else None
    where = f"kept in {ledger.path}" if ledger.path else "kept in this error's report; pass resume= for a file"
    return ProbeStopped(f"{error}; {len(done)} finished frames are {where}", report)
