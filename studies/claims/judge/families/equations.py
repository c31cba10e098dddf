"""Differential equations of the judge set, and the fields of the first degree that keep them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from isotropy.actions import Prolonged

from .draws import Draw, gaussian_process, linear_forms, scalar

Terms = dict[str, dict[str, float]]
_X, _T, _U = {"x": {"1": 1.0}}, {"t": {"1": 1.0}}, {"u": {"1": 1.0}}
# Independent variables, what the equation is solved for, and what a break sees. A break that alone sees what the rest
# ignores would break that by as much as chance, however small it is.
_SHAPES: dict[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "curvature": (("x",), "u_xx", ("u_x",)),
    "porous ground": (("x", "t"), "u_t", ("u", "u_x")),
    "growing front": (("x", "t"), "u_t", ("u_x", "u_xx")),
    "hardening string": (("x", "t"), "u_tt", ("u_x", "u_xx")),
    "forced pendulum": (("x",), "u_xx", ()),
    "graded medium": (("x", "t"), "u_t", ()),
    "faint source": (("x", "t"), "u_t", ()),
}
EQUATIONS = {
    "nothing": ("forced pendulum", "graded medium", "faint source"),
    "planted": ("curvature", "porous ground", "growing front", "hardening string"),
}


class Equation:
    """``u_lead = g(others)``, its jets and the fields that keep it among polynomials of a degree."""

    def __init__(self, family: str, draw: Draw, broken: float) -> None:
        independent, self.lead, met = _SHAPES[family]
        self.action: Any = Prolonged(independent, ("u",), order=2, degree=1)
        self.names = self.action.names
        self.place = self.names.index(self.lead)
        self.variables = len(independent) + 1
        right, self.kept = _right_side(family, draw)
        others = [self.names.index(name) for name in met]
        bend = scalar(gaussian_process(draw, len(others), length=1.2)) if broken else None
        self.right: Callable[[Tensor], Tensor] = lambda z: (
            right(self._named(z)) + (broken * bend(z[:, others]) if bend else 0.0)
        )

    def __call__(self, z: Tensor) -> Tensor:
        """Vanishes at solutions."""
        return z[..., self.place] - self.right(z.reshape(-1, z.shape[-1])).reshape(z.shape[:-1])

    def _named(self, z: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.names, z.unbind(1), strict=True))

    def sample(self, law: Any, draw: Draw, count: int) -> Tensor:
        """Jets of solutions."""
        z = law.sample(draw, count)
        z[:, self.place] = self.right(z)
        return z

    @property
    def planted(self) -> Tensor | None:
        """Coordinates of the fields that keep it."""
        return torch.stack([self.action.generator(terms) for terms in self.kept]) if self.kept else None


def _right_side(family: str, draw: Draw) -> tuple[Callable[[dict[str, Tensor]], Tensor], list[Terms]]:
    """What the leading derivative is, and what keeps it."""
    a, b = float(draw.uniform(0.6, 1.4)), float(draw.uniform(0.4, 0.9))
    forms, faint = linear_forms(draw, 3, 3), 10 ** draw.uniform(-2.5, -1.3)
    known: dict[str, tuple[Callable[[dict[str, Tensor]], Tensor], list[Terms]]] = {
        "curvature": (  # circles of one size
            lambda j: a * (1 + j["u_x"].square()) ** 1.5,
            [_X, _U, {"x": {"u": -1.0}, "u": {"x": 1.0}}],
        ),
        "porous ground": (
            lambda j: a * (j["u"] * j["u_xx"] + j["u_x"].square()),
            [_X, _T, {"x": {"x": 1.0}, "t": {"t": 2.0}}, {"u": {"u": 1.0}, "t": {"t": -1.0}}],
        ),
        "growing front": (
            lambda j: b * j["u_xx"] - a / 2 * j["u_x"].square(),
            [_X, _T, _U, {"x": {"x": 1.0}, "t": {"t": 2.0}}, {"x": {"t": a}, "u": {"x": 1.0}}],
        ),
        "hardening string": (
            lambda j: a * j["u_x"].square() * j["u_xx"],
            [
                _X, _T, _U, {"u": {"t": 1.0}}, {"x": {"x": 1.0}, "u": {"u": 2.0}}, {"t": {"t": 1.0}, "u": {"u": -1.0}}
            ],
        ),
        "forced pendulum": (
            lambda j: -torch.sin(j["u"]) - b * j["u_x"] * j["u_x"].abs() + a * torch.cos(1.3 * j["x"]),
            [],
        ),
        "graded medium": (
            lambda j: (
                (1 + b * torch.sin(j["x"] + 0.5 * j["t"])) * j["u_xx"] + a * torch.cos(j["t"]) * j["u"].square()
                + torch.tanh(forms(torch.stack([j["x"], j["u"], j["u_x"]], 1))).sum(1)
            ),
            [],
        ),
        "faint source": (  # a front that hardly feels where and how high it is
            lambda j: (
                b * j["u_xx"] - a / 2 * j["u_x"].square()
                + faint * torch.sin(forms(torch.stack([j["x"], j["t"], j["u"]], 1))).sum(1)
            ),
            [],
        ),
    }  # fmt: skip
    return known[family]
