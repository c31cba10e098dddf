"""One symmetry of every road and of every kind of action, for whatever takes one."""

import functools
import math
import warnings

import pytest
import torch

import isotropy as iso
from isotropy import actions
from isotropy.actions import Affine, Points, PolynomialFields, Product, Prolonged, TimeScaled
from isotropy.discover import Plan
from isotropy.errors import AmbiguousRankWarning


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def square(x):
    return x[:, :2].square().sum(1)


def turning(x):
    """A planar field that turns, at its own pace."""
    return torch.stack([-x[:, 1], x[:, 0]], dim=1) * x.square().sum(1, keepdim=True)


def still(action):
    return actions.Trivial(action.algebra, (1,))


def of_model(action, f, points):
    """A road's answer for an invariant map."""
    return iso.discover.FromModel(action, still(action)).fit(f, points).symmetry_


def circles(count=400):
    angle = 2 * math.pi * torch.rand(count, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return torch.stack([2 + angle.cos(), -1 + angle.sin()], dim=1)


def bend(x):
    return torch.stack([x[:, 0], x[:, 1] + x[:, 0] ** 2], dim=1)


def blobs(count=40, size=8):
    line = torch.linspace(-1, 1, size, dtype=torch.float64)
    centres = 0.3 * randn(count, 2)
    squares = (line[None, :, None] - centres[:, 0, None, None]) ** 2 + (line - centres[:, 1, None, None]) ** 2
    return torch.exp(-6 * squares)[:, None]


def jets():
    action = Prolonged(("x",), ("u",), order=1, degree=1)
    return action, lambda z: z[:, 2] - z[:, 1], randn(300, action.size)


def from_equations():
    action, equation, points = jets()
    solved = torch.cat([points[:, :2], points[:, 1:2]], dim=1)
    return iso.discover.FromEquations(action, ["u_x"]).fit(solved, equation).symmetry_


def from_pairs():
    times = torch.linspace(-0.4, 0.4, 120, dtype=torch.float64)
    x = randn(120, 3)
    moved = torch.einsum("bij,bj->bi", torch.linalg.matrix_exp(times[:, None, None] * iso.so(3).basis[0]), x)
    return iso.discover.FromPairs().fit(x, moved, times).symmetry_


def from_noether():
    t = torch.linspace(0, 6, 100, dtype=torch.float64)
    orbits = [torch.stack([a * t.cos(), b * t.sin(), -a * t.sin(), b * t.cos()], 1) for a, b in ((1, 2), (2, 1))]
    return iso.discover.FromNoether(iso.so(2).vector()).fit(orbits).symmetry_


def from_moments():
    angle = 2 * math.pi * torch.rand(4000, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    waves = torch.cat([angle.cos(), angle.sin(), (2 * angle).cos(), (2 * angle).sin()], 1)
    return iso.discover.FromMoments(iso.gl(4).vector()).fit(waves).symmetry_


def discrete():
    elements = torch.stack([torch.eye(2), torch.diag(torch.tensor([-1.0, 1.0])), torch.diag(torch.tensor([1.0, -1.0]))])
    road = iso.discover.DiscreteSymmetries(iso.gl(2).vector(), iso.gl(2).scalar())
    return road.fit(lambda x: x[:, 0].cos() + x[:, 1] ** 3, randn(100, 2), elements).symmetry_


def layer():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)).double()
    return next(iter(iso.discover.layers(model, randn(60, 2)).layers.values())).symmetry_


def from_data():
    x = randn(120, 2)
    road = iso.discover.FromData(iso.gl(2).vector(), iso.gl(2).scalar(), kinds=["polynomial"])
    return road.fit(x, square(x) + 0.01 * randn(120, seed=1)).symmetry_


def liegan():
    pytest.importorskip("lightning_fabric", reason="games need isotropy[train]")
    x = randn(300, 2)
    road = iso.discover.LieGAN(
        iso.gl(2).vector(), iso.gl(2).scalar(), plan=Plan(epochs=2, steps=5), starts=1, kinds=["polynomial"], rank=1
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AmbiguousRankWarning)  # a short game ends anywhere
        return road.fit(x, square(x)).symmetry_


def laligan():
    pytest.importorskip("lightning_fabric", reason="games need isotropy[train]")
    z, angle = randn(200, 2), torch.tensor(0.4)
    c, s = torch.cos(angle), torch.sin(angle)
    after = torch.stack([c * z[:, 0] - s * z[:, 1], s * z[:, 0] + c * z[:, 1]], dim=1)
    road = iso.discover.LaLiGAN(hidden=16, plan=Plan(epochs=1, steps=3), polish=5, starts=1, seed=0)
    return road.fit(bend(z), bend(after)).symmetry_


def dynamics(action):
    return iso.discover.FromDynamics(action).fit_field(turning, randn(200, 2)).symmetry_


V2, V3, SE2 = iso.gl(2).vector(), iso.gl(3).vector(), Affine(iso.se(2))

ROADS = {
    "model, linear": lambda: of_model(V3, square, randn(200, 3)),
    "model, two vectors": lambda: of_model(2 * V3, lambda x: (x[:, :3] * x[:, 3:]).sum(1) + square(x), randn(300, 6)),
    "model, affine": lambda: of_model(Affine(iso.aff(2)), lambda x: (x - 1).square().sum(1), randn(200, 2)),
    "model, polynomial": lambda: of_model(PolynomialFields(2, 2), lambda x: bend(x).square().sum(1), randn(80, 2)),
    "model, points": lambda: of_model(Points(SE2, 2), lambda x: square(x[:, :2] - x[:, 2:]), randn(200, 4)),
    "model, product": lambda: of_model(Product(V2, V2), lambda x: (x[:, :2] * x[:, 2:]).sum(1), randn(200, 4)),
    "model, image": lambda: of_model(actions.Image(iso.se(2), 8, 8), lambda x: x.square().flatten(1).sum(1), blobs()),
    "data, linear": from_data,
    "points, affine": lambda: iso.discover.FromPoints(Affine(iso.aff(2))).fit(circles()).symmetry_,
    "dynamics, linear": lambda: dynamics(V2),
    "dynamics, time-scaled": lambda: dynamics(TimeScaled(V2)),
    "noether, linear": from_noether,
    "moments, linear": from_moments,
    "density, affine": lambda: (
        iso.discover.FromDensity(Affine(iso.aff(2))).fit_score(lambda x: -x, randn(100, 2)).symmetry_
    ),
    "equations, prolonged": from_equations,
    "pairs, linear": from_pairs,
    "discrete, elements": discrete,
    "layers, linear": layer,
    "game, linear": liegan,
    "game, latent": laligan,
}


def with_status(status, dim=0):
    """A symmetry that nothing was computed for, with a status and the first generators of gl(2)."""
    rows = torch.eye(4, dtype=torch.float64)[:dim]
    whole = iso.gl(2)
    none = whole.span(rows[:0])
    return iso.Symmetry(V2, rows, whole.span(rows), 0 * rows, status, none, none)


@functools.cache
def symmetry(name):
    """The answer of a road, with names and units of its columns."""
    found = ROADS[name]()
    count = found.candidates.size
    return found.named([f"c{place}" for place in range(count)], ["mm"] * count)


def points_of(found, count=20):
    """Points `(count, *event)` that an action moves, at which flows of a short time stay finite."""
    return 0.3 * randn(count, *found.candidates.event, seed=3)


def assert_same(one, other, order=None):
    """Two symmetries do the same to points, and say the same of it; ``order`` permutes the columns of the other."""
    rows = slice(None) if order is None else list(order)
    x = points_of(one)
    assert other.dim == one.dim
    if one.dim:
        fields = one.action.fields(x)
        moved = other.action.fields(x if order is None else x[:, rows])
        torch.testing.assert_close(moved, fields if order is None else fields[:, :, rows], rtol=1e-12, atol=1e-12)
        xi = 0.1 * torch.ones(one.dim, dtype=torch.float64)
        flowed, again = one.action.flow(xi, x), other.action.flow(xi, x if order is None else x[:, rows])
        torch.testing.assert_close(again, flowed if order is None else flowed[:, rows], rtol=1e-10, atol=1e-10)
    for name in ("coefficients", "uncertainty", "spectrum", "elements"):
        assert torch.equal(getattr(other, name), getattr(one, name)), name
    for name in ("status", "cut", "orders", "road", "derivative", "seed", "limits", "version", "name"):
        assert getattr(other, name) == getattr(one, name), name
    assert repr(other.generators) == repr(one.generators)  # NaN is not equal to itself
    assert repr(dict(other.certificates)) == repr(dict(one.certificates))
    assert repr((other.gap, other.floor)) == repr((one.gap, one.floor))
    assert (other.trivial.dim, other.transversal.dim) == (one.trivial.dim, one.transversal.dim)
    if order is None:
        assert repr(other.domain) == repr(one.domain)
        assert other.fields() == one.fields()
