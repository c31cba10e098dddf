"""Conserved quantities: exact counts from vector fields and from trajectories, constants included."""

import math

import pytest
import torch

import isotropy as iso
from isotropy import datasets
from isotropy.discover import ConservedQuantities
from isotropy.errors import DataError, RepresentationMismatchError
from isotropy.testing import assert_estimator

polynomials = iso.dictionary.polynomials


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def oscillator(*stiffness):
    weights = torch.tensor(stiffness, dtype=torch.float64)

    def field(state):
        x, v = state.chunk(2, -1)
        return torch.cat([v, -weights * x], -1)

    return field


def kepler(state):
    x, v = state.split(3, -1)
    return torch.cat([v, -x / x.norm(dim=-1, keepdim=True) ** 3], -1)


def top(state):
    """Euler's equations of a free top with moments of inertia 1, 2, 3."""
    a, b, c = state.unbind(-1)
    return torch.stack([-b * c, c * a, -a * b / 3], -1)


@pytest.mark.parametrize(
    ("field", "size", "degree", "expected"),
    [
        (oscillator(1.0), 2, 2, 2),
        (oscillator(1.0, 1.0), 4, 2, 5),
        (oscillator(1.0, 1.0, 1.0), 6, 2, 10),
        (oscillator(1.0, 2.0), 4, 2, 3),
        (kepler, 6, 2, 4),
        (top, 3, 2, 3),
        (top, 3, 4, 6),
    ],
    ids=["1-D", "2-D", "3-D", "two frequencies", "Kepler", "top", "top degree 4"],
)
def test_fields_give_exact_counts(field, size, degree, expected):
    x = randn(300, size)
    found = ConservedQuantities(polynomials(size, degree)).fit_field(field, x)
    assert (found.status_, found.dim_, len(found.trivial_)) == ("certified", expected, 1)
    slopes = torch.einsum("kp,bpn,bn->bk", found.coefficients_, found.dictionary.jacobian(x), field(x))
    assert float(slopes.abs().max()) < 1e-8


def test_equations_are_readable():
    found = ConservedQuantities(polynomials(2, 2)).fit_field(oscillator(4.0), randn(50, 2))
    assert found.equations(["q", "p"]) == ["q^2 + 0.25 p^2"]
    momenta = ConservedQuantities(polynomials(6, 2)).fit_field(kepler, randn(300, 6))
    assert "-x v + y u" in momenta.equations(["x", "y", "z", "u", "v", "w"])


@pytest.mark.parametrize(("make", "expected"), [(datasets.oscillator, 5), (datasets.kepler, 4)])
def test_trajectories_give_the_same_counts(make, expected):
    problem = make(trajectories=20, samples=60)
    found = ConservedQuantities(polynomials(problem.data.states[0].shape[1], 2)).fit(problem.data.states)
    assert (found.status_, found.dim_, len(found.trivial_)) == ("certified", expected, 1)
    values = [found.dictionary.evaluate(s) @ found.coefficients_.T for s in problem.data.states]
    spread = torch.cat(values).std(0)
    assert all(float((v.std(0) / spread).max()) < 1e-8 for v in values)


def test_what_is_constant_over_all_data_is_trivial():
    """On one energy shell the energy is a number, not a quantity."""
    starts = torch.nn.functional.normalize(randn(12, 4), dim=1)
    t = torch.linspace(0, 6, 50, dtype=torch.float64)[:, None]
    orbits = [torch.cat([s[:2] * t.cos() + s[2:] * t.sin(), s[2:] * t.cos() - s[:2] * t.sin()], 1) for s in starts]
    found = ConservedQuantities(polynomials(4, 2)).fit(orbits)
    assert (found.status_, found.dim_, len(found.trivial_)) == ("certified", 5, 2)


@pytest.mark.parametrize("unit", [1e-5, 1e5])
def test_units_change_nothing(unit):
    x, field = randn(200, 4), oscillator(1.0, 1.0)
    first = ConservedQuantities(polynomials(4, 2)).fit_field(field, x)
    second = ConservedQuantities(polynomials(4, 2)).fit_field(field, unit * x)
    assert first.dim_ == second.dim_ == 5
    assert torch.allclose(first.spectrum_, second.spectrum_, atol=1e-8)


def test_a_dissipative_system_conserves_nothing():
    found = ConservedQuantities(polynomials(3, 2)).fit_field(datasets.lorenz(samples=10).field, 10 * randn(200, 3))
    assert (found.status_, found.dim_, found.equations()) == ("none", 1, [])


def damped(damping, count=12):
    """Matrix of a damped oscillator, and some of its orbits over six units of time."""
    matrix = torch.tensor([[0.0, 1.0], [-2.0, -2 * damping]], dtype=torch.float64)
    flows = torch.linalg.matrix_exp(torch.linspace(0, 6, 200, dtype=torch.float64)[:, None, None] * matrix)
    return matrix, [torch.einsum("tij,j->ti", flows, start) for start in randn(count, 2)]


@pytest.mark.parametrize("damping", [0.01, 0.03, 0.1])
def test_a_damped_energy_is_not_conserved(damping):
    """At 0.03 the orbits lose 30 % of it, though in any instant hardly anything."""
    matrix, orbits = damped(damping)
    road = ConservedQuantities(polynomials(2, 2))
    for found in (
        road.fit(orbits),
        ConservedQuantities(polynomials(2, 2)).fit_field(lambda x: x @ matrix.T, randn(400, 2)),
    ):
        assert (found.status_, found.equations(), found.grade_) == ("none", [], "")
        assert "No function" in found.why_


def test_without_damping_it_is_conserved_exactly():
    matrix, orbits = damped(0.0)
    road = ConservedQuantities(polynomials(2, 2))
    for found in (
        road.fit(orbits),
        ConservedQuantities(polynomials(2, 2)).fit_field(lambda x: x @ matrix.T, randn(400, 2)),
    ):
        assert (found.status_, found.grade_, found.equations()) == ("certified", "exact", ["x^2 + 0.5 y^2"])
        assert found.upper_[0] < 1e-12


def test_a_little_damping_is_told_in_numbers():
    """Orbits lose 0.4 % of their energy; the largest loses most of the spread, 2 %, within a tolerance of 5 %."""
    _, orbits = damped(0.0003, 60)
    found = ConservedQuantities(polynomials(2, 2)).fit(orbits)
    lost = torch.stack([1 - (o[-1, 1] ** 2 + 2 * o[-1, 0] ** 2) / (o[0, 1] ** 2 + 2 * o[0, 0] ** 2) for o in orbits])
    assert (found.status_, found.grade_) == ("certified", "approximate")
    assert 0 < found.lower_[0] <= found.errors_[0] <= found.upper_[0] <= 0.05
    assert float(lost.mean()) < 3 * found.errors_[0]
    assert "exclude an exact one" in found.why_
    strict = ConservedQuantities(polynomials(2, 2), tolerance=0.0005).fit(orbits)
    assert strict.status_ == "none"
    few = ConservedQuantities(polynomials(2, 2)).fit(orbits[:12])
    assert (few.status_, len(few.coefficients_)) == ("undecided", 1)
    assert "12 trajectories do not tell how others drift, 59 would" in few.why_


def test_one_orbit_that_loses_it_is_enough():
    """Eleven orbits without damping do not excuse the twelfth."""
    orbits = [*damped(0.0)[1][:11], damped(0.1)[1][11]]
    assert ConservedQuantities(polynomials(2, 2)).fit(orbits).status_ != "certified"


def test_units_of_single_columns_change_nothing():
    matrix, orbits = damped(0.001)
    units = torch.tensor([2.0**-20, 2.0**13], dtype=torch.float64)
    first = ConservedQuantities(polynomials(2, 2)).fit(orbits)
    second = ConservedQuantities(polynomials(2, 2)).fit([o * units for o in orbits])
    assert second.upper_ == pytest.approx(first.upper_, rel=1e-6)
    x = randn(300, 2)
    first = ConservedQuantities(polynomials(2, 2)).fit_field(lambda x: x @ matrix.T, x)
    second = ConservedQuantities(polynomials(2, 2)).fit_field(lambda x: (x / units) @ matrix.T * units, x * units)
    assert second.upper_ == pytest.approx(first.upper_, rel=1e-6)


def test_a_rank_that_is_given_is_judged_as_it_is():
    found = ConservedQuantities(polynomials(2, 2), rank=2).fit_field(oscillator(1.0), randn(200, 2))
    assert (found.status_, len(found.coefficients_)) == ("undecided", 2)
    assert max(found.upper_) > 0.05
    assert "above the tolerance" in found.why_


def test_contract_of_estimators():
    problem = datasets.oscillator(1, trajectories=4, samples=30)
    assert_estimator(lambda: ConservedQuantities(polynomials(2, 2)), [list(problem.data.states)])


def test_the_drift_is_that_of_the_quantity_that_is_written():
    """Of all states of a field, in the time of one turn: what the docstring says, computed here on its own."""
    x = randn(400, 2)
    matrix, _ = damped(0.0003)
    found = ConservedQuantities(polynomials(2, 2)).fit_field(lambda s: s @ matrix.T, x)
    row, dictionary = found.coefficients_[0], found.dictionary
    covariance = torch.cov(x.T, correction=0)
    v = x @ matrix.T
    turn = 2 * math.pi * (2 / (v @ torch.linalg.inv(covariance) * v).sum(1).mean()).sqrt()
    change = turn * torch.einsum("sdn,sn,d->s", dictionary.jacobian(x), v, row)
    spread = (dictionary.evaluate(x) @ row).std(correction=0)
    assert found.status_ == "certified"
    assert found.errors_[0] == pytest.approx(float(change.square().mean().sqrt() / spread), rel=1e-6)
    assert 0 < found.lower_[0] < found.errors_[0] < found.upper_[0] < 0.05


def test_bad_input_is_refused():
    road = ConservedQuantities(polynomials(2, 2))
    with pytest.raises(DataError, match="at least 2, received 1"):
        road.fit([randn(30, 2)])
    with pytest.raises(RepresentationMismatchError, match=r"trajectories\[1\]"):
        road.fit([randn(30, 2), randn(30, 3)])
    with pytest.raises(RepresentationMismatchError, match=r"v: expected velocities of shape \(30, 2\)"):
        road.fit_field(lambda s: s[:, :1], randn(30, 2))
    with pytest.raises(DataError, match="tolerance: expected a number between 0 and 1"):
        ConservedQuantities(polynomials(2, 2), tolerance=0.0).fit_field(oscillator(1.0), randn(30, 2))
    with pytest.raises(DataError, match="v: expected finite"):
        road.fit_field(lambda s: s / 0, randn(30, 2))


def test_a_drift_that_few_states_carry_has_no_limits():
    def damped(state):
        x, v = state.chunk(2, -1)
        return torch.cat([v, -x - x**3 - 0.01 * v], -1)

    x = randn(300, 2) / randn(300, 1, seed=1).abs().sqrt()
    found = ConservedQuantities(polynomials(2, degree=4)).fit_field(damped, x)
    assert found.status_ == "undecided"
    assert all(limit != limit for limit in (*found.lower_, *found.upper_))
    assert "95%" not in found.why_


def test_nothing_is_exact_where_rounding_is_coarse():
    """Of states far from the origin squares cancel to few digits, in which a drift may hide."""
    x = randn(60, 2)
    field = oscillator(1.0)
    found = ConservedQuantities(polynomials(2, 2)).fit_field(field, x)
    far = ConservedQuantities(polynomials(2, 2)).fit_field(lambda s: field(s - 1e6), x + 1e6)
    assert (found.status_, found.grade_) == ("certified", "exact")
    assert far.grade_ != "exact"
