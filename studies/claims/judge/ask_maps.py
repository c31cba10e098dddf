"""Roads that ask about a map: known, learnt from samples, or a network layer by layer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

import isotropy as iso
from isotropy.discover import DiscreteSymmetries, FromData, FromModel, LieGAN, layers
from isotropy.discover.games._adversary import Plan

from . import answers, truth
from .answers import line, said
from .draws import Draw, Field, frame, gaussian_process, jacobian, scalar, tensor
from .laws import LAWS, Law, in_random_units
from .maps import MAPS, several
from .planted import PLANTED, Planted, breaking, coefficients, in_frame, spread
from .question import Run
from .truth import Parts

FRESH = 20000


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
    action, still, vector = candidates(case.size, law.affine or case.affine, case.copies)
    outputs = [still] * case.scalars + [vector] * case.vectors
    rho_out = sum(outputs[1:], start=outputs[0])
    matrices = in_frame(case.generators, linear, law.shift)
    return Problem(
        _seen_map(run, draw, case, law, turn, linear),
        action,
        rho_out,
        (1,) * case.scalars + (case.size,) * case.vectors,
        lambda d, count: torch.cat([law.sample(d, count) for _ in range(case.copies)], 1),
        coefficients(action.algebra, matrices),
    )


def _seen_map(run: Run, draw: Draw, case: Planted, law: Law, turn: Tensor, linear: Tensor) -> Field:
    """What is planted, broken by a share of its spread, in the coordinates of the samples."""
    other = breaking(draw, case.size * case.copies, case.outputs)
    z = torch.cat([law.seen(law.sample(draw, 4000)) for _ in range(case.copies)], 1)
    turns = torch.block_diag(*[turn] * case.copies)
    unit = spread(case.map(z @ turns.T))
    back = torch.block_diag(
        *[torch.eye(1, dtype=torch.float64)] * case.scalars, *[torch.linalg.inv(linear)] * case.vectors
    )

    def f(x: Tensor) -> Tensor:
        seen = torch.cat([law.seen(part) for part in x.split(case.size, 1)], 1)
        value = case.map(seen @ turns.T) / unit
        value = value + run.broken * other(seen) if run.broken else value
        value = value @ back.T
        return value[:, 0] if value.shape[1] == 1 else value

    return f


# -- roads -------------------------------------------------------------------------------------------------------------


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


# -- layers ------------------------------------------------------------------------------------------------------------

ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {  # and how many scalings each keeps, per unit
    "relu": (torch.relu, 1),
    "leaky relu": (lambda u: nn.functional.leaky_relu(u, 0.3), 1),
    "softsign": (nn.functional.softsign, 0),
    "gelu": (nn.functional.gelu, 0),
    "sine": (torch.sin, 0),
}


class Activation(nn.Module):
    """A function of every unit, broken by a share of another one."""

    def __init__(self, f: Callable[[Tensor], Tensor], broken: float) -> None:
        super().__init__()
        self.f, self.broken = f, broken

    def forward(self, u: Tensor) -> Tensor:
        """Unit by unit."""
        return self.f(u) + self.broken * torch.cos(1.3 * u + 0.4)


def ask_layers(run: Run, draw: Draw) -> dict[str, Any]:
    """A network of two linear layers with an activation in between; linear ones keep what they intertwine."""
    n, (activation, kept) = run.size, ACTIVATIONS[run.family]
    weights = [frame(draw, n, 3.0) for _ in range(2)]
    net = nn.Sequential(nn.Linear(n, n, bias=False), Activation(activation, run.broken), nn.Linear(n, n, bias=False))
    net = net.double()
    with torch.no_grad():
        net[0].weight.copy_(weights[0])
        net[2].weight.copy_(weights[1])
    law = LAWS[run.law](draw, n)
    x, fresh = law.sample(draw, run.samples), law.sample(draw, FRESH)
    found = layers(net, x)
    lines, at = [], fresh
    expected = {"0": n * n, "1": kept * n, "2": n * n}
    for name, module in net.named_children():
        one = found.layers[name]
        parts = map_parts(module, at, one.rho_in, one.rho_out, (n,))
        lines.append((line(said(one), parts), expected[name]))
        at = module(at).detach()
    if found.through is not None:
        one = found.through
        lines.append((line(said(one), map_parts(net, fresh, one.rho_in, one.rho_out, (n,))), None))
    return _together(lines, run.part)


def _together(lines: list[tuple[dict[str, Any], int | None]], part: str) -> dict[str, Any]:
    """One line for all layers: certified where each that keeps something is, at its dimension."""
    wanted = [(one, size) for one, size in lines if size]
    right = all(one["status"] == "certified" and one["dimension"] == size for one, size in wanted)
    kept = sum(size for _, size in wanted)
    return {
        "status": "certified" if right else "undecided",
        "dimension": kept if right else 0,
        "numbers": [numbers for one, _ in lines for numbers in one["numbers"]],
        "ignored": 0,
        "limits": [],
        "spans": [span for one, _ in lines for span in one["spans"]],
        "single": [value for one, _ in lines for value in one["single"]],
        "least": None,
        "without_effect": None,
        "planted": 0.0 if part == "exact" else None,
        "planted_dimension": kept,
    }


# -- single elements ---------------------------------------------------------------------------------------------------


def _turn(angle: float) -> Tensor:
    t = tensor(angle)
    return torch.stack([t.cos(), -t.sin(), t.sin(), t.cos()]).reshape(2, 2)


def _group(family: str) -> Tensor:
    """All elements of a finite group, the identity first."""
    one = torch.eye(3, dtype=torch.float64)
    if family == "mirror":
        return torch.stack([torch.eye(2, dtype=torch.float64), torch.diag(tensor([1.0, -1.0]))])
    if family == "three turns":
        return torch.stack([_turn(2 * torch.pi * k / 3) for k in range(3)])
    if family == "five turns":
        return torch.stack([_turn(2 * torch.pi * k / 5) for k in range(5)])
    if family == "swaps":
        return torch.stack([one[list(p)] for p in ((0, 1, 2), (1, 0, 2), (0, 2, 1), (2, 1, 0), (1, 2, 0), (2, 0, 1))])
    signs = ((1.0, 1.0, 1.0), (-1.0, -1.0, 1.0), (1.0, -1.0, -1.0), (-1.0, 1.0, -1.0))
    return torch.stack([torch.diag(tensor(list(s))) for s in signs])


GROUPS = ("mirror", "three turns", "five turns", "swaps", "half turns")


def ask_elements(run: Run, draw: Draw) -> dict[str, Any]:
    """Elements of a list, some of which a map keeps; the map is an average over a group, or belongs to no group."""
    planted = run.part != "nothing"
    group = _group(run.family if planted else "mirror" if run.size == 2 else "swaps")
    n = group.shape[1]
    law, turn = LAWS[run.law](draw, n), frame(draw, n, 2.5)
    inner = scalar(gaussian_process(draw, n)) if planted else MAPS[run.family](draw, n)
    other = scalar(gaussian_process(draw, n))
    unit = spread(_averaged(inner, group if planted else group[:1], tensor(draw.normal(size=(4000, n)))))

    def f(x: Tensor) -> Tensor:
        return _averaged(inner, group if planted else group[:1], x @ turn.T) / unit + run.broken * other(x)

    decoys = torch.stack([torch.linalg.qr(tensor(draw.normal(size=(n, n)))).Q for _ in range(5)])
    inside = torch.cat([group[1:], decoys])
    elements = torch.linalg.inv(turn) @ inside @ turn
    x, fresh = law.sample(draw, run.samples), law.sample(draw, FRESH)
    G = iso.gl(n)
    found = DiscreteSymmetries(G.vector(), G.scalar()).fit(f, x, elements)
    return _judged_elements(found, f, fresh, elements, len(group) - 1 if planted else 0)


def _averaged(inner: Field, group: Tensor, u: Tensor) -> Tensor:
    return torch.stack([inner(u @ g.T) for g in group]).mean(0)


def _judged_elements(found: Any, f: Field, fresh: Tensor, elements: Tensor, planted: int) -> dict[str, Any]:
    """The truth of an element: the change, relative to that between samples paired at random."""
    true = [_element_defect(f, fresh, g) for g in elements]
    pieces = [[_element_defect(f, fresh[i :: truth.PARTS], g) for i in range(truth.PARTS)] for g in elements]
    errors = [float(tensor(part).std()) / truth.PARTS**0.5 for part in pieces]
    kept = list(found.kept_)
    worst = max(kept, key=lambda k: true[k], default=None)
    known = said(found, span=torch.zeros(len(kept), 1))
    return answers.describe(known) | {
        "spans": [
            [known.status, None if worst is None else true[worst], 0.0 if worst is None else errors[worst], None]
        ],
        "single": [true[k] for k in kept],
        "least": min(true),
        "without_effect": None,
        "planted": max(true[:planted]) if planted else None,
        "planted_dimension": planted,
    }


def _element_defect(f: Field, x: Tensor, g: Tensor) -> float:
    """Change relative to two samples paired at random, or, if less, to the motion of one carried out at the next."""
    value, moved = f(x), f(x @ g.T)
    far = value.var() + moved.var() + (value.mean() - moved.mean()).square()
    other = x.roll(1, 0)
    near = (f(other + x @ g.T - x) - f(other)).square().mean()
    return float(((moved - value).square().mean() / torch.minimum(far, near)).sqrt())
