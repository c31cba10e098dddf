"""Every kind of action, put to the same tests by every file of this folder. A new kind is one more line here."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

import isotropy as iso
from isotropy import actions
from isotropy.action._action import Action
from isotropy.actions import Affine, Points, PolynomialFields, Product, TimeScaled
from isotropy.actions._template import Squeeze


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def blobs(size):
    """Smooth images `(2, 1, size, size)` that vanish near the edge."""
    line = torch.linspace(-1, 1, size, dtype=torch.float64)
    first = torch.exp(-12 * (line[:, None] ** 2 + (line[None] - 0.1) ** 2))
    return torch.stack([first, first * (line[:, None] + 0.3)])[:, None]


def bend(x):
    return torch.stack([x[:, 0], x[:, 1] * torch.exp(0.3 * x[:, 0]), x[:, 2] + 0.2 * x[:, 0] * x[:, 1]], dim=1)


def straighten(z):
    y = z[:, 1] * torch.exp(-0.3 * z[:, 0])
    return torch.stack([z[:, 0], y, z[:, 2] - 0.2 * z[:, 0] * y], dim=1)


def layers(first, last, hidden=8, seed=0):
    """A smooth network in float64."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        stack = [torch.nn.Linear(first, hidden), torch.nn.Tanh(), torch.nn.Linear(hidden, last)]
    return torch.nn.Sequential(*stack).double().requires_grad_(False)


@dataclass(frozen=True)
class Kind:
    """An action, points that it moves, and how exact its flow is; grids are less exact than formulas."""

    action: Action
    points: Tensor = field(default_factory=lambda: torch.zeros(0))
    accuracy: float = 1e-8

    def __post_init__(self):
        if not len(self.points):
            object.__setattr__(self, "points", 0.5 * randn(4, *self.action.event, seed=1))


SE2, AFF2, GL3 = Affine(iso.se(2)), Affine(iso.aff(2)), iso.gl(3).vector()
EULER = PolynomialFields(2, 2)

KINDS = {
    "linear": Kind(GL3),
    "linear, indefinite": Kind(iso.so(1, 2).vector()),
    "linear, of matrices": Kind(actions.linear(iso.so(3).basis)),
    "dual and tensor": Kind(iso.so(3).vector() * iso.so(3).vector().T),
    "affine": Kind(AFF2),
    "euclidean": Kind(SE2),
    "translations": Kind(Affine(iso.translation(3))),
    "affine factor": Kind(Affine(iso.aff(2) + iso.scaling(1), factor=0)),
    "points": Kind(Points(SE2, 3)),
    "points, linear": Kind(Points(iso.so(3).vector(), 2)),
    "polynomial": Kind(EULER),
    "polynomial, linear": Kind(PolynomialFields(2, 1)),
    "polynomial, closed": Kind(PolynomialFields(1, 2)),
    "product": Kind(Product(iso.so(3).vector(), iso.so(3).vector() ** 2)),
    "product of affine": Kind(Product(SE2, SE2, iso.se(2).scalar())),
    "trivial": Kind(actions.Trivial(iso.so(3), (2, 3))),
    "image": Kind(actions.Image(iso.se(2), 48, 48), blobs(48), 1e-3),
    "latent": Kind(actions.LatentAction(bend, straighten, iso.so(3).vector(), (3,))),
    "time-scaled": Kind(TimeScaled(GL3)),
    "time-scaled affine": Kind(TimeScaled(AFF2)),
    "squeeze": Kind(Squeeze()),
    "restricted linear": Kind(GL3.restrict(randn(4, 9))),
    "restricted affine": Kind(AFF2.restrict(randn(3, 6))),
    "restricted points": Kind(Points(SE2, 3).restrict(randn(2, 3))),
    "restricted polynomial": Kind(EULER.restrict(randn(4, 12))),
    "restricted time-scaled": Kind(TimeScaled(GL3).restrict(torch.eye(10)[5:])),
    "restricted twice": Kind(Points(SE2, 2).restrict(randn(3, 3)).restrict(randn(2, 3))),
    "reordered": Kind(actions.Reordered(Points(SE2, 2), [2, 0, 1, 3])),
    "factor of linear": Kind(GL3.factor_of(iso.gl(3) + iso.so(2))),
    "factor of points": Kind(Points(SE2, 2).factor_of(iso.so(2) + iso.se(2), offset=1)),
}
