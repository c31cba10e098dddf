"""Roads that ask about vector fields: known ones, noisy trajectories, and steps in latent coordinates."""

from typing import Any

import torch
from torch import Tensor

import isotropy as iso
from isotropy.discover import FromDynamics, LaLiGAN
from isotropy.discover.games._adversary import Plan

from ..answers import Said, line, said
from ..families.draws import Draw, tensor
from ..families.fields import make
from ..families.laws import LAWS
from ..families.paths import integrate, starts, trajectories
from ..families.planted import coefficients
from ..question import Run
from ..truth import Parts, by_paths
from .problem import FRESH, map_parts

LENGTH = 60  # samples of a trajectory
PATHS = 336  # fresh trajectories, a multiple of the parts that a scatter is taken over


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
    return line(said(found), parts, planted_in(action, system.generators))


def planted_in(action: Any, generators: Tensor) -> Tensor | None:
    """Matrices `(k, n, n)` as combinations of candidates."""
    padded = torch.nn.functional.pad(generators, (0, 1, 0, 1))
    return coefficients(action.algebra, padded) if len(generators) else None


def ask_paths(run: Run, draw: Draw) -> dict[str, Any]:
    """Noisy trajectories of a vector field that is not told."""
    system, change = make(draw, run.part, run.family, run.broken)
    count = run.samples // LENGTH
    states = trajectories(draw, system, change, count, LENGTH)
    fresh = by_paths(trajectories(draw, system, change, PATHS, LENGTH))
    times = [system.step * torch.arange(LENGTH, dtype=torch.float64)] * count
    noisy = states + run.noise * states.flatten(0, 1).std(0) * tensor(draw.normal(size=tuple(states.shape)))
    action = iso.gl(system.size).vector()
    found = FromDynamics(action, kinds=["polynomial", "kernel-gaussian"], seed=run.seed).fit(list(noisy), times)
    parts = map_parts(system.field, fresh, action, action.tangent(), (system.size,))
    return line(said(found), parts, planted_in(action, system.generators)) | {"kind": found.symmetry_.derivative}


def ask_laligan(run: Run, draw: Draw) -> dict[str, Any]:
    """Pairs of states one step apart; what is found has to commute with the step at fresh states."""
    system, change = make(draw, run.part, run.family, run.broken)
    x, fresh = (starts(draw, system.start, change, count) for count in (run.samples, 4000))

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
