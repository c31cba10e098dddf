"""Roads that ask what a motion conserves: polynomials, and charges of Noether."""

import math
from typing import Any

import torch
from torch import Tensor

import isotropy as iso
from isotropy.discover import ConservedQuantities, FromNoether

from .. import truth
from ..answers import describe, line, said
from ..families.draws import Draw, tensor
from ..families.laws import LAWS
from ..families.mechanics import Motion, in_dictionary, motion
from ..families.paths import integrate, starts
from ..families.potentials import potential
from ..question import Run
from ..truth import Parts, by_paths
from .flows import LENGTH, PATHS, planted_in
from .problem import FRESH

DAMPED = 0.7  # so much that nothing is conserved
TURNS = 10.0  # about the time of a trajectory, along which a break adds up


def _motion(run: Run, draw: Draw, time: float = 1.0) -> tuple[Motion, Tensor]:
    return motion(draw, run.family, DAMPED if run.part == "nothing" else run.broken / time)


def _line(found: Any, within: Tensor, overall: Tensor, planted: Tensor | None) -> dict[str, Any]:
    """What is said, and drifts from rows `(S, q, terms)` of what functions do and of how they vary."""
    one = said(found)
    return {
        **describe(one),
        "spans": [[one.status, *_drift(within, overall, one.span)]],
        "single": [_drift(within, overall, row[None]) for row in one.span],
        "quiet": [None, 0.0],
        "least": None,
        "planted": None if planted is None else _drift(within, overall, planted)[0],
        "planted_dimension": None if planted is None else len(planted),
        "planted_silent": 0,
    }


def _drift(within: Tensor, overall: Tensor, span: Tensor) -> tuple[float | None, float]:
    """Drift of the worst member of a span, and its Monte Carlo error."""
    if not len(span):
        return None, 0.0
    changes, spreads = within @ span.T, overall @ span.T
    pieces = [truth.ratio(changes[i :: truth.PARTS], spreads[i :: truth.PARTS]) or 0.0 for i in range(truth.PARTS)]
    return truth.ratio(changes, spreads), float(tensor(pieces).std()) / math.sqrt(truth.PARTS)


def ask_conserved_field(run: Run, draw: Draw) -> dict[str, Any]:
    """Polynomials that a known field conserves: ``|dh(v)|`` times the time of one turn, in spreads of ``h``."""
    moving, change = _motion(run, draw)
    law = LAWS[run.law](draw, moving.size)
    middle, half = moving.start.mean(0), (moving.start[1] - moving.start[0]) / 2
    x, fresh = ((law.sample(draw, count) * half + middle) @ change.T for count in (run.samples, FRESH))
    found = ConservedQuantities(iso.dictionary.polynomials(moving.size, degree=moving.degree))
    found.fit_field(moving.field, x)
    velocity, values = moving.field(fresh), found.dictionary.evaluate(fresh)
    rates = torch.einsum("sdn,sn->sd", found.dictionary.jacobian(fresh), velocity)
    planted = None if run.part == "nothing" else in_dictionary(moving, found.dictionary, fresh)
    return _line(found, _turn(fresh, velocity) * rates[:, None], (values - values.mean(0))[:, None], planted)


def _turn(x: Tensor, velocity: Tensor) -> float:
    """``2 pi`` sizes of states about their mean over sizes of velocities, both in standard deviations."""
    root = torch.linalg.cholesky(torch.cov(x.T, correction=0))
    speed = torch.linalg.solve_triangular(root, velocity.T, upper=False).square().sum(0).mean().sqrt()
    return 2 * math.pi * math.sqrt(x.shape[1]) / float(speed)


def ask_conserved_paths(run: Run, draw: Draw) -> dict[str, Any]:
    """Polynomials that trajectories conserve: the change along fresh ones, in spreads over all of them."""
    moving, change = _motion(run, draw, TURNS)
    states, fresh = (
        integrate(moving.field, starts(draw, moving.start, change, count), moving.step, LENGTH)
        for count in (run.samples // LENGTH, PATHS)
    )
    found = ConservedQuantities(iso.dictionary.polynomials(moving.size, degree=moving.degree)).fit(list(states))
    values = found.dictionary.evaluate(fresh.flatten(0, 1)).unflatten(0, fresh.shape[:2])
    planted = None if run.part == "nothing" else in_dictionary(moving, found.dictionary, fresh.flatten(0, 1))
    return _line(found, _along(values), (values - values.mean((0, 1))) / math.sqrt(LENGTH), planted)


def _along(values: Tensor) -> Tensor:
    """Rows `(paths, 1 + times, terms)`: the change of a straight line through the values, and their scatter."""
    scatter = values - values.mean(1, keepdim=True)
    time = torch.linspace(-0.5, 0.5, values.shape[1], dtype=torch.float64)
    line_ = torch.einsum("t,ptk->pk", time, scatter) / time.square().sum()
    return torch.cat([line_[:, None], scatter / math.sqrt(values.shape[1])], 1)


def ask_noether(run: Run, draw: Draw) -> dict[str, Any]:
    """Trajectories of unit masses in a potential; charges are judged by how they vary along fresh ones.

    Each trajectory is seen in its own size and speed, so that all weigh the same.
    """
    kept = potential(draw, run.family, run.broken)
    count, action = run.samples // LENGTH, iso.gl(kept.size).vector()
    begin = [tensor(draw.uniform(-1.3, 1.3, (many, 2 * kept.size))) for many in (count, PATHS)]
    states, fresh = (integrate(kept.field, start, kept.step, LENGTH) for start in begin)
    found = FromNoether(action).fit(list(states))
    q, v = (part / part.square().sum(2).mean(1).sqrt()[:, None, None] for part in fresh.split(kept.size, 2))
    moved = action.fields(q.flatten(0, 1)).unflatten(0, q.shape[:2])
    charges = torch.einsum("ptn,ptdn->ptd", v, moved)
    varied, slopes, moved, at = map(by_paths, (charges - charges.mean(1, keepdim=True), v, moved, q))
    parts = Parts(varied[:, None], slopes[:, None], moved, points=at)
    return line(said(found), parts, planted_in(action, kept.generators))
