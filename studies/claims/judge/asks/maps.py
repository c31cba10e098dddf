"""Roads that ask about a map as a whole: known, seen by a penalty, learnt from samples or labels, or in a game."""

from typing import Any

import torch
from torch import Tensor

import isotropy as iso
from isotropy.discover import FromData, FromModel, LieGAN
from isotropy.discover.games._adversary import Plan

from ..answers import line, said
from ..families.draws import Draw, tensor
from ..question import Run
from .problem import FRESH, Problem, problem


def ask_model(run: Run, draw: Draw) -> dict[str, Any]:
    """A map that can be evaluated."""
    case = problem(run, draw)
    x, fresh = case.sample(draw, run.samples), case.sample(draw, FRESH)
    found = FromModel(case.rho_in, case.rho_out).fit(case.f, x)
    return line(said(found), case.parts(fresh), case.planted)


def ask_penalty(run: Run, draw: Draw) -> dict[str, Any]:
    """The read-out of a penalty that has seen batches of a map."""
    case = problem(run, draw)
    x, fresh = case.sample(draw, run.samples), case.sample(draw, FRESH)
    penalty = iso.promote.LiePenalty(case.rho_in, case.rho_out)
    for batch in x.split(100):
        penalty(case.f, batch)
    found = penalty.readout()
    return line(said(found, found.status, found.coefficients), case.parts(fresh), case.planted)


KINDS = {"quick": ["polynomial", "kernel-gaussian"], "defaults": None, "labels": None}


def ask_data(run: Run, draw: Draw) -> dict[str, Any]:
    """Samples with noise, or labels, of a map that is not told."""
    case = problem(run, draw)
    x, fresh = case.sample(draw, run.samples), case.sample(draw, FRESH)
    if run.variant == "labels":
        y, case = _labels(case, x, draw)
    else:
        y = _noisy(case.f(x), run.noise, draw)
    found = FromData(case.rho_in, case.rho_out, kinds=KINDS[run.variant], seed=run.seed).fit(x, y)
    return line(said(found), case.parts(fresh), case.planted) | {"kind": found.surrogate_.kind}


def _noisy(y: Tensor, noise: float, draw: Draw) -> Tensor:
    return y + noise * y.std(0) * tensor(draw.normal(size=tuple(y.shape)))


def _labels(case: Problem, x: Tensor, draw: Draw) -> tuple[Tensor, Problem]:
    """Two classes, one with about 12 % of the samples, by log-odds that are a multiple of the map."""
    raw = case.f(x)
    steep = 3 / float(raw.std())
    bar = float(raw.quantile(0.92))

    def odds(z: Tensor) -> Tensor:
        return steep * (case.f(z) - bar)

    y = (tensor(draw.uniform(size=len(x))) < torch.sigmoid(odds(x))).long()
    return y, Problem(odds, case.rho_in, case.rho_out, case.blocks, case.sample, case.planted)


def ask_liegan(run: Run, draw: Draw) -> dict[str, Any]:
    """A game on samples, as short as it may be."""
    case = problem(run, draw)
    x, fresh = case.sample(draw, run.samples), case.sample(draw, FRESH)
    dims = 1 if case.planted is None else len(case.planted)
    found = LieGAN(
        case.rho_in,
        case.rho_out,
        n_generators=dims,
        width=0.5,
        plan=Plan(epochs=8, steps=50, rates=(5e-3, 2e-3)),
        batch=64,
        hidden=16,
        kinds=["polynomial"],
        conditional=True,
        start=run.variant,
        seed=run.seed,
    )
    found.fit(x, _noisy(case.f(x), run.noise, draw))
    return line(said(found), case.parts(fresh), case.planted)
