"""Symmetries of dynamical systems: exact dimensions from vector fields, and answers from trajectories."""

import pytest
import torch

import isotropy as iso
from isotropy import datasets
from isotropy.actions import Affine, PolynomialFields, TimeScaled
from isotropy.discover import FromDynamics
from isotropy.errors import DataError, RepresentationMismatchError
from isotropy.testing import assert_algebra, assert_estimator


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def oscillate(state):
    x, v = state.chunk(2, -1)
    return torch.cat([v, -x], -1)


@pytest.mark.parametrize(
    ("candidates", "dim", "name"),
    [
        (iso.gl(4), 8, None),
        (iso.gl(6), 18, None),
        (iso.sp(4), 4, "u(2)"),
        (iso.sp(6), 9, "u(3)"),
    ],
    ids=["gl(4)", "gl(6)", "sp(4)", "sp(6)"],
)
def test_oscillator_has_the_complex_matrices(candidates, dim, name):
    found = FromDynamics(candidates.vector()).fit_field(oscillate, randn(200, candidates.n))
    assert (found.status_, found.algebra_.dim) == ("certified", dim)
    commutator = found.algebra_.basis @ _rotation(candidates.n) - _rotation(candidates.n) @ found.algebra_.basis
    assert float(commutator.abs().max()) < 1e-9
    if name:
        assert found.algebra_.identify().name == name
        assert found.algebra_.distance(iso.u(candidates.n // 2)) < 1e-9


def _rotation(size):
    return oscillate(torch.eye(size, dtype=torch.float64)).T


@pytest.fixture(scope="module")
def kepler():
    problem = datasets.kepler(samples=50)
    return problem.field, torch.cat(problem.data.states)


def test_kepler_has_rotations(kepler):
    found = FromDynamics(iso.gl(6).vector()).fit_field(*kepler)
    assert (found.status_, found.algebra_.dim) == ("certified", 3)
    assert found.algebra_.identify().name == "so(3)"
    assert found.algebra_.distance(iso.LieAlgebra((2 * iso.so(3).vector()).drho())) < 1e-8


def test_kepler_with_time_has_his_third_law(kepler):
    """``x -> e^(2c/3) x, t -> e^c t`` maps orbits to orbits."""
    found = FromDynamics(TimeScaled(iso.gl(6).vector())).fit_field(*kepler)
    assert (found.status_, found.algebra_.dim) == ("certified", 4)
    law = torch.zeros(7, dtype=torch.float64)
    law[:3], law[3:6], law[6] = 2 / 3, -1 / 3, -1.0
    span = torch.linalg.qr(found.algebra_.basis.flatten(1).T).Q
    wanted = torch.diag(law).flatten()
    assert float((wanted - span @ (span.T @ wanted)).norm()) < 1e-8
    assert any("t d/dt" in text for text in found.vector_fields())


def test_hopf_turns_and_lorenz_does_nothing():
    hopf, lorenz = datasets.hopf(samples=50), datasets.lorenz(samples=50)
    found = FromDynamics(Affine(iso.aff(2))).fit_field(hopf.field, torch.cat(hopf.data.states))
    assert (found.status_, found.vector_fields()) == ("certified", ["x d/dy - y d/dx"])
    none = FromDynamics(Affine(iso.aff(3))).fit_field(lorenz.field, torch.cat(lorenz.data.states))
    assert (none.status_, none.algebra_.dim, set(none.certificates_)) == ("none", 0, {"tolerance"})
    assert float(none.spectrum_[-1]) > 0.1


def bent(field):
    """The field of (u, w) in the coordinates ``x = u``, ``y = w + u^2``."""

    def velocity(state):
        u, w = state[:, 0], state[:, 1] - state[:, 0] ** 2
        du, dw = field(u, w)
        return torch.stack([du, dw + 2 * u * du], 1)

    return velocity


def test_bent_linear_system_has_bent_scalings():
    """``u d/du`` and ``w d/dw`` commute with ``-u d/du - 3.5 w d/dw``; bent, they are polynomials of degree two."""
    found = FromDynamics(PolynomialFields(2, degree=2)).fit_field(bent(lambda u, w: (-u, -3.5 * w)), randn(200, 2))
    assert (found.status_, found.algebra_.dim) == ("certified", 2)
    expected = torch.zeros(2, 2, 6, dtype=torch.float64)  # terms 1, x, y, x^2, x y, y^2
    expected[0, 0, 1], expected[0, 1, 3] = 1, 2  # x d/dx + 2 x^2 d/dy
    expected[1, 1, 2], expected[1, 1, 3] = 1, -1  # (y - x^2) d/dy
    angles = iso.core._linalg.principal_angles(found.algebra_.basis.flatten(1), expected.flatten(1))
    assert float(angles.max()) < 1e-8
    assert found.algebra_.closure_defect() < 1e-10


@pytest.mark.parametrize(("degree", "dim"), [(2, 1), (3, 2)])
def test_bent_rotation_needs_its_degree(degree, dim):
    """The bent dilation has degree two, the bent rotation degree three."""
    found = FromDynamics(PolynomialFields(2, degree=degree)).fit_field(bent(lambda u, w: (-w, u)), randn(300, 2))
    assert (found.status_, found.algebra_.dim) == ("certified", dim)


def test_change_of_basis_conjugates_the_answer():
    change = torch.eye(4, dtype=torch.float64) + 0.4 * randn(4, 4, seed=5)
    back = torch.linalg.inv(change)
    found = FromDynamics(iso.gl(4).vector()).fit_field(
        lambda s: oscillate(s @ back.T) @ change.T, randn(200, 4) @ change.T
    )
    straight = FromDynamics(iso.gl(4).vector()).fit_field(oscillate, randn(200, 4))
    assert found.algebra_.distance(straight.algebra_.conjugate(change)) < 1e-8


def test_trajectories_of_the_hopf_form():
    problem = datasets.hopf(trajectories=5, samples=80)
    found = FromDynamics(Affine(iso.aff(2)), kinds=["polynomial"]).fit(problem.data.states, problem.data.times)
    assert (found.status_, found.algebra_.dim) == ("certified", problem.expected.dimension)
    assert (found.identify().name, found.to_dict()["name"]) == ("so(2)", "so(2)")


def test_trajectories_of_the_oscillator():
    problem = datasets.oscillator(trajectories=5, samples=80)
    found = FromDynamics(iso.sp(4).vector(), kinds=["polynomial"]).fit(problem.data.states, problem.data.times)
    assert (found.status_, found.algebra_.identify().name) == ("certified", "u(2)")
    assert found.algebra_.distance(iso.u(2)) < 1e-4
    assert_algebra(found.algebra_, tolerance=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("make", [datasets.hopf, datasets.lorenz, datasets.oscillator])
def test_trajectories_of_textbook_problems(make):
    """Every surrogate competes."""
    problem = make()
    candidates = iso.named(problem.expected.candidates)
    action = Affine(candidates) if problem.expected.candidates.startswith("aff") else candidates.vector()
    found = FromDynamics(action).fit(problem.data.states, problem.data.times)
    assert found.algebra_.dim == problem.expected.dimension
    assert found.status_ == ("certified" if problem.expected.dimension else "none")


def test_contract_of_estimators():
    problem = datasets.hopf(trajectories=3, samples=40)
    assert_estimator(
        lambda: FromDynamics(iso.gl(2).vector(), kinds=["polynomial"], seed=2),
        [list(problem.data.states), list(problem.data.times)],
    )


def test_bad_input_is_refused():
    x, t = randn(40, 4), torch.linspace(0, 1, 40, dtype=torch.float64)
    road = FromDynamics(iso.gl(4).vector())
    with pytest.raises(RepresentationMismatchError, match=r"expected an action on 2 outputs"):
        road.fit_field(lambda s: s[:, :2], x)
    with pytest.raises(RepresentationMismatchError, match=r"received \(3,\)"):
        road.fit_field(oscillate, x[:, :3])
    with pytest.raises(DataError, match="1 trajectories and 2 times"):
        road.fit([x], [t, t])
    with pytest.raises(DataError, match="at least 20 samples"):
        road.fit([x[:8]], [t[:8]])
