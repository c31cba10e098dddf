"""A map, candidates on both sides, and samples: what all roads that ask about maps are asked."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

import isotropy as iso

from ..families.draws import Draw, Field, frame, jacobian
from ..families.laws import LAWS, Law, in_random_units
from ..families.maps import MAPS, several
from ..families.planted import PLANTED, Planted, breaking, coefficients, in_frame, spread
from ..question import Run
from ..truth import Parts

FRESH = 20000  # samples that a truth is taken at


@dataclass(frozen=True)
class Problem:
    """A map, candidates on both sides, samples, and what is planted among the candidates."""

    f: Field
    rho_in: iso.Action
    rho_out: iso.Action
    blocks: tuple[int, ...]
    sample: Callable[[Draw, int], Tensor]
    planted: Tensor | None = None

    def parts(self, x: Tensor) -> Parts:
        """What is true at samples."""
        return map_parts(self.f, x, self.rho_in, self.rho_out, self.blocks)


def map_parts(f: Field, x: Tensor, rho_in: iso.Action, rho_out: iso.Action, blocks: tuple[int, ...]) -> Parts:
    """``Df xi_in - xi_out f`` at samples `(S, n)`."""
    values, slopes = jacobian(f, x)
    moved = rho_in.fields(x).flatten(2).detach()
    turned = rho_out.fields(values, x).flatten(2).detach()
    lie = torch.einsum("smn,sdn->smd", slopes, moved) - turned.transpose(1, 2)
    return Parts(lie, slopes, moved, turned if bool(turned.any()) else None, values, blocks, x)


def problem(run: Run, draw: Draw) -> Problem:
    """The map of a run."""
    return _nothing(run, draw) if run.part == "nothing" else _planted(run, draw)


def _nothing(run: Run, draw: Draw) -> Problem:
    n = run.size
    law = LAWS[run.law](draw, n)
    count = {"vector": n, "two": 2}.get(run.variant, 1)
    made = several(draw, run.family, n, count) if count > 1 else MAPS[run.family](draw, n)
    action, still, linear = candidates(n, law.affine)
    rho_out = {"vector": linear, "two": 2 * still}.get(run.variant, still)
    blocks = (n,) if run.variant == "vector" else (1,) * count
    return Problem(lambda x: made(law.seen(x)), action, rho_out, blocks, law.sample)


def candidates(n: int, affine: bool, copies: int = 1) -> tuple[Any, Any, Any]:
    """All linear or affine motions of `copies` points, and what they do to numbers and to vectors."""
    if affine:
        one = iso.actions.Affine(iso.aff(n))
        return (one if copies == 1 else iso.actions.Points(one, copies)), one.algebra.scalar(), one.tangent()
    vector = iso.gl(n).vector()
    return (vector if copies == 1 else copies * vector), iso.gl(n).scalar(), vector


def _planted(run: Run, draw: Draw) -> Problem:
    case = PLANTED[run.family]
    law = in_random_units(draw, run.law, case.size)
    turn = frame(draw, case.size)
    linear = turn @ torch.linalg.inv(law.matrix)
    affine = law.affine or case.affine
    action, still, vector = candidates(case.size, affine, case.copies)
    outputs = [still] * case.scalars + [vector] * case.vectors
    among = case.generators if affine else case.generators[case.generators[:, :-1, :-1].flatten(1).any(1)]
    return Problem(
        _seen_map(run, draw, case, law, turn, linear),
        action,
        sum(outputs[1:], start=outputs[0]),
        (1,) * case.scalars + (case.size,) * case.vectors,
        lambda d, count: torch.cat([law.sample(d, count) for _ in range(case.copies)], 1),
        coefficients(action.algebra, in_frame(among, linear, law.shift)),
    )


def _seen_map(run: Run, draw: Draw, case: Planted, law: Law, turn: Tensor, linear: Tensor) -> Field:
    """What is planted, broken by a share of its spread, in the coordinates of the samples."""
    z = torch.cat([law.seen(law.sample(draw, 4000)) for _ in range(case.copies)], 1)
    turns = torch.block_diag(*[turn] * case.copies)
    unit, met = spread(case.map(z @ turns.T)), case.met(z[:1]).shape[1]
    other = breaking(draw, met, case.outputs)
    back = torch.block_diag(
        *[torch.eye(1, dtype=torch.float64)] * case.scalars, *[torch.linalg.inv(linear)] * case.vectors
    )

    def f(x: Tensor) -> Tensor:
        u = torch.cat([law.seen(part) for part in x.split(case.size, 1)], 1) @ turns.T
        value = case.map(u) / unit
        value = value + run.broken * other(case.met(u)) if run.broken else value
        value = value @ back.T
        return value[:, 0] if value.shape[1] == 1 else value

    return f
