"""Generators from images, stacks of layers, and digits: the part of the study on L-conv."""

import math
from collections.abc import Callable
from functools import partial
from statistics import mean, stdev
from typing import Any

import torch
from torch import Tensor

import isotropy as iso
from isotropy.datasets import bump_images
from isotropy.dictionary import Polynomials
from isotropy.discover import Frame, FromMoments, FromPairs, principal_frame
from isotropy.discover.pairs._pair_fit import nearest_antisymmetric

from . import chance, digits

PI = math.pi
Task = Callable[[], dict[str, Any]]
ESTIMATORS = {  # angles, noise, whether they are known; one round is a difference quotient
    "forward difference, pi/10": ("fixed", PI / 10, 0.0, {"iterations": 1}),
    "forward difference, pi/40": ("fixed", PI / 40, 0.0, {"iterations": 1}),
    "central difference, pi/10": ("both", PI / 10, 0.0, {"iterations": 1}),
    "central difference, pi/40": ("both", PI / 40, 0.0, {"iterations": 1}),
    "known angles to pi/10": ("known", PI / 10, 0.0, {}),
    "known angles to pi/10, antisymmetric": ("known", PI / 10, 0.0, {"antisymmetric": True}),
    "known angles to pi/4, antisymmetric": ("known", PI / 4, 0.0, {"antisymmetric": True}),
    "known angles to pi/10, 1 % noise, antisymmetric": (
        "known",
        PI / 10,
        0.01,
        {"antisymmetric": True, "resolution": "auto"},
    ),
}
PUBLISHED = {  # of the reference implementation's notebooks: fixed angle pi/10, single L-conv
    "7": 0.27,
    "20": 0.01,
}
STACKS = [(20, 8, 0.77), (20, 16, 0.93), (40, 8, 0.75), (40, 16, 0.93)]  # published correlations
UNPAIRED = (2000, 5000, 20000)
COMPONENTS = 10
WIDER = 24
PAIRS = 2000
RESOLUTION = 1e-4
DIGIT_SEEDS = 5
ANGLE_SEEDS = 10


def tasks() -> dict[str, Task]:
    """Every measurement by name."""
    named: dict[str, Task] = {f"estimator|{name}": partial(estimate, *case) for name, case in ESTIMATORS.items()}
    named |= {f"unknown angles|{seed}": partial(unknown_angles, seed) for seed in range(ANGLE_SEEDS)}
    named |= {f"unpaired|{count}": partial(unpaired, count) for count in UNPAIRED}
    named |= {f"artefact|{size}": partial(artefact, size) for size in (7, 20)}
    named |= {f"stack|{points}|{steps}": partial(stack, points, steps) for points, steps, _ in STACKS}
    named |= chance.tasks()
    for condition in digits.CONDITIONS:
        for model in digits.MODELS:
            for seed in range(DIGIT_SEEDS):
                named[f"digits|{condition}|{model}|{seed}"] = partial(digits.accuracy, model, condition, seed)
    return named


def estimate(kind: str, reach: float, noise: float, options: dict[str, Any]) -> dict[str, Any]:
    """Errors of a generator from pairs."""
    draws = torch.Generator().manual_seed(1)
    x = bump_images(PAIRS)
    times = reach * (2 * torch.rand(PAIRS, generator=draws, dtype=torch.float64) - 1)
    times = times if kind == "known" else torch.full_like(times, reach)
    y = bump_images(PAIRS, times)
    if kind == "both":
        x, y, times = torch.cat([x, x]), torch.cat([y, bump_images(PAIRS, -times)]), torch.cat([times, -times])
    size = noise * x.square().mean().sqrt()
    x, y = (p + size * torch.randn(p.shape, generator=draws, dtype=torch.float64) for p in (x, y))
    found = FromPairs(**{"resolution": RESOLUTION, **options}).fit(x, y, times)
    return {"status": found.status_, **errors(found.generators_[0])}


def unknown_angles(seed: int) -> dict[str, Any]:
    """Angles and generator found together; the unit of angle is fixed by the true ones afterwards."""
    draws = torch.Generator().manual_seed(1000 + seed)
    times = PI / 10 * (2 * torch.rand(PAIRS // 2, generator=draws, dtype=torch.float64) - 1)
    x, y = bump_images(PAIRS // 2, seed=seed), bump_images(PAIRS // 2, times, seed=seed)
    found = FromPairs(resolution=1e-3).fit(x, y)
    t = found.times_[:, 0]
    unit = float(t @ t / (t @ times))
    correlation = abs(float(torch.corrcoef(torch.stack([t, times]))[0, 1]))
    return {"status": found.status_, "correlation": correlation, **errors(unit * found.generators_[0])}


def errors(generator: Tensor) -> dict[str, float]:
    """Error of the motion ``L x`` and of finite turns, on images that were not used."""
    x, truth = bump_images(500, seed=500), derivative(500, 500)
    result = {"action": float((x @ generator.T - truth).norm() / truth.norm())}
    for name, angle in (("pi/8", PI / 8), ("pi/2", PI / 2), ("pi", PI)):
        target = bump_images(500, angle, seed=500)
        turned = x @ torch.linalg.matrix_exp(angle * generator).T
        result[name] = float((turned - target).norm() / target.norm())
    return result


def derivative(count: int, seed: int) -> Tensor:
    """Exact derivative of bump images by the angle."""
    zero, one = (torch.full((), value, dtype=torch.float64) for value in (0.0, 1.0))
    return torch.func.jvp(lambda a: bump_images(count, a.expand(count), seed=seed), (zero,), (one,))[1]


def unpaired(count: int) -> dict[str, Any]:
    """The generator of turned images without pairs or labels, in principal components."""
    import warnings

    angles = 2 * PI * torch.rand(count, generator=torch.Generator().manual_seed(1000), dtype=torch.float64)
    images = bump_images(count, angles)
    frame = principal_frame(images, COMPONENTS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the status says what the warnings say
        found = FromMoments(iso.so(COMPONENTS).vector()).fit(frame.whiten(images))
    z, moved = frame.whiten(bump_images(2000, seed=500)), derivative(2000, 500) @ frame.directions.T / frame.sizes
    truth = torch.linalg.lstsq(z, moved).solution.T
    answer: dict[str, Any] = {"status": found.status_, "dimension": found.algebra_.dim, "gap": found.gap_}
    if found.algebra_.dim:
        L = found.algebra_.basis[0]
        L = L * (L * truth).sum() / L.square().sum()
        answer["error"] = float((L - truth).norm() / truth.norm())
        wider = principal_frame(images, WIDER)
        answer["wider"] = whole_error(wider, widen(L, wider.whiten(images)))
        answer["weights"] = torch.linalg.eigvals(L).imag.sort(descending=True).values[: COMPONENTS // 2].tolist()
    return answer


def widen(generator: Tensor, z: Tensor) -> Tensor:
    """The generator on all components `(count, r)`, from what it does to the first few.

    Quadratic functions g of those move by a known ``dg``, and the joint moments stay: ``M E[z g] + E[z dg] = 0``.
    """
    few, products = z[:, : len(generator)], Polynomials(len(generator), 2)
    known, moved = (z.new_zeros(z.shape[1], len(products)) for _ in range(2))
    for whole, part in zip(z.split(2000), few.split(2000), strict=True):
        known += whole.T @ products.evaluate(part)
        moved += whole.T @ torch.einsum("bfi,bi->bf", products.jacobian(part), part @ generator.T)
    return nearest_antisymmetric(known.T, -moved.T)


def whole_error(frame: Frame, generator: Tensor) -> float:
    """Error of the motion of whole images by a generator on whitened components, after its scale."""
    truth, z = derivative(500, 500), frame.whiten(bump_images(500, seed=500))
    moved = (z @ generator.T * frame.sizes) @ frame.directions
    return float((moved * (moved * truth).sum() / moved.square().sum() - truth).norm() / truth.norm())


def artefact(size: int) -> dict[str, float]:
    """Correlation with the published ground truth of difference quotients of a bilinear rotation."""
    place = torch.arange(size, dtype=torch.float64)
    gap, centred = place[:, None] - place, torch.diag(place - (size - 1) / 2)
    line = sum((p * torch.sin(2 * PI * p * gap / size) for p in range(size // 2)), torch.zeros_like(gap))
    truth = torch.kron(centred, line) - torch.kron(line, centred)
    unit = torch.eye(size * size, dtype=torch.float64)
    pairs = {
        "forward": bilinear(size, PI / 10) - unit,
        "central": bilinear(size, PI / 10) - bilinear(size, -PI / 10),
        "small": bilinear(size, 1e-3) - bilinear(size, -1e-3),
    }
    return {name: abs(float((m * truth).sum() / m.norm() / truth.norm())) for name, m in pairs.items()}


def bilinear(size: int, angle: float) -> Tensor:
    """Matrix of a bilinear rotation with zeros outside."""
    units = torch.eye(size * size, dtype=torch.float64).reshape(-1, 1, size, size)
    cosine, sine = math.cos(angle), math.sin(angle)
    turn = torch.tensor([[cosine, -sine, 0.0], [sine, cosine, 0.0]], dtype=torch.float64)
    grid = torch.nn.functional.affine_grid(turn.expand(len(units), 2, 3), list(units.shape), align_corners=False)
    return torch.nn.functional.grid_sample(units, grid, align_corners=False).flatten(1).T


def stack(points: int, steps: int) -> dict[str, float]:
    """Shift by two points as a stack of layers: published correlation, and relative errors of two kinds of step."""
    shift, answer = iso.nn.circular_shift(points), dict[str, float]()
    exact = torch.linalg.matrix_exp(2 * shift.basis[0])
    signs = (-1.0) ** torch.arange(points, dtype=torch.float64)
    published = exact - signs[:, None] * signs / points  # the highest wave dropped
    for step in ("euler", "cayley"):
        flow = iso.nn.LConvFlow(shift, step=step, steps=steps, dtype=torch.float64)
        whole = torch.linalg.matrix_power(flow.matrix(torch.tensor([2.0])), steps)
        answer[step] = float((whole - exact).norm() / exact.norm())
        answer[f"{step} correlation"] = float((whole * published).sum() / whole.norm() / published.norm())
    return answer


# -- the page --------------------------------------------------------------------------------------------------------


def table(results: dict[str, Any]) -> str:
    """The part of the page on L-conv, from the results."""
    parts = [_estimators, _unknown, chance.table, _unpaired, _artefacts, _stacks, _digits]
    return "\n".join(["## L-conv", "", *(part(results) for part in parts)])


def _rows(results: dict[str, Any], kind: str) -> list[tuple[list[str], dict[str, Any]]]:
    return [(name.split("|")[1:], row) for name, row in results.items() if name.split("|")[0] == kind]


def _lines(head: str, rows: list[str]) -> str:
    columns = head.count("|") - 1
    return "\n".join([head, "|" + "---|" * columns, *rows, ""])


def _estimators(results: dict[str, Any]) -> str:
    rows = [
        f"| {name[0]} | {r['action']:.4f} | {r['pi/8']:.4f} | {r['pi/2']:.4f} | {r['pi']:.4f} | {r['status']} |"
        for name, r in _rows(results, "estimator")
    ]
    text = f"""### The generator of turns, from pairs

{PAIRS} pairs of 11 by 11 images of six smooth bumps, turned exactly. The error of the action is that of `L x` against
the exact derivative; the others are those of `exp(t L) x` against the turned image, on images that were not used.
The aim was 0.01 for the action and 0.03 for half a turn.
"""
    return text + "\n" + _lines("| estimator | action | pi/8 | pi/2 | pi | status |", rows)


def _unknown(results: dict[str, Any]) -> str:
    rows = [r for _, r in _rows(results, "unknown angles")]
    if not rows:
        return ""
    good = sum(r["correlation"] > 0.999 and r["action"] < 0.03 for r in rows)
    worst = {key: max(r[key] for r in rows) for key in ("action", "pi")}
    return f"""### Unknown angles

{PAIRS // 2} pairs, angles to pi/10 that nobody tells. Angles correlate with the true ones above 0.999 and the error of
the action stays below 0.03 in {good} of {len(rows)} seeds; the largest error of the action is {worst["action"]:.4f},
the largest at half a turn {worst["pi"]:.4f}. What is left is mostly what the coarser frame (0.001) leaves out.
"""


def _unpaired(results: dict[str, Any]) -> str:
    rows = [
        f"| {name[0]} | {r['dimension']} | {r['gap']:.2f} | {r['status']} | {r['error']:.3f} | {r['wider']:.3f} | "
        f"{', '.join(f'{w:.2f}' for w in r['weights'])} |"
        for name, r in sorted(_rows(results, "unpaired"), key=lambda row: int(row[0][0]))
    ]
    text = f"""### Neither pairs nor labels

Images turned by any angle, their third moments in {COMPONENTS} principal components. The error is that of the generator
in whitened components, after its scale; the aim was 0.04 at 20000 images. Of 8, 10, 12 and 17 components at 20000
images, tried with the same seed, 8 and 10 were certified, the others undecided, with errors of 0.029 to 0.035 and one
generator for all; the table shows {COMPONENTS}. The number of generators is the one above the certified gap, and the
weights of a rotation are integers, which checks itself.

What lies outside the {COMPONENTS} components is not part of that error. The generator can be widened to {WIDER}
components by the joint moments of those with squares of the first; "whole images" is the error of the motion of images
that were not used, pixels included that no component reaches.
"""
    head = "| images | generators | gap | status | error | whole images | weights |"
    return text + "\n" + _lines(head, rows)


def _artefacts(results: dict[str, Any]) -> str:
    rows = [
        f"| {name[0]} x {name[0]} | {PUBLISHED[name[0]]:.2f} | {r['forward']:.3f} | {r['central']:.3f} | "
        f"{r['small']:.3f} |"
        for name, r in _rows(results, "artefact")
    ]
    text = """### What the published correlations measure

The published figures come from one layer that learns a bilinear rotation by pi/10 and is compared with an exact
generator. That is a forward difference, and a bilinear rotation has a kink at zero: the difference is mostly blur.
No learning is needed to find the same number, and a central difference of the same matrices removes it. On 7 by 7
pixels 0.68 was expected of that, which is met to two digits.
"""
    head = "| image | published | forward, pi/10 | central, pi/10 | central, 0.001 |"
    return text + "\n" + _lines(head, rows)


def _stacks(results: dict[str, Any]) -> str:
    rows = [
        f"| {points} | {steps} | {published:.2f} | {r['euler correlation']:.3f} | {r['euler']:.3f} "
        f"| {r['cayley']:.3f} |"
        for points, steps, published in STACKS
        if (r := results.get(f"stack|{points}|{steps}"))
    ]
    text = """### A shift as a stack of layers

Correlation of `(1 + 2 L / n)^n` with the published shift by two points, and relative errors against the exact one. The
published shift lacks the highest wave, so that the correlation cannot reach 1 on an even grid.
"""
    head = "| points | layers | published | Euler, correlation | Euler, error | Cayley, error |"
    return text + "\n" + _lines(head, rows)


def _digits(results: dict[str, Any]) -> str:
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for (condition, model, _), row in _rows(results, "digits"):
        groups.setdefault((model, condition), []).append(row)
    rows = []
    for model in digits.MODELS:
        cells = [_cell([r["accuracy"] for r in groups.get((model, c), [])]) for c in digits.CONDITIONS]
        numbers = {r["numbers"] for (name, _), members in groups.items() for r in members if name == model}
        rows.append(f"| {model} | {', '.join(map(str, numbers))} | {' | '.join(cells)} |")
    text = f"""### Digits, turned and scrambled

A generator discovered on scrambled bump images (pairs of known angles) moves scrambled digits along their whole orbit,
by `exp(t L)`, the limit of stacked layers; every place of the orbit is seen with the same filters and the largest
answer is kept ("discovered"). Controls: the same network with a generator of the same weights in random directions
("other orbit"); one L-conv with the discovered generator, fixed ("one layer"); a dense network whose training images
are moved along the discovered orbit ("augmented"); one L-conv with learnt or with random generators of low rank; a
convolution and a dense layer of equal size. Generators count, unless they are random. The gain is that of invariance
under the right motion: neither another orbit nor a single layer has it, and moving images that are turned already adds
nothing. Digits are turned by up to 90 degrees either way.
Accuracy on the 40 % left out after {digits.EPOCHS} epochs, mean and standard deviation over seeds;
no epoch was chosen, unlike in the published figures, which are the best of 30 epochs on the data they were chosen on.
"""
    return text + "\n" + _lines(f"| network | numbers | {' | '.join(digits.CONDITIONS)} |", rows)


def _cell(values: list[float]) -> str:
    if not values:
        return ""
    return f"{mean(values):.3f} ± {stdev(values) if len(values) > 1 else 0.0:.3f} ({len(values)})"
