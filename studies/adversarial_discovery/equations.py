"""Point symmetries of six differential equations, from sampled fields alone or with the equation given."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from isotropy import datasets
from isotropy.actions import Prolonged
from isotropy.discover import Discovery, FromEquations, sample_jets

SAMPLES = 3000
# Mean Grassmann distances of published generators (LieNLSD, ICML 2025), recomputed from them.
PUBLISHED = {
    "heat": 0.0007,
    "wave": 0.014,
    "burgers": 0.013,
    "schroedinger": 0.086,
    "kdv": 0.005,
    "reaction-diffusion": 0.124,
}
Jet = Callable[[str], Tensor]


def prolonged(e: datasets.Equation) -> Prolonged:
    """Polynomial candidates of an equation and the jets they move."""
    return Prolonged(e.independent, e.dependent, e.order, e.degree)


def ask(name: str, seed: int, given: bool) -> Discovery:
    """Sample jets from fields and look for symmetries; the equation is given, or learnt as a polynomial of the jet."""
    e = datasets.equation(name, seed)
    action = prolonged(e)
    z = sample_jets(action, e.fields, e.grids, periodic=e.periodic, samples=SAMPLES, seed=seed)
    place = {name: k for k, name in enumerate(action.names)}
    equation = (lambda z: RESIDUALS[name](lambda part: z[..., place[part]])) if given else None
    return FromEquations(action, e.lead, kinds=["polynomial"], seed=seed).fit(z, equation)


def measure(name: str, found: Any) -> dict[str, Any]:
    """Grassmann distance to the symmetries of the equation; a wrong dimension counts as right angles."""
    e = datasets.equation(name, 0, solutions=1)
    action = prolonged(e)
    truth = action.algebra.span(torch.stack([action.generator(terms) for terms in e.symmetries]))
    return {
        "distance": found.algebra_.distance(truth),
        "dimension": found.algebra_.dim,
        "expected": truth.dim,
        "superposition": found.superposition_.dim,
    }


def roads(name: str) -> dict[str, Callable[[int], Discovery]]:
    """Both ways to ask."""
    return {"from fields": partial(ask, name, given=False), "equation given": partial(ask, name, given=True)}


def _schroedinger(z: Jet) -> Tensor:
    u, v = z("u"), z("v")
    square = u * u + v * v
    return torch.stack([z("u_t") + z("v_xx") + square * v, z("v_t") - z("u_xx") - square * u], -1)


def _reaction_diffusion(z: Jet) -> Tensor:
    u, v = z("u"), z("v")
    square = u * u + v * v
    spread = [0.1 * (z(f"{a}_xx") + z(f"{a}_yy")) for a in "uv"]
    return torch.stack(
        [
            z("u_t") - (1 - square) * u - square * v - spread[0],
            z("v_t") + square * u - (1 - square) * v - spread[1],
        ],
        -1,
    )


RESIDUALS: dict[str, Callable[[Jet], Tensor]] = {
    "heat": lambda z: z("u_t") - z("u_xx"),
    "wave": lambda z: z("u_tt") - z("u_xx") - z("u_yy"),
    "burgers": lambda z: z("u_t") + z("u") * z("u_x") - z("u_xx"),
    "kdv": lambda z: z("u_t") + z("u") * z("u_x") + z("u_xxx"),
    "schroedinger": _schroedinger,
    "reaction-diffusion": _reaction_diffusion,
}
