import math
from itertools import combinations

import numpy as np
import pytest

from isotropy.report import Orbits

CHECKS = ("gap", "held_out", "closure", "finite_flow", "stability", "identifiability")


@pytest.fixture
def rotations():
    """The three generators of so(3), (3, 3, 3): about z, about y, about x."""
    basis = np.zeros((3, 3, 3))
    for place, (i, j) in enumerate(combinations(range(3), 2)):
        basis[place, j, i], basis[place, i, j] = 1, -1
    return basis


@pytest.fixture
def answer(rotations):
    """A certified so(3) inside gl(3), as symmetry.json has it."""
    passed = {"value": 1.2e-9, "threshold": 1e-3, "passed": True, "words": "relative residual"}
    certificates = {name: dict(passed) for name in CHECKS}
    certificates["gap"] = {
        "value": 2.4e8,
        "threshold": 3.0,
        "passed": True,
        "words": "ratio across the cut, above the noise floor",
    }
    return {
        "format": 1,
        "status": "certified",
        "dimension": 3,
        "name": "so(3)",
        "candidates": "gl(3)",
        "basis": rotations.tolist(),
        "vector_fields": ["x d/dy - y d/dx", "x d/dz - z d/dx", "y d/dz - z d/dy"],
        "spectrum": [0.81, 0.62, 0.55, 0.49, 0.37, 0.31, 1.3e-9, 8e-10, 3e-10],
        "cut": 3,
        "certificates": certificates,
        "trivial": 0,
        "tangent": 3,
        "transversal": 0,
        "method": "FromModel",
        "seed": 0,
        "isotropy_version": "0.1.0",
    }


@pytest.fixture
def nothing(answer):
    """An answer that finds no symmetry."""
    empty = {"basis": [], "vector_fields": [], "dimension": 0, "name": None, "status": "none", "cut": 0}
    failed = {"gap": {"value": 1.3, "threshold": 3.0, "passed": False, "words": "no drop in the spectrum"}}
    return answer | empty | {"spectrum": [0.8, 0.7, 0.4, 0.3], "certificates": failed, "tangent": 0}


@pytest.fixture
def orbits(rotations):
    """Forty points turned about each axis, 25 steps from -pi to pi."""
    start = np.random.default_rng(0).normal(size=(40, 3)) * [1.0, 0.7, 0.5]
    times = np.linspace(-math.pi, math.pi, 25)
    turns = [[_turn(generator, time) for time in times] for generator in rotations]
    points = np.einsum("gtij,pj->gtpi", np.array(turns), start)
    return Orbits(["x", "y", "z"], points, times)


def _turn(generator, angle):
    """Rodrigues' formula, for a generator of unit speed."""
    return np.eye(3) + math.sin(angle) * generator + (1 - math.cos(angle)) * generator @ generator
