"""Roads that ask about motion in time: fields, trajectories, conserved quantities and charges."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

import isotropy as iso
from isotropy.discover import ConservedQuantities, FromDynamics, FromNoether, LaLiGAN
from isotropy.discover.games._adversary import Plan

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


def _conserved_line(found: Any, span: Tensor, parts: Parts, planted: Tensor | None) -> dict[str, Any]:
    """Changes of quantities relative to how they vary over all samples; constants play no part."""
    return line(replace(said(found), span=span), parts, planted)


def _departures(dictionary: Any, x: Tensor) -> Tensor:
    """How far functions are from their means, `(S, 1, terms)`."""
    values = dictionary.evaluate(x)
    return (values - values.mean(0))[:, None]


def _against(changes: Tensor, departures: Tensor) -> Parts:
    """Changes `(S, q, terms)` relative to departures `(S, 1, terms)`."""
    rows = changes.shape[1]  # chance has a row for every row of a change, and all but one of them are empty
    one = torch.zeros(len(departures), rows, 1, dtype=torch.float64)
    one[:, 0] = 1.0
    return Parts(changes, one, departures.transpose(1, 2))


def _round(states: Tensor, velocity: Tensor) -> float:
    """Time to go once round: ``2 pi`` by the size of states about their mean over that of velocities, whitened."""
    white = torch.linalg.inv(torch.linalg.cholesky(torch.cov(states.T)))
    size, speed = (states - states.mean(0)) @ white.T, velocity @ white.T
    return float(2 * torch.pi * (size.square().sum() / speed.square().sum()).sqrt())


def ask_conserved_field(run: Run, draw: Draw) -> dict[str, Any]:
    """Polynomials that a known field conserves."""
    motion, change = _motion(run, draw)
    law = LAWS[run.law](draw, motion.size)
    x, fresh = (law.sample(draw, count) @ change.T for count in (run.samples, FRESH))
    found = ConservedQuantities(iso.dictionary.polynomials(motion.size, degree=motion.degree))
    found.fit_field(motion.field, x)
    velocity = motion.field(fresh)
    changes = torch.einsum("sdn,sn->sd", found.dictionary.jacobian(fresh), velocity)[:, None]
    parts = _against(_round(fresh, velocity) * changes, _departures(found.dictionary, fresh))
    planted = None if run.part == "nothing" else in_dictionary(motion, found.dictionary, fresh)
    return _conserved_line(found, found.coefficients_, parts, planted)


def ask_conserved_paths(run: Run, draw: Draw) -> dict[str, Any]:
    """Polynomials that trajectories conserve; their drift along fresh ones is what is true of them."""
    motion, change = _motion(run, draw)
    count = run.samples // LENGTH
    starts = [tensor(draw.uniform(-1.3, 1.3, (many, motion.size))) @ change.T for many in (count, FRESH // LENGTH)]
    states, fresh = (integrate(motion.field, start, motion.step, LENGTH) for start in starts)
    found = ConservedQuantities(iso.dictionary.polynomials(motion.size, degree=motion.degree)).fit(list(states))
    values = found.dictionary.evaluate(fresh.flatten(0, 1)).unflatten(0, fresh.shape[:2])
    within = values - values.mean(1, keepdim=True)
    time = torch.linspace(-0.5, 0.5, LENGTH, dtype=torch.float64)
    trend = torch.einsum("t,ptd->pd", time, within) / time.square().sum()
    changes = torch.stack([within, trend[:, None].expand_as(within)], 2).flatten(0, 1)
    parts = _against(changes, _departures(found.dictionary, fresh.flatten(0, 1)))
    planted = None if run.part == "nothing" else in_dictionary(motion, found.dictionary, fresh.flatten(0, 1))
    return _conserved_line(found, found.coefficients_, parts, planted)


# -- charges -----------------------------------------------------------------------------------------------------------


def ask_noether(run: Run, draw: Draw) -> dict[str, Any]:
    """Trajectories of unit masses in a potential; charges are judged by how they vary along fresh trajectories."""
    kept = potential(draw, run.part, run.family, run.broken)
    count, action = run.samples // LENGTH, iso.gl(kept.size).vector()
    starts = [tensor(draw.uniform(-1.3, 1.3, (many, 2 * kept.size))) for many in (count, FRESH // LENGTH)]
    states, fresh = (integrate(kept.field, start, kept.step, LENGTH) for start in starts)
    found = FromNoether(action).fit(list(states))
    q, v = (_own_size(part) for part in (fresh[..., : kept.size], fresh[..., kept.size :]))
    moved = action.fields(q.flatten(0, 1))
    charges = torch.einsum("sn,sdn->sd", v.flatten(0, 1), moved).unflatten(0, fresh.shape[:2])
    varied = (charges - charges.mean(1, keepdim=True)).flatten(0, 1)[:, None]
    # Every trajectory is a whole: parts of the fresh samples take some of each, which is as good for a scatter.
    return line(said(found), Parts(varied, v.flatten(0, 1)[:, None], moved), _planted(action, kept.generators))


def _own_size(paths: Tensor) -> Tensor:
    """Positions or velocities `(P, T, n)`, each trajectory in its own size, so that all weigh the same."""
    return paths / paths.square().sum(2).mean(1).sqrt()[:, None, None]


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
