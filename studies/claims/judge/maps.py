"""Maps without symmetry of the judge set: families `(batch, n)` to `(batch,)`, drawn anew for every run."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from .draws import Draw, Field, gaussian_process, linear_forms, scalar, tensor

Make = Callable[[Draw, int], Field]


def _net(activation: Callable[[Tensor], Tensor], width: int, pace: float) -> Make:
    """One hidden layer."""

    def make(draw: Draw, n: int) -> Field:
        forms, weights = linear_forms(draw, n, width, pace), tensor(draw.normal(size=width))
        return lambda x: activation(forms(x)) @ weights

    return make


def _deep(draw: Draw, n: int) -> Field:
    """Two hidden layers of tanh and ELU."""
    first, second, weights = linear_forms(draw, n, 9), linear_forms(draw, 9, 6, 1.2), tensor(draw.normal(size=6))
    return lambda x: functional.elu(second(torch.tanh(first(x)))) @ weights


def _bessel(draw: Draw, n: int) -> Field:
    """Spherical Bessel functions of the distances from three centres, each in a metric of its own."""
    centres, width = tensor(draw.normal(size=(3, n))), tensor(draw.uniform(0.6, 1.6, (3, n)))
    weights = tensor(draw.normal(size=(3, 2)))

    def rings(x: Tensor) -> Tensor:
        radius = 2 * (((x[:, None] - centres) * width).square().sum(2) + 1e-2).sqrt()
        zeroth, first = radius.sin() / radius, (radius.sin() / radius - radius.cos()) / radius
        return zeroth @ weights[:, 0] + first @ weights[:, 1]

    return rings


def _kinetics(draw: Draw, n: int) -> Field:
    """Sum and product of Michaelis-Menten rates of concentrations that are positive."""
    rates, halves = tensor(draw.uniform(0.5, 2, n + 1)), tensor(draw.uniform(0.3, 2, n))

    def rate(x: Tensor) -> Tensor:
        amount = functional.softplus(1.5 * x)
        shares = amount / (halves + amount)
        return shares @ rates[:n] + rates[n] * shares.prod(1)

    return rate


def _hill(draw: Draw, n: int) -> Field:
    """Logistic switches, multiplied and added."""
    forms, weights = linear_forms(draw, n, 6, 1.3), tensor(draw.normal(size=3))
    return lambda x: torch.sigmoid(forms(x)).unflatten(1, (3, 2)).prod(2) @ weights


def _piecewise(draw: Draw, n: int) -> Field:
    """A quadratic on each side of two planes, not continuous across them."""
    forms, sides = linear_forms(draw, n, 8, 0.8), linear_forms(draw, n, 2)

    def value(x: Tensor) -> Tensor:
        parts = forms(x).unflatten(1, (4, 2))
        quadratics = parts[:, :, 0].square() - 0.6 * parts[:, :, 1].square() + parts.prod(2)
        place = ((sides(x) > 0).long() * torch.tensor([1, 2])).sum(1)
        return quadratics.gather(1, place[:, None])[:, 0]

    return value


def _angles(draw: Draw, n: int) -> Field:
    """Directions in which two places are seen; an angle jumps by a turn somewhere."""
    forms = linear_forms(draw, n, 4)

    def value(x: Tensor) -> Tensor:
        a, b, c, d = forms(x).unbind(1)
        return torch.atan2(a, 0.3 + b.abs()) + 0.5 * torch.atan2(c, d + 0.05)

    return value


def _lennard_jones(draw: Draw, n: int) -> Field:
    """Softened attraction and repulsion by four places of unlike strength."""
    centres, strength = tensor(1.3 * draw.normal(size=(4, n))), tensor(draw.uniform(0.5, 2, 4))

    def energy(x: Tensor) -> Tensor:
        near = 1 / (0.6 + (x[:, None] - centres).square().sum(2))
        return (near**3 - near) @ strength

    return energy


def _entropy(draw: Draw, n: int) -> Field:
    """Entropy of shares that depend on linear forms."""
    forms = linear_forms(draw, n, n + 2, 1.2)
    return lambda x: torch.special.entr(forms(x).softmax(1)).sum(1)


def _max_affine(draw: Draw, n: int) -> Field:
    forms = linear_forms(draw, n, 7)
    return lambda x: forms(x).amax(1)


def _sawtooth(draw: Draw, n: int) -> Field:
    """A smooth map with jumps, as of a counter that is reset."""
    smooth, form = scalar(gaussian_process(draw, n)), linear_forms(draw, n, 1, 1.4)
    return lambda x: smooth(x) + 0.8 * torch.frac(form(x)[:, 0])


def _ridge(draw: Draw, n: int) -> Field:
    """Fourth powers of more directions than columns."""
    forms, weights = linear_forms(draw, n, n + 2, 0.7), tensor(draw.uniform(0.5, 1.5, n + 2))
    signs = tensor(draw.choice([-1.0, 1.0], n + 2))
    return lambda x: forms(x) ** 4 @ (weights * signs)


def _one_direction(draw: Draw, n: int) -> Field:
    """Of one linear form only: the others are ignored."""
    form = linear_forms(draw, n, 1, 0.9)
    return lambda x: functional.softplus(2 * form(x)[:, 0]) + 0.3 * torch.sin(3 * form(x)[:, 0])


def _near_linear(draw: Draw, n: int) -> Field:
    """A trend, and 0.3 to 10 % of something else."""
    slope, other = tensor(draw.normal(size=n)), scalar(gaussian_process(draw, n))
    share = 10 ** draw.uniform(-2.5, -1)
    return lambda x: x @ slope + share * other(x)


def _quartic(draw: Draw, n: int) -> Field:
    """All monomials to the fourth degree with random weights."""
    raw = [tensor(draw.normal(size=(n,) * k) / math.factorial(k)) for k in (1, 2, 3, 4)]

    def value(x: Tensor) -> Tensor:
        terms = ("i,si->s", "ij,si,sj->s", "ijk,si,sj,sk->s", "ijkl,si,sj,sk,sl->s")
        return sum(torch.einsum(term, part, *[x] * (k + 1)) for k, (term, part) in enumerate(zip(terms, raw)))  # type: ignore[return-value] # noqa: B905

    return value


def _arrhenius(draw: Draw, n: int) -> Field:
    """Rates that are exponential in an inverse, and saturate."""
    above, below, weights = linear_forms(draw, n, 4, 0.6), linear_forms(draw, n, 4, 0.6), tensor(draw.normal(size=4))
    return lambda x: torch.exp(-above(x).square() / (0.5 + functional.softplus(below(x)))) @ weights


MAPS: dict[str, Make] = {
    "softplus net": _net(lambda u: functional.softplus(2 * u), 7, 1.2),
    "erf net": _net(torch.erf, 5, 1.5),
    "leaky net": _net(lambda u: functional.leaky_relu(u, 0.2), 9, 1.0),
    "deep net": _deep,
    "gaussian process": lambda draw, n: scalar(gaussian_process(draw, n)),
    "bessel": _bessel,
    "kinetics": _kinetics,
    "hill": _hill,
    "piecewise": _piecewise,
    "angles": _angles,
    "lennard-jones": _lennard_jones,
    "entropy": _entropy,
    "max affine": _max_affine,
    "sawtooth": _sawtooth,
    "fourth powers": _ridge,
    "one form": _one_direction,
    "near linear": _near_linear,
    "quartic": _quartic,
    "arrhenius": _arrhenius,
}
SMOOTH = tuple(name for name in MAPS if name not in ("piecewise", "angles", "sawtooth", "max affine", "leaky net"))


def several(draw: Draw, name: str, n: int, outputs: int) -> Field:
    """Several maps of a family side by side, `(batch, outputs)`."""
    made = [MAPS[name](draw, n) for _ in range(outputs)]
    return lambda x: torch.stack([f(x) for f in made], dim=1)
