"""Roads that ask about motion in time: fields, trajectories, conserved quantities and charges."""

import math
from typing import Any

import torch
from torch import Tensor

import isotropy as iso
from isotropy.discover import ConservedQuantities, FromDynamics, FromNoether, LaLiGAN
from isotropy.discover.games._adversary import Plan

from . import truth
from .answers import Said, line, said
from .ask_maps import FRESH, map_parts
from .draws import Draw, tensor
from .laws import LAWS
from .mechanics import MOTIONS, in_dictionary, potential, seen, state_frame
from .planted import coefficients
from .question import Run
from .systems import integrate, make, trajectories
from .truth import Parts

LENGTH = 60  # samples of a trajectory


def ask_field(run: Run, draw: Draw) -> dict[str, Any]:
    """A vector field that can be evaluated."""
    system, change = make(draw, run.part, run.family, run.broken)
    law = LAWS[run.law](draw, system.size)
    middle, half = system.start.mean(0), (system.start[1] - system.start[0]) / 3

    def sample(count: int) -> Tensor:
        return (law.sample(draw, count) * half + (middle if run.part == "nothing" else 0)) @ change.T

    action = iso.gl(system.size).vector()
    x, fresh = sample(run.samples), sample(FRESH)
    found = FromDynamics(action).fit_field(system.field, x)
    parts = map_parts(system.field, fresh, action, action.tangent(), (system.size,))
    return line(said(found), parts, _planted(action, system.generators))


def _planted(action: Any, generators: Tensor) -> Tensor | None:
    padded = torch.nn.functional.pad(generators, (0, 1, 0, 1))
    return coefficients(action.algebra, padded) if len(generators) else None


def ask_paths(run: Run, draw: Draw) -> dict[str, Any]:
    """Noisy trajectories of a vector field that is not told."""
    system, change = make(draw, run.part, run.family, run.broken)
    count = run.samples // LENGTH
    states = trajectories(draw, system, change, count, LENGTH)
    fresh = trajectories(draw, system, change, FRESH // LENGTH, LENGTH).flatten(0, 1)
    times = [system.step * torch.arange(LENGTH, dtype=torch.float64)] * count
    noisy = states + run.noise * states.flatten(0, 1).std(0) * tensor(draw.normal(size=tuple(states.shape)))
    action = iso.gl(system.size).vector()
    found = FromDynamics(action, kinds=["polynomial", "kernel-gaussian"], seed=run.seed).fit(list(noisy), times)
    parts = map_parts(system.field, fresh, action, action.tangent(), (system.size,))
    return line(said(found), parts, _planted(action, system.generators)) | {"kind": found.symmetry_.derivative}


# -- conserved quantities ----------------------------------------------------------------------------------------------


def _motion(run: Run, draw: Draw) -> tuple[Any, Tensor]:
    """A mechanical system in a random frame; nothing is one that is damped so much that nothing is conserved."""
    damp = 0.7 if run.part == "nothing" else run.broken
    free = MOTIONS[run.family](draw, damp)
    change = state_frame(draw, free.size)
    return seen(free, change), change


def _conserved_line(found: Any, motion: Any, fresh: Tensor, run: Run) -> tuple[dict[str, Any], Tensor]:
    """Rates of change, relative to those along velocities of other samples; constants play no part."""
    dictionary = found.dictionary
    slopes, velocity = dictionary.jacobian(fresh), motion.field(fresh)[:, None]
    parts = Parts(torch.einsum("sdn,smn->smd", slopes, velocity), velocity, slopes)
    planted = None if run.part == "nothing" else in_dictionary(motion, dictionary, fresh)
    one = said(found)
    return line(one, parts, planted), one.span


def ask_conserved_field(run: Run, draw: Draw) -> dict[str, Any]:
    """Polynomials that a known field conserves."""
    motion, change = _motion(run, draw)
    law = LAWS[run.law](draw, motion.size)
    x, fresh = (law.sample(draw, count) @ change.T for count in (run.samples, FRESH))
    found = ConservedQuantities(iso.dictionary.polynomials(motion.size, degree=motion.degree))
    found.fit_field(motion.field, x)
    return _conserved_line(found, motion, fresh, run)[0]


def ask_conserved_paths(run: Run, draw: Draw) -> dict[str, Any]:
    """Polynomials that trajectories conserve; their drift along fresh ones is what is true of them."""
    motion, change = _motion(run, draw)
    count = run.samples // LENGTH
    starts = [tensor(draw.uniform(-1.3, 1.3, (many, motion.size))) @ change.T for many in (count, FRESH // LENGTH)]
    states, fresh = (integrate(motion.field, start, motion.step, LENGTH) for start in starts)
    found = ConservedQuantities(iso.dictionary.polynomials(motion.size, degree=motion.degree)).fit(list(states))
    known, span = _conserved_line(found, motion, fresh.flatten(0, 1), run)
    rates, single = known["spans"], known["single"]
    known["spans"] = [[known["status"], *_drift(found.dictionary, span, fresh), None]]
    known["single"] = [_drift(found.dictionary, row[None], fresh)[0] for row in span]
    planted = None if run.part == "nothing" else in_dictionary(motion, found.dictionary, fresh.flatten(0, 1))
    if planted is not None:
        known["planted"] = _drift(found.dictionary, planted, fresh)[0]
    return known | {"least": None, "rates": rates, "single rates": single}


def _drift(dictionary: Any, span: Tensor, paths: Tensor) -> tuple[float | None, float]:
    """Spread along trajectories `(P, T, n)` relative to that over all of them, of the worst member of a span."""
    if not len(span):
        return None, 0.0
    values = torch.einsum("ptk,jk->ptj", dictionary.evaluate(paths.flatten(0, 1)).unflatten(0, paths.shape[:2]), span)

    def worst(part: Tensor) -> float:
        within = part - part.mean(1, keepdim=True)
        return truth.ratio(within.flatten(0, 1), (part - part.mean((0, 1))).flatten(0, 1)) or 0.0

    pieces = tensor([worst(values[i :: truth.PARTS]) for i in range(truth.PARTS)])
    return worst(values), float(pieces.std()) / math.sqrt(truth.PARTS)


# -- charges -----------------------------------------------------------------------------------------------------------


def ask_noether(run: Run, draw: Draw) -> dict[str, Any]:
    """Trajectories of unit masses in a potential; charges are judged by how they vary along fresh trajectories."""
    kept = potential(draw, run.part, run.family, run.broken)
    count, action = run.samples // LENGTH, iso.gl(kept.size).vector()
    starts = [tensor(draw.uniform(-1.3, 1.3, (many, 2 * kept.size))) for many in (count, FRESH // LENGTH)]
    states, fresh = (integrate(kept.field, start, kept.step, LENGTH) for start in starts)
    found = FromNoether(action).fit(list(states))
    q, v = fresh[..., : kept.size], fresh[..., kept.size :]
    moved = action.fields(q.flatten(0, 1))
    charges = torch.einsum("sn,sdn->sd", v.flatten(0, 1), moved).unflatten(0, fresh.shape[:2])
    varied = (charges - charges.mean(1, keepdim=True)).flatten(0, 1)[:, None]
    # Every trajectory is a whole: parts of the fresh samples take some of each, which is as good for a scatter.
    return line(said(found), Parts(varied, v.flatten(0, 1)[:, None], moved), _planted(action, kept.generators))


# -- latent coordinates ------------------------------------------------------------------------------------------------


def ask_laligan(run: Run, draw: Draw) -> dict[str, Any]:
    """Pairs of states one step apart; what is found has to commute with the step at fresh states."""
    system, change = make(draw, run.part, run.family, run.broken)
    low, high = system.start
    x, fresh = (
        (low + (high - low) * tensor(draw.uniform(size=(n, system.size)))) @ change.T for n in (run.samples, 4000)
    )

    def step(states: Tensor) -> Tensor:
        return integrate(system.field, states, 2 * system.step, 2)[:, 1]

    found = LaLiGAN(
        latent_dim=system.size, plan=Plan(epochs=8, steps=60), batch=64, hidden=16, layers=1, polish=50, seed=run.seed
    ).fit(x, step(x))
    one, action = said(found), found.action_
    own = Said(one.status, torch.eye(action.algebra.dim, dtype=torch.float64), one.numbers, one.ignored, one.limits)
    values = step(fresh)
    moved, turned = action.fields(fresh).detach(), action.fields(values).detach()
    slopes = torch.stack([_slope(step, fresh, j) for j in range(system.size)], 1)
    lie = torch.einsum("smn,sdn->smd", slopes, moved) - turned.transpose(1, 2)
    known = line(own, Parts(lie, slopes, moved, turned, values, (system.size,), fresh))
    return known | {"planted_dimension": 1 if len(system.generators) else None}


def _slope(step: Any, x: Tensor, j: int) -> Tensor:
    points = x.detach().requires_grad_(True)
    return torch.autograd.grad(step(points)[:, j].sum(), points)[0]
