"""Pins of ``isotropy.symmetry.bars``."""

import math
import warnings
from types import SimpleNamespace

import torch

import isotropy as iso
from bar_pins.checks import at_least, at_most, passes
from isotropy.core._linalg import EPSILON, Cut
from isotropy.discover.direct._drift import Drift
from isotropy.discover.evidence import _certificates as certify
from isotropy.discover.evidence._kernel import Kernel
from isotropy.discover.evidence._split import _divide, affine_normal
from isotropy.discover.pairs._from_pairs import _certificates as pair_certificates
from isotropy.enforce._regression import _feasible
from isotropy.enforce._spectrum import Spectrum, decide
from isotropy.errors import DataError
from isotropy.promote._readout import _status
from isotropy.symmetry._readable import readable
from isotropy.symmetry.claims import Interval


def _row(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _is_certified(residual: float = 0.0, defect: float = 0.0) -> bool:
    cut = Cut(1, 100.0, residual, EPSILON, True)
    return _status(cut, SimpleNamespace(closure_defect=lambda: defect), 1.0) == "certified"


def _clear_of_a_small_break(gap: float) -> bool:
    cut = Cut(1, gap, 0.01, 1e-9, True)
    return certify.gap(Kernel(_row(0.01 * gap, 0.01), torch.eye(2), torch.zeros(0, 2), cut)).passed


def _one_digit_will_do(angle: float) -> bool:
    row = torch.tensor([[1.0, 0.5 + 1.25 * angle]], dtype=torch.float64)
    return readable(row, 0 * row, None)[1][0] == 1


def _flows_agree(error: float) -> bool:
    turns, x = iso.so(2).vector(), torch.randn(9, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    one = torch.eye(1, dtype=torch.float64)
    return certify.finite_flow(lambda xi, x: torch.tensor(error), turns, one, x, 0, "{value}").passed


def _is_tangent(off: float) -> bool:
    one = torch.eye(1, dtype=torch.float64)
    return len(_divide(one, one, off * one).tangent) == 1


def _axis_is_empty(roundings: float) -> bool:
    count = 100
    size = roundings * EPSILON * count**0.5
    long, short = _row(*[1, -1] * (count // 2)), _row(*[1, 1, -1, -1] * (count // 4))
    return bool(affine_normal(torch.stack([long, size * short], dim=1)).any())


def _entry_is_zero(residuals: float) -> bool:
    spreads = torch.eye(2, dtype=torch.float64)[:, None]
    drift = Drift(0 * spreads, spreads, _row(1, 1), EPSILON, _row(1, 1), False, 0.05, 0)
    return not drift.rounded(_row(1, 0.01 * residuals)[None], spreads[:0, 0], 0.01, 1.0)[0, 1]


def _zeros(*values: float) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return len(decide(Spectrum(_row(*values), torch.eye(len(values))), "gap", 0.0))


def _needs_no_gap(value: float) -> bool:
    steps = [value, *(6 * value * 5**k for k in range(math.ceil(math.log(0.05 / value, 5)) + 1))]
    return _zeros(*steps) == 1


def _facts_agree(miss: float) -> bool:
    facts, values = torch.eye(2, dtype=torch.float64), _row(1, miss)
    return passes(lambda: _feasible(facts[:1], facts, values), DataError)


def _is_stable(sine: float) -> bool:
    return pair_certificates(Interval(0.0, 0.0, 0.0), 100.0, 1.0, sine, (0.05, 0.05))["stability"].passed


LITERALS = {
    "ABELIAN_MOTION": 0.05,
    "ROUNDINGS": 8.0,
    "MANY_ROUNDINGS": 64.0,
    "TRIVIAL_MOTION": 1e-9,
    "UNCERTAIN_SINES": 2.0,
    "UNCERTAIN_RESIDUALS": 2.0,
    "LEAST_UNCERTAINTY": 1e-6,
    "MOST_NOISE": 0.05,
    "LOOSEST_ZERO": 1e-9,
    "SOLVER_MARGIN": 30.0,
    "SOLVER_FLOOR": 1e-12,
    "KEPT_ELEMENT": 10.0,
    "STREAMED_FLOOR": 1.49e-8,
    "MOST_MISFIT": 1e-7,
    "ZERO_FUNCTION": 1e-6,
    "FUNCTION_FLOOR": 2.22e-13,
    "INVARIANT_ROUNDINGS": 10.0,
    "SELFADJOINT": 1e-12,
    "SAME_EIGENVALUE": 1e-9,
    "LINKED": 1e-7,
    "MOST_SCHUR_RESIDUAL": 1e-9,
}
JUDGED = {
    "MIN_GAP_OF_BROKEN": at_least(_clear_of_a_small_break, 10.0),
    "MOST_CLOSURE_DEFECT": at_most(lambda defect: _is_certified(defect=defect), 0.15),
    "MOST_SINE": at_most(_is_stable, 0.5),
    "MOST_FLOW_ERROR": at_most(_flows_agree, 0.25),
    "MOST_GRADIENT_ERROR": at_most(lambda error: certify.gradient(error).passed, 1 / 3),
    "MOST_TRANSVERSAL": at_most(_is_tangent, 0.1),
    "EMPTY_ROUNDINGS": at_most(_axis_is_empty, 10.0),
    "KEPT_RESIDUALS": at_most(_entry_is_zero, 3.0),
    "MOST_RESIDUAL": at_most(lambda residual: _is_certified(residual=residual), 0.05),
    "ZERO_INVARIANT": at_most(lambda value: _zeros(value, 1.0) == 1, 0.05),
    "INVARIANT_GAP": at_least(lambda gap: _zeros(0.04, 0.04 * gap) == 1, 10.0),
    "EXACT_INVARIANT": at_most(_needs_no_gap, 1e-8),
    "PRINTED": at_most(_one_digit_will_do, 1e-4),
    "MOST_CONTRADICTION": at_most(_facts_agree, 1e-8),
}
