"""Flat directions, sharpness, curvature and moving along orbits."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from isotropy.errors import DataError, SymmetryError
from isotropy.parameters import (
    barrier,
    directions,
    displacement,
    ensemble,
    flat_directions,
    orbit_path,
    path_curvature,
    sharpness,
    sharpness_along,
    symmetries,
    top_eigenvalue,
)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def linear_net(m, h, n):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(n, h, bias=False), nn.Linear(h, m, bias=False)).double()


def point_of(net):
    return {name: value.detach() for name, value in net.named_parameters()}


def outputs_of(net, x):
    return lambda p: torch.func.functional_call(net, p, (x,))


@pytest.mark.parametrize(
    ("m", "h", "n", "fibre", "orbit"),
    [
        (3, 2, 4, 4, 4),
        (4, 3, 3, 9, 9),
        (3, 5, 4, 23, 23),
        (3, 8, 4, 44, 44),
        (2, 6, 3, 24, 24),
        (4, 3, 2, 10, 9),
        (6, 4, 2, 20, 16),
        (2, 3, 5, 11, 9),
    ],
)
def test_counts_of_the_textbook(m, h, n, fibre, orbit):
    net, x = linear_net(m, h, n), randn(n + 3, n)
    found = flat_directions(outputs_of(net, x), point_of(net), symmetries(net, x))
    assert (found.nullity, found.orbit, len(found.unexplained)) == (fibre, orbit, fibre - orbit)
    assert found.leak < 1e-10
    target = outputs_of(net, x)(point_of(net))
    at_minimum = flat_directions(
        lambda p: (outputs_of(net, x)(p) - target).square().mean(), point_of(net), symmetries(net, x)
    )
    assert (at_minimum.nullity, at_minimum.orbit) == (fibre, orbit)


def test_orbit_of_a_relu_net_has_one_dimension_for_each_neuron():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).double()
    found = flat_directions(outputs_of(net, randn(200, 3)), point_of(net), symmetries(net, randn(5, 3)))
    assert found.orbit == 7
    assert found.nullity >= 7
    assert found.leak < 1e-8


def test_away_from_a_minimum_orbits_are_not_flat_for_the_hessian():
    net, x = linear_net(3, 4, 3), randn(9, 3)
    found = flat_directions(
        lambda p: outputs_of(net, x)(p).square().mean(), point_of(net), symmetries(net, x), tolerance=1e-10
    )
    assert found.leak > 0.1


def test_nan_is_named():
    net, x = linear_net(2, 2, 2), randn(3, 2)
    with pytest.raises(DataError, match="finite values at the point"):
        flat_directions(lambda p: outputs_of(net, x)(p).sum() * float("nan"), point_of(net), symmetries(net, x))
    with pytest.raises(DataError, match="near the point"):
        sharpness(lambda p: p["w"].sum() * float("nan"), {"w": torch.zeros(2)}, [0.1])


@pytest.mark.parametrize("quantity", [0.0, 1.0, 2.0, 5.0, 10.0])
def test_sharpness_of_the_scalar_product_is_known(quantity):
    net, x, target = linear_net(1, 1, 1), torch.ones(1, 1, dtype=torch.float64), 1.0
    u = math.sqrt((quantity + math.sqrt(quantity**2 + 4)) / 2)  # u v = 1 with u^2 - v^2 = quantity
    point = {
        "0.weight": torch.tensor([[1 / u]], dtype=torch.float64),
        "1.weight": torch.tensor([[u]], dtype=torch.float64),
    }

    def loss(p):
        return 0.5 * (target - outputs_of(net, x)(p)).square().sum()

    assert top_eigenvalue(loss, point) == pytest.approx(math.sqrt(quantity**2 + 4), abs=1e-6)
    points = sharpness_along(loss, symmetries(net, x), point, torch.ones(1, dtype=torch.float64), [-0.4, 0.0, 0.7])
    for one in points:
        assert one.loss < 1e-20
        assert one.eigenvalue == pytest.approx(math.sqrt(4 * one.quantity**2 + 4), abs=1e-6)


def test_lanczos_agrees_with_the_hessian():
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(5, 34), nn.Tanh(), nn.Linear(34, 2)).double(), randn(20, 5)
    point = point_of(net)

    def loss(p):
        return (outputs_of(net, x)(p) - 1).square().mean()

    flat = flat_directions(loss, point, symmetries(net, x))
    assert top_eigenvalue(loss, point) == pytest.approx(float(flat.spectrum[0]), rel=1e-6)


@pytest.mark.parametrize("radius", [0.5, 1.0, 7.0])
def test_circles_have_their_curvature(radius):
    point = {"w": radius * torch.tensor([math.cos(1.0), math.sin(1.0)], dtype=torch.float64)}

    def turn(p):
        return {"w": torch.stack([-p["w"][1], p["w"][0]])}

    assert path_curvature(turn, point) == pytest.approx(1 / radius, abs=1e-8)
    with pytest.raises(DataError, match="moves the point"):
        path_curvature(turn, {"w": torch.zeros(2)})


def test_orbits_connect_minima_that_a_barrier_parts():
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 8), nn.Linear(8, 3)).double(), randn(30, 4)
    symmetry, target = symmetries(net, x[:2]), outputs_of(net, x)(point_of(net))

    def loss(p):
        return (outputs_of(net, x)(p) - target).square().mean()

    xi = 0.4 * randn(symmetry.dim, seed=2)
    way = orbit_path(symmetry, point_of(net), xi, [k / 10 for k in range(11)])
    assert all(torch.equal(way[0][name], value) for name, value in point_of(net).items())
    assert max(float(loss(one)) for one in way) < 1e-20
    assert barrier(loss, way[0], way[-1]) > 1e-3
    gaps = [float((symmetry.flatten(b) - symmetry.flatten(a)).norm()) for a, b in pairwise(way)]
    assert max(gaps) < 0.5 * float((symmetry.flatten(way[-1]) - symmetry.flatten(way[0])).norm())


def test_curvature_of_an_orbit_is_that_of_its_points():
    net = linear_net(2, 3, 3)
    symmetry, xi = symmetries(net, randn(4, 3)), 0.3 * randn(9, seed=4)
    kappa = path_curvature(lambda p: symmetry.velocity(xi, p), point_of(net))
    before, here, after = (symmetry.flatten(one) for one in orbit_path(symmetry, point_of(net), xi, [-1e-3, 0.0, 1e-3]))
    a, b, c = (here - before).norm(), (after - here).norm(), (after - before).norm()
    half = (a + b + c) / 2
    area = ((half - a) * (half - b) * (half - c) * half).sqrt()
    assert float(4 * area / (a * b * c)) == pytest.approx(kappa, rel=1e-4)


@pytest.mark.parametrize(("kappa", "radius", "value"), [(0, 1, 2 / math.pi), (5, 0.1, 0.6296), (10, 0.1, 0.5987)])
def test_displacement_from_a_bent_valley(kappa, radius, value):
    assert displacement(kappa, radius) == pytest.approx(value, abs=1e-4)


def test_directions_are_isotropic_unit_vectors():
    drawn = torch.stack([one["w"] for one in directions({"w": torch.zeros(50, dtype=torch.float64)}, 200)])
    cosines = drawn @ drawn.T
    assert torch.allclose(cosines.diagonal(), torch.ones(200, dtype=torch.float64))
    assert abs(float((cosines.sum() - 200) / (200 * 199))) < 0.02


def test_members_of_an_ensemble_are_one_function():
    net, x = linear_net(3, 5, 4), randn(7, 4)
    members = ensemble(symmetries(net, x), point_of(net), 5, 0.5)
    new = randn(11, 4, seed=9)
    outputs = torch.stack([outputs_of(net, new)(one) for one in members])
    assert float((outputs - outputs_of(net, new)(point_of(net))).abs().max()) < 1e-10
    assert float((members[0]["0.weight"] - members[1]["0.weight"]).norm()) > 0.1
    with pytest.raises(DataError, match="count >= 1"):
        ensemble(symmetries(net, x), point_of(net), 0, 0.1)


def test_sharpness_along_wants_a_quantity():
    net = linear_net(2, 2, 2)
    symmetry = symmetries(net, randn(3, 2)).select("scaling")
    with pytest.raises(SymmetryError, match="conserved quantities"):
        sharpness_along(lambda p: p["0.weight"].sum(), symmetry, point_of(net), torch.zeros(0), [0.0])
