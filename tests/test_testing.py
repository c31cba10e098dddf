"""The public asserts accept what is right and refuse every planted mistake."""

import pytest
import torch
from torch import nn

import isotropy as iso
from isotropy.core._estimator import Estimator
from isotropy.testing import (
    assert_action,
    assert_algebra,
    assert_equivariant,
    assert_estimator,
    assert_representation,
)

G = iso.so(3)
V, ONE = G.vector(), G.scalar()


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# -- algebras and representations --------------------------------------------------------------------------------


def test_spans_that_do_not_close_are_refused():
    with pytest.raises(AssertionError, match="closure defect: expected at most 1e-09, received 1"):
        assert_algebra(G.span(torch.eye(3)[:2]))
    assert_algebra(iso.LieAlgebra(torch.zeros(0, 3, 3)))


def test_a_slightly_bent_algebra_needs_a_tolerance():
    bent = iso.LieAlgebra(G.basis + 1e-5 * randn(3, 3, 3))
    with pytest.raises(AssertionError, match="closure"):
        assert_algebra(bent)
    assert_algebra(bent, tolerance=1e-3)


def test_matrices_that_do_not_represent_are_refused():
    with pytest.raises(AssertionError, match="drho xi, drho eta"):
        assert_representation(iso.Representation(G, 2 * G.basis), finite=False)
    with pytest.raises(AssertionError, match="exp"):
        assert_representation(iso.Representation(G, G.basis, rho=lambda g: g.T))
    with pytest.raises(AssertionError, match=r"shape \(3, 2, 2\)"):
        assert_representation(iso.Representation(G, lambda: G.basis, 2))
    assert_representation(iso.Representation(G, G.basis), finite=False)


# -- actions -----------------------------------------------------------------------------------------------------


class Broken(iso.Representation):
    """The defining action of so(3), with one mistake."""

    def __init__(self, mistake):
        super().__init__(G, G.basis)
        self.mistake = mistake

    def fields(self, y, at=None):
        if self.mistake == "fields":
            return super().fields(y) * 1.01
        return super().fields(y).float() if self.mistake == "dtype" else super().fields(y)

    def field(self, xi, y, at=None):
        return super().field(xi, y) + (0.01 if self.mistake == "offset" else 0.0)

    def flow(self, xi, y, t=1.0, at=None):
        extra = {"fast": t, "late": 0.01, "bent": t * t}.get(self.mistake, 0.0)
        return super().flow(xi, y, t + extra)

    def contract(self, jacobian, x):
        if self.mistake == "inputs":
            x.mul_(1.0 + 1e-12)
        return super().contract(jacobian, x) * (0.5 if self.mistake == "contract" else 1.0)

    def tangent(self):
        return iso.so(3).vector().T.restrict(2 * torch.eye(3), G) if self.mistake == "tangent" else V


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ("fields", "fields"),
        ("dtype", "expected"),
        ("offset", "linear in xi"),
        ("fast", "velocity"),
        ("late", "time 0"),
        ("bent", "flow by"),
        ("tangent", "tangent"),
        ("contract", "contract"),
        ("inputs", "points after"),
    ],
)
def test_mistakes_in_an_action_are_found(mistake, words):
    with pytest.raises(AssertionError, match=words):
        assert_action(Broken(mistake), randn(5, 3))


def test_the_sound_action_passes():
    assert_action(Broken("none"), randn(5, 3))
    assert_action(Broken("none"), randn(5, 3).float())


def test_fields_of_another_sign_are_found():
    class Backwards(iso.Representation):
        def fields(self, y, at=None):
            return -super().fields(y)

        def field(self, xi, y, at=None):
            return -super().field(xi, y)

        def flow(self, xi, y, t=1.0, at=None):
            return super().flow(xi, y, -t)

        def tangent(self):
            return self

    with pytest.raises(AssertionError, match="bracket of fields"):
        assert_action(Backwards(G, G.basis), randn(5, 3))


# -- maps --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_equivariant_maps_pass_and_broken_ones_do_not(dtype):
    x = randn(20, 3).to(dtype)
    assert_equivariant(lambda x: x * x.norm(dim=1, keepdim=True), x, V, V)
    assert_equivariant(lambda x: x.norm(dim=1), x, V, ONE)
    with pytest.raises(AssertionError, match="infinitesimal error of generator"):
        assert_equivariant(lambda x: x * x[:, :1], x, V, V)
    assert_equivariant(lambda x: x * (1 + 1e-4 * x[:, :1]), x, V, V, tolerance=1e-2)


def test_a_map_that_is_only_locally_equivariant_is_found_by_finite_motions():
    def cut(x):  # constant on either side of a plane
        return torch.where(x[:, 0] > 0, 1.0, -1.0).to(x) * x.square().sum(1)

    with pytest.raises(AssertionError, match="finite motion"):
        assert_equivariant(cut, randn(50, 3), V, ONE)


def test_undefined_is_not_passed():
    with pytest.raises(AssertionError, match="0/0"):
        assert_equivariant(lambda x: 0 * x[:, 0], randn(5, 3), V, ONE)


def test_a_network_is_not_equivariant_by_chance():
    torch.manual_seed(0)
    with pytest.raises(AssertionError, match="received 0"):
        assert_equivariant(nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 3)), randn(9, 3).float(), V, V)


# -- estimators --------------------------------------------------------------------------------------------------


class Mean(Estimator):
    """The mean of samples, with one planted mistake."""

    mistake = "none"

    def __init__(self, scale=1.0, seed=0):
        self.scale = scale + 1 if self.mistake == "changed" else scale
        self.seed = seed
        if self.mistake == "extra":
            self.cache = {}

    def fit(self, x):
        noise = torch.randn(1, generator=torch.Generator().manual_seed(self.seed))
        if self.mistake == "random":
            noise = torch.randn(1)
        if self.mistake == "inputs":
            x += 1
        if self.mistake == "hyperparameters":
            self.scale = 2.0
        if self.mistake != "empty":
            self.mean_ = {"value": [x.mean() + noise], "gap": float("inf"), "words": "mean"}
        return None if self.mistake == "self" else self


class Eager(Mean):
    mean_ = None


def planted(mistake):
    return type("Planted", (Mean,), {"mistake": mistake})


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (planted("extra"), "store"),
        (planted("self"), "self"),
        (planted("random"), "mean_"),
        (planted("inputs"), "fit argument 0"),
        (planted("hyperparameters"), "scale"),
        (planted("empty"), "results"),
        (Eager, "NotFittedError"),
    ],
)
def test_mistakes_in_an_estimator_are_found(kind, words):
    with pytest.raises(AssertionError, match=words):
        assert_estimator(kind, [randn(4, 2)])


def test_a_constructor_that_changes_its_arguments_is_found():
    with pytest.raises(AssertionError, match="scale: expected the argument itself"):
        assert_estimator(planted("changed"), [randn(4, 2)])


def test_a_sound_estimator_passes():
    state = torch.random.get_rng_state()
    assert_estimator(Mean, [randn(4, 2)])
    assert torch.equal(torch.random.get_rng_state(), state)
