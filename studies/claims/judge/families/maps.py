"""Maps without symmetry of the judge set: families `(batch, n)` to `(batch,)`, drawn anew for every run."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from .draws import Draw, Field, linear_forms, tensor

Make = Callable[[Draw, int], Field]


def _attention(draw: Draw, n: int) -> Field:
    """One head of attention: values weighted by a softmax of keys."""
    keys, values = linear_forms(draw, n, 5, 1.2), linear_forms(draw, n, 5)
    return lambda x: (keys(x).softmax(1) * values(x)).sum(1)


def _model_tree(draw: Draw, n: int) -> Field:
    """Three trees of two levels with a linear model in every leaf; not continuous."""
    columns = torch.from_numpy(draw.integers(0, n, (3, 2)))
    bars, models = tensor(0.6 * draw.normal(size=(3, 2))), linear_forms(draw, n, 12)

    def value(x: Tensor) -> Tensor:
        sides = (x[:, columns] > bars).long()
        leaf = sides[:, :, 0] * 2 + sides[:, :, 1]
        return models(x).unflatten(1, (3, 4)).gather(2, leaf[:, :, None]).sum((1, 2))

    return value


def _relu_tower(draw: Draw, n: int) -> Field:
    """A ReLU network with a skip from one hidden layer to the next."""
    first, second, weights = linear_forms(draw, n, 10), linear_forms(draw, 10, 10), tensor(draw.normal(size=10))

    def value(x: Tensor) -> Tensor:
        hidden = torch.relu(first(x))
        return (hidden + torch.relu(second(hidden))) @ weights

    return value


def _spectral_lines(draw: Draw, n: int) -> Field:
    """Lorentzian lines of unlike width, each along a direction of its own."""
    forms, widths = linear_forms(draw, n, 6, 1.2), tensor(draw.uniform(0.4, 1.0, 6))
    heights = tensor(draw.normal(size=6))
    return lambda x: widths.square() / (widths.square() + forms(x).square()) @ heights


def _state_equation(draw: Draw, n: int) -> Field:
    """A pressure by van der Waals; volume, temperature and attraction depend on the columns."""
    forms = linear_forms(draw, n, n + 2, 0.9)

    def pressure(x: Tensor) -> Tensor:
        volume, warm, *others = forms(x).unbind(1)
        volume, warm = 0.7 + functional.softplus(volume), 1 + functional.softplus(warm)
        rest = torch.stack(others, 1)
        return warm / (volume - 0.3) - (1 + torch.sigmoid(rest).sum(1)) / volume.square() + 0.3 * rest.tanh().prod(1)

    return pressure


def _chirp(draw: Draw, n: int) -> Field:
    """Waves whose pace grows with the distance along some directions."""
    bends, forms = tensor(0.5 * draw.normal(size=(3, n, n)) / n), linear_forms(draw, n, 3)
    heights = tensor(draw.uniform(0.5, 1.5, 3))
    return lambda x: torch.cos(torch.einsum("si,kij,sj->sk", x, bends, x) + forms(x)) @ heights


def _chaos_series(draw: Draw, n: int) -> Field:
    """Legendre polynomials of bounded variables, alone and in pairs."""
    forms, alone = linear_forms(draw, n, n + 1, 0.7), tensor(draw.normal(size=(n + 1, 3)))
    both = tensor(draw.normal(size=(n + 1, n + 1)))

    def value(x: Tensor) -> Tensor:
        t = forms(x).tanh()
        second, third = (3 * t.square() - 1) / 2, (5 * t**3 - 3 * t) / 2
        return (torch.stack([t, second, third], 2) * alone).sum((1, 2)) + ((t @ both) * second).sum(1)

    return value


def _median(draw: Draw, n: int) -> Field:
    """The middle of seven readings."""
    forms = linear_forms(draw, n, 7)
    return lambda x: forms(x).median(1).values


def _clipped(draw: Draw, n: int) -> Field:
    """A gauge that saturates at both ends."""
    inner = _chaos_series(draw, n)
    return lambda x: inner(x).clamp(-1.5, 1.5)


def _two_indices(draw: Draw, n: int) -> Field:
    """Of two directions only: all others are ignored."""
    forms = linear_forms(draw, n, 2, 0.8)

    def value(x: Tensor) -> Tensor:
        a, b = forms(x).unbind(1)
        return a * b.tanh() + torch.tanh(2 * a) - 0.5 * torch.cos(a) * b.square() / (1 + 0.2 * b.square())

    return value


def _one_index(draw: Draw, n: int) -> Field:
    """Growth by Gompertz along one direction."""
    form = linear_forms(draw, n, 1, 0.8)
    return lambda x: torch.exp(-torch.exp(-1.5 * form(x)[:, 0].clamp_min(-4))) + 0.2 * torch.cos(2 * form(x)[:, 0])


def _idle_column(draw: Draw, n: int) -> Field:
    """The last column is not used at all."""
    inner = _attention(draw, n - 1)
    return lambda x: inner(x[:, :-1])


def _faint_column(draw: Draw, n: int) -> Field:
    """The last column matters by 0.1 to 5 % of the rest."""
    inner, form, share = _spectral_lines(draw, n - 1), linear_forms(draw, n - 1, 1), 10 ** draw.uniform(-3, -1.3)
    return lambda x: inner(x[:, :-1]) + share * torch.sin(1.5 * x[:, -1] + form(x[:, :-1])[:, 0])


def _seasonal_trend(draw: Draw, n: int) -> Field:
    """A trend, and 0.5 to 10 % of waves and of a kink."""
    slope, waves, share = tensor(draw.normal(size=n)), linear_forms(draw, n, 5, 1.5), 10 ** draw.uniform(-2.3, -1)
    return lambda x: x @ slope + share * (torch.cos(waves(x)[:, :4]).sum(1) + waves(x)[:, 4].abs())


def _hypot_net(draw: Draw, n: int) -> Field:
    """Softened lengths of pairs of readings."""
    forms, weights = linear_forms(draw, n, 2 * n + 2), tensor(draw.normal(size=n + 1))
    return lambda x: (forms(x).unflatten(1, (n + 1, 2)).square().sum(2) + 0.1).sqrt() @ weights


def _siren(draw: Draw, n: int) -> Field:
    """Two layers of sines."""
    first, second, weights = linear_forms(draw, n, 8), linear_forms(draw, 8, 6), tensor(draw.normal(size=6))
    return lambda x: torch.sin(second(torch.sin(first(x)))) @ weights


def _congestion(draw: Draw, n: int) -> Field:
    """Delays that grow the faster the fuller each of some queues is."""
    forms, weights = linear_forms(draw, n, n + 2, 0.8), tensor(draw.uniform(0.4, 1.2, n + 2))
    return lambda x: (forms(x).sigmoid() / (1.15 - forms(x).sigmoid())) @ weights


MAPS: dict[str, Make] = {
    "attention": _attention,
    "model tree": _model_tree,
    "faint column": _faint_column,
    "spectral lines": _spectral_lines,
    "relu tower": _relu_tower,
    "seasonal trend": _seasonal_trend,
    "two indices": _two_indices,
    "state equation": _state_equation,
    "clipped": _clipped,
    "chaos series": _chaos_series,
    "idle column": _idle_column,
    "congestion": _congestion,
    "one index": _one_index,
    "hypot net": _hypot_net,
    "median": _median,
    "chirp": _chirp,
    "siren": _siren,
}
SMOOTH = tuple(name for name in MAPS if name not in ("model tree", "median", "clipped", "relu tower"))


def several(draw: Draw, name: str, n: int, outputs: int) -> Field:
    """Several maps of a family side by side, `(batch, outputs)`."""
    made = [MAPS[name](draw, n) for _ in range(outputs)]
    return lambda x: torch.stack([f(x) for f in made], dim=1)
