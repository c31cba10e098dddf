"""Stacks of L-conv, field theory and currents."""

import math
from itertools import pairwise

import pytest
import torch

import isotropy as iso
from isotropy.errors import DataError, RepresentationMismatchError
from isotropy.nn import Lagrangian, LConv, LConvFlow, circular_shift, noether_current

F64 = {"dtype": torch.float64}


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), **F64)


# -- L7, L8: finite motions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("points", [5, 9, 21])
def test_shift_generator_moves_by_whole_points(points):
    L = circular_shift(points).basis[0]
    assert torch.equal(L, -L.T) or (L + L.T).abs().max() < 1e-14
    moved = torch.linalg.matrix_exp(-2 * L)
    assert (moved - torch.eye(points, **F64).roll(-2, 0)).abs().max() < 1e-12


def stacked(points, steps, step, t=2.0):
    return torch.linalg.matrix_power(
        LConvFlow(circular_shift(points), step=step, steps=steps, **F64).matrix(torch.tensor([t])), steps
    )


@pytest.mark.parametrize(("points", "steps", "published"), [(20, 8, 0.772), (20, 16, 0.931), (40, 8, 0.747)])
def test_published_correlation_of_a_stack_with_the_shift(points, steps, published):
    """The published shift lacks the highest wave, which has no sine on an even grid: the ceiling is not 1."""
    signs = (-1.0) ** torch.arange(points, **F64)
    known = torch.linalg.matrix_exp(2 * circular_shift(points).basis[0]) - signs[:, None] * signs / points
    stack = stacked(points, steps, "euler")
    assert float((stack * known).sum() / stack.norm() / known.norm()) == pytest.approx(published, abs=1e-3)
    assert float((known - torch.eye(points, **F64).roll(2, 0)).abs().max()) == pytest.approx(1 / points)


@pytest.mark.parametrize(("step", "start", "slope"), [("euler", 64, -1), ("cayley", 8, -2)])
def test_error_of_a_stack_falls_with_its_order(step, start, slope):
    exact = torch.linalg.matrix_exp(2 * circular_shift(20).basis[0])
    errors = [float((stacked(20, n, step) - exact).norm()) for n in (start, 2 * start, 4 * start)]
    for first, second in pairwise(errors):
        assert math.log2(second / first) == pytest.approx(slope, abs=0.1)


@pytest.mark.parametrize("step", ["exp", "cayley", "euler"])
def test_times_may_differ_between_samples(step):
    flow = LConvFlow(iso.so(3), step=step, steps=4, **F64)
    x, t = draw(5, 2, 3), draw(5, 3, seed=1)
    one_by_one = torch.cat([flow(row[None], time) for row, time in zip(x, t, strict=True)])
    assert (flow(x, t) - one_by_one).abs().max() < 1e-12
    whole = torch.linalg.matrix_power(flow.matrix(t[0]), 1 if step == "exp" else 4)
    assert (flow(x, t)[0] - x[0] @ whole.T).abs().max() < 1e-12


def test_flow_learns_its_time_and_compiles():
    flow = LConvFlow(circular_shift(9), **F64)
    x, t = draw(20, 9), torch.tensor([0.2], **F64, requires_grad=True)
    optimiser = torch.optim.Adam([t], lr=0.05)
    for _ in range(100):
        optimiser.zero_grad()
        (flow(x, t) - flow(x, torch.tensor([0.9], **F64))).square().mean().backward()
        optimiser.step()
    assert float(t.detach()) == pytest.approx(0.9, abs=1e-2)
    compiled = torch.compile(LConvFlow(circular_shift(9), step="cayley", steps=3, **F64), backend="eager")
    assert compiled(x, t).shape == x.shape


def test_bad_flows_are_refused():
    with pytest.raises(DataError, match="step"):
        LConvFlow(iso.so(3), step="midpoint")
    with pytest.raises(RepresentationMismatchError, match="square"):
        LConvFlow(torch.ones(1, 2, 3))
    with pytest.raises(RepresentationMismatchError, match="one number per generator"):
        LConvFlow(iso.so(3))(torch.ones(2, 3), torch.ones(2))
    with pytest.raises(DataError, match="points"):
        circular_shift(1)


# -- L14: field theory -----------------------------------------------------------------------------------------------


def test_terms_of_the_lagrangian_make_the_loss():
    generators = iso.nn.DenseGenerators(
        6, 2, constraint="antisymmetric", **F64, generator=torch.Generator().manual_seed(0)
    )
    layer = LConv(3, 4, generators, bias=False, generator=torch.Generator().manual_seed(1), **F64)
    phi, theory = draw(5, 3, 6), Lagrangian(layer)
    loss = layer(phi).square().sum((1, 2))
    terms = theory.terms(phi)
    assert (theory(phi) - loss).abs().max() < 1e-10
    assert terms["symmetric"].abs().max() < 1e-10
    assert terms["antisymmetric"].abs().max() > 1.0
    free = phi.clone().requires_grad_()
    slope = torch.autograd.grad(layer(free).square().sum(), free)[0]
    assert (theory.field_equation(phi) - slope).abs().max() < 1e-10
    with pytest.raises(RepresentationMismatchError, match="flatten"):
        theory(phi[0])


def test_general_generators_keep_the_identity():
    layer = LConv(2, 2, draw(3, 4, 4), identity=False, bias=False, **F64)
    phi = draw(5, 2, 4)
    assert (Lagrangian(layer)(phi) - layer(phi).square().sum((1, 2))).abs().max() < 1e-10


# -- L15: currents ---------------------------------------------------------------------------------------------------


def test_energy_of_a_massive_field_is_constant():
    x, mass = torch.linspace(0, 5, 200, **F64)[:, None], 1.7
    phi, slope = (mass * x).cos() + 0.3 * (mass * x).sin(), mass * (0.3 * (mass * x).cos() - (mass * x).sin())

    def density(phi, slopes):
        return slopes[:, 0, 0].square() / 2 - mass**2 * phi[:, 0].square() / 2

    current = noether_current(density, phi, slope[:, None], slope, torch.ones_like(x))
    assert (current - current.mean()).abs().max() < 1e-12


def test_charge_of_a_doublet_is_constant():
    x = torch.linspace(0, 5, 200, **F64)
    phi = torch.stack([x.cos(), 0.4 * x.sin() + 0.1 * x.cos()], 1)
    slope = torch.stack([-x.sin(), 0.4 * x.cos() - 0.1 * x.sin()], 1)

    def density(phi, slopes):
        return slopes.square().sum((1, 2)) / 2 - phi.square().sum(1) / 2

    turned = phi @ torch.tensor([[0.0, 1], [-1, 0]], **F64)
    charge = noether_current(density, phi, slope[:, None], turned)[:, 0]
    assert (charge - charge.mean()).abs().max() < 1e-12
    assert (charge - (phi[:, 0] * slope[:, 1] - phi[:, 1] * slope[:, 0])).abs().max() < 1e-12


def test_current_in_the_plane_has_no_divergence():
    """A plane wave sum that solves the wave equation; shifts along x, divergence by central differences."""
    k = torch.tensor([[1.0, 0.5], [0.3, -0.8]], **F64)

    def parts(points):
        phase = points @ k.T
        slopes = torch.stack([-(phase.sin() * k[:, a]).sum(1) for a in (0, 1)], 1)[:, :, None]
        return phase.cos().sum(1)[:, None], slopes

    metric = _null_metric(k)

    def density(phi, slopes):
        return torch.einsum("pa,ab,pb->p", slopes[..., 0], metric, slopes[..., 0]) / 2

    def current(points):
        phi, slopes = parts(points)
        return noether_current(
            density, phi, slopes, slopes[:, 0], torch.tensor([[1.0, 0.0]], **F64).expand(len(phi), 2)
        )

    points, step = draw(20, 2), torch.eye(2, **F64) * 1e-5
    divergence = sum((current(points + s) - current(points - s))[:, a] / 2e-5 for a, s in enumerate(step))
    assert divergence.abs().max() < 1e-8
    with pytest.raises(RepresentationMismatchError, match="missing axes"):
        noether_current(density, torch.ones(3, 1), torch.ones(3, 1), torch.ones(3, 1))


def _null_metric(k):
    """A symmetric metric in which both wave vectors are null."""
    rows = torch.stack([torch.stack([v[0] ** 2, 2 * v[0] * v[1], v[1] ** 2]) for v in k])
    a, b, c = torch.linalg.svd(rows).Vh[-1]
    return torch.stack([torch.stack([a, b]), torch.stack([b, c])])


# -- L16: second moments tell nothing --------------------------------------------------------------------------------


def test_covariance_allows_all_rotations_of_its_frame():
    points = 5
    first = draw(points)
    first = (first + first.flip(0).roll(1)) / 2  # an even row makes a circulant covariance
    rows = torch.stack([first.roll(i) for i in range(points)])
    covariance = rows @ rows.T + torch.eye(points, **F64)
    L = circular_shift(points).basis[0]
    assert (L @ covariance + covariance @ L.T).abs().max() < 1e-12
    unit = torch.eye(points, **F64)
    condition = torch.kron(unit, covariance) + torch.kron(covariance, unit) @ _transposition(points)
    kernel = (torch.linalg.svdvals(condition) < 1e-10).sum()
    assert int(kernel) == points * (points - 1) // 2


def _transposition(n):
    """``vec(L) -> vec(L^T)``."""
    return torch.eye(n * n, **F64).reshape(n, n, n * n).transpose(0, 1).reshape(n * n, n * n)
