"""Genetic programming with invariants: whatever is written obeys the symmetry, and the truth is found."""

import sys

import numpy as np
import pytest
import torch

import isotropy as iso
from isotropy.dynamics import Blocks, SymbolicRegression, building_blocks
from isotropy.dynamics.formulas._symbolic import obeys
from isotropy.errors import DataError, MissingExtraError

sympy = pytest.importorskip("sympy")
x, y, z = sympy.symbols("x y z")
SCALES = iso.diagonal(2).span(torch.tensor([[2.0, 1.0]], dtype=torch.float64))


def test_blocks_of_rotations():
    plane, space = building_blocks(iso.so(2).vector()), building_blocks(iso.so(3).vector())
    assert plane.invariants == [x**2 + y**2] and len(plane.fields) == 2
    assert space.invariants == [x**2 + y**2 + z**2] and space.fields == [sympy.Matrix([x, y, z])]


def test_a_scaling_has_a_rational_invariant():
    blocks = building_blocks(SCALES.vector())
    assert blocks.invariants in ([y**2 / x], [x / y**2])
    assert len(blocks.fields) == 2


@pytest.mark.parametrize("action", [iso.so(2).vector(), SCALES.vector(), iso.so(3).vector()], ids=repr)
def test_sympy_verifies_the_blocks_and_refuses_others(action):
    blocks = building_blocks(action)
    assert obeys(action, blocks)
    skewed = Blocks(blocks.symbols, [*blocks.invariants, x], blocks.fields)
    assert not obeys(action, skewed)


def test_growth_is_found_in_invariants():
    pytest.importorskip("pyoperon", reason="the extra symbolic")
    draw = np.random.default_rng(0)
    states = draw.uniform(0.3, 3.0, (200, 2))
    speeds = np.stack([-0.3 * states[:, 0] + 0.1 * states[:, 1] ** 2, states[:, 1]], axis=1)
    noisy = speeds + 0.005 * draw.normal(size=speeds.shape)
    model = SymbolicRegression(SCALES, generations=50, population_size=100).fit_velocities(states, noisy)
    first, second = (sympy.Poly(e, x, y).as_dict() for e in model.expressions_)
    assert first.keys() == {(1, 0), (0, 2)} and second.keys() == {(0, 1)}
    assert float(first[1, 0]) == pytest.approx(-0.3, abs=0.02) and float(first[0, 2]) == pytest.approx(0.1, abs=0.01)
    assert float(second[0, 1]) == pytest.approx(1.0, abs=0.01)
    assert model.verified_
    found = model.predict(torch.as_tensor(states))
    assert float((found - torch.as_tensor(speeds)).norm() / np.linalg.norm(speeds)) < 0.01
    assert model.equations()[1].startswith("y' = ")
    path = model.simulate([1.0, 0.5], [0.0, 1.0])
    assert float(path[1, 1]) == pytest.approx(0.5 * np.e, rel=0.02)


def test_without_pyoperon_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyoperon.sklearn", None)
    states = np.random.default_rng(0).uniform(0.5, 1.0, (50, 2))
    with pytest.raises(MissingExtraError, match=r"isotropy\[symbolic\]"):
        SymbolicRegression(iso.so(2)).fit_velocities(states, states)


def test_other_shapes_and_other_actions_are_refused():
    with pytest.raises(DataError, match="one shape"):
        SymbolicRegression(iso.so(2)).fit_velocities(np.ones((5, 2)), np.ones((4, 2)))
    with pytest.raises(DataError, match="equivariant fields up to degree 0"):
        building_blocks(iso.so(2).vector(), degree=0)
