"""Free formulas ranked by held-out error and by how far they break a symmetry, where invariants do not help."""

import numpy as np
import pytest
import torch

import isotropy as iso
from isotropy.dynamics import SymbolicRegression, VectorFields
from isotropy.dynamics.formulas._ranking import held_out, rank_systems
from isotropy.errors import DataError

sympy = pytest.importorskip("sympy")
x, y = sympy.symbols("x y")
POINTS = torch.randn(60, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
RING = x**2 + y**2
# Its invariants, such as r exp(-angle / 2), are neither polynomial nor rational.
SPIRAL = VectorFields(2, lambda p: torch.stack([0.5 * p[:, 0] - p[:, 1], p[:, 0] + 0.5 * p[:, 1]], dim=1))
SCALING = iso.diagonal(2).span(torch.tensor([[2.0, 1.0]], dtype=torch.float64)).vector()


def rank(fronts, action=None, weight=0.3, v=POINTS):
    written = [[(length, 0.0, sympy.sympify(f)) for length, f in front] for front in fronts]
    return rank_systems(written, [x, y], action or iso.so(2).vector(), POINTS, v, held_out(len(POINTS), 0), weight)


def symmetry_error(first, second, action=None):
    (only,) = rank([[(1, first)], [(1, second)]], action)
    return only.symmetry_error


@pytest.mark.parametrize(
    ("first", "second", "action"),
    [
        (x * (1 - RING) - y, y * (1 - RING) + x, iso.so(2).vector()),
        (x / (1 + RING), y / (1 + RING), iso.so(2).vector()),
        (0.1 * y**2 - 0.3 * x, y, SCALING),
        (0.3 * x - 2 * y, 2 * x + 0.3 * y, SPIRAL),
        (0, 0, iso.so(2).vector()),
    ],
)
def test_symmetric_fields_have_no_symmetry_error(first, second, action):
    assert symmetry_error(first, second, action) < 1e-12


@pytest.mark.parametrize(
    ("first", "second", "action"),
    [
        (x * (1 - x**2) - y, y * (1 - RING) + x, iso.so(2).vector()),
        (RING, RING, iso.so(2).vector()),  # invariant entries do not make a symmetric field
        (1, 0, iso.so(2).vector()),
        (0.5 * y - 0.3 * x, y, SCALING),
        (0.3 * x - 2 * y, 2 * x, SPIRAL),
    ],
)
def test_other_fields_have_some(first, second, action):
    assert 0.05 < symmetry_error(first, second, action) <= 1.0


def test_the_symmetry_error_of_a_projection_by_hand():
    # h = (x, 0), v = (-y, x): |[v, h]| = |(y, x)|, |Dh| |v| = |(x, y)|, |Dv h| = |x|.
    whole, part = float(POINTS.norm()), float(POINTS[:, 0].norm())
    assert symmetry_error(x, 0) == pytest.approx(whole / (whole + part), abs=1e-12)


def test_the_weight_decides_between_error_and_symmetry():
    v = torch.stack([1.02 * POINTS[:, 0], POINTS[:, 1] + 0.2 * POINTS[:, 0]], dim=1)
    fronts = [[(1, x)], [(1, y), (3, y + 0.2 * x)]]
    by_error, by_both = rank(fronts, weight=0.0, v=v)[0], rank(fronts, weight=5.0, v=v)[0]
    assert by_error.expressions == [x, y + 0.2 * x] and by_error.length == 4
    assert by_both.expressions == [x, y] and by_both.symmetry_error < 1e-12
    assert by_error.error == pytest.approx(0.02 / 1.02 / 2**0.5)
    assert by_error.loss == by_error.error < by_both.error == pytest.approx(by_both.loss)


def test_formulas_with_poles_at_samples_and_copies_go():
    fronts = [[(1, x), (5, 1 / (x - sympy.Rational(float(POINTS[0, 0]))))], [(1, y), (1, y)]]
    assert [c.expressions for c in rank(fronts)] == [[x, y]]


def test_too_many_systems_lose_the_worst_of_each_length():
    fronts = [[(length, x + length + k / 100) for length in range(10) for k in range(10)], [(1, y)] * 2]
    kept = rank(fronts)  # 44 formulas of the first coordinate
    assert len(kept) == 44
    assert {float(c.expressions[0] - x) for c in kept} >= {length + k / 100 for length in range(10) for k in range(4)}


def test_rows_are_held_out_in_blocks():
    held = held_out(200, 3)
    assert torch.equal(held, held_out(200, 3)) and int(held.sum()) == 60
    assert all(len(set(block.tolist())) == 1 for block in held.split(20))


def test_a_noisy_oscillator_keeps_its_symmetry():
    pytest.importorskip("pyoperon", reason="the extra symbolic")
    draw = np.random.default_rng(104)
    states, turn = draw.uniform(-1.2, 1.2, (40, 2)), np.array([[-0.1, 1.0], [-1.0, -0.1]])
    speeds = states @ turn + 0.3 * draw.normal(size=states.shape)
    model = SymbolicRegression(
        iso.so(2), constraint="soft", max_length=20, generations=60, population_size=200
    ).fit_velocities(states, speeds)
    chosen, plain = model.candidates_[0], min(model.candidates_, key=lambda c: c.error)
    assert chosen.expressions == model.expressions_ and not model.verified_
    assert chosen.symmetry_error < 0.1 < 0.3 < plain.symmetry_error
    assert all(c.loss == pytest.approx(c.error + 0.3 * c.symmetry_error) for c in model.candidates_)
    fresh = torch.as_tensor(draw.uniform(-1.2, 1.2, (500, 2)))
    truth = fresh @ torch.as_tensor(turn)
    assert float((model.predict(fresh) - truth).norm() / truth.norm()) < 0.2
    model.expressions_ = plain.expressions
    assert float((model.predict(fresh) - truth).norm() / truth.norm()) > 0.4


def test_fields_without_formulas_are_taken():
    pytest.importorskip("pyoperon", reason="the extra symbolic")
    t = np.linspace(0, 3, 80)
    path = np.exp(-t / 2)[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1)
    model = SymbolicRegression(SPIRAL, constraint="soft", generations=20, population_size=100).fit([path], [t])
    assert model.candidates_[0].symmetry_error < 0.05 and not model.verified_
    assert model.predict([[1.0, 0.0]])[0].tolist() == pytest.approx([-0.5, 1.0], abs=0.1)


def test_sympy_verifies_what_holds_exactly():
    pytest.importorskip("pyoperon", reason="the extra symbolic")
    model = SymbolicRegression(SCALING, constraint="soft", generations=20, population_size=100)
    model.fit_velocities(POINTS, POINTS * torch.tensor([-0.5, 2.0]))
    assert model.verified_, model.equations()


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf")])
def test_a_bad_weight_is_refused(weight):
    with pytest.raises(DataError, match="weight: expected a finite number >= 0"):
        SymbolicRegression(iso.so(2), constraint="soft", weight=weight).fit_velocities(POINTS, POINTS)


def test_bad_input_is_refused():
    with pytest.raises(DataError, match="constraint: expected one of"):
        SymbolicRegression(iso.so(2), constraint="loss").fit_velocities(POINTS, POINTS)
    soft = SymbolicRegression(iso.so(2), constraint="soft")
    with pytest.raises(DataError, match="at least 20 samples"):
        soft.fit_velocities(POINTS[:19], POINTS[:19])
    with pytest.raises(DataError, match="finite values"):
        soft.fit_velocities(POINTS, POINTS / 0.0)
