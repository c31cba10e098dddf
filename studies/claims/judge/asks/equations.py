"""The road that asks about jets of solutions of an equation."""

from typing import Any

import torch
from torch import Tensor

from isotropy.discover import FromEquations

from ..answers import line, said
from ..families.draws import Draw, jacobian, tensor
from ..families.equations import Equation
from ..families.laws import LAWS
from ..question import Run
from ..truth import Parts
from .problem import FRESH

CONTAINED = 1e-9  # share of a gradient below which a coordinate is none of the equation


def ask_equations(run: Run, draw: Draw) -> dict[str, Any]:
    """Jets of solutions of an equation that is told, or learnt from them."""
    equation = Equation(run.family, draw, run.broken)
    law = LAWS[run.law](draw, len(equation.names))
    z, fresh = (equation.sample(law, draw, count) for count in (run.samples, FRESH // 2))
    arguments = [name for name in equation.names if name in ("x", "t", "u", "u_x", "u_xx") and name != equation.lead]
    learnt = {"arguments": arguments, "kinds": ["polynomial", "kernel-gaussian"], "seed": run.seed}
    told = run.variant != "learnt"
    if not told:
        z[:, equation.place] += run.noise * z[:, equation.place].std() * tensor(draw.normal(size=len(z)))
    found = FromEquations(equation.action, [equation.lead], **({} if told else learnt))
    found = found.fit(z, equation) if told else found.fit(z)
    return line(said(found), _parts(equation, fresh), equation.planted) | {"superposition": found.superposition_.dim}


def _parts(equation: Equation, z: Tensor) -> Parts:
    """The change of an equation, beside that by a gradient of the same length that points anywhere.

    Lengths are in root mean squares of the coordinates of jets; anywhere means among the variables and the derivatives
    that the equation contains. Effects are told in spreads of the derivative that the equation is solved for.
    """
    scale, unit = z.square().mean(0).sqrt(), z[:, equation.place].std()
    slopes, moved = jacobian(equation, z)[1] * scale / unit, equation.action.fields(z) / scale
    entries = slopes.square().mean((0, 1)).sqrt()
    contained = entries > CONTAINED * entries.norm()
    contained[: equation.variables] = True
    anywhere = torch.diag(contained.to(torch.float64)) * entries.norm() / contained.sum().sqrt()
    return Parts(torch.einsum("smn,sdn->smd", slopes, moved), slopes, moved, points=z / scale, anywhere=anywhere)
