"""Structures and controls of the tests."""

import numpy as np
import pytest

from isotropy import atoms as ia
from isotropy.quadrature import haar


@pytest.fixture
def ase():
    """The simulation environment, where it is installed."""
    return pytest.importorskip("ase", reason="structures need isotropy[atoms]")


@pytest.fixture
def waters(ase):
    """Make waters in random orientations, one for each seed."""
    from ase.build import molecule

    def make(count: int, seed: int = 0, noise: float = 0.05):
        draw = np.random.default_rng(seed)
        frames = []
        for g in haar(count, seed).rotations:
            water = molecule("H2O")
            water.positions += noise * draw.normal(size=(3, 3))
            frames.append(ia.turned(water, g))
        return frames

    return make


@pytest.fixture
def crystal(ase):
    """Rattled copper of 8 atoms in a skewed cell."""
    from ase.build import bulk

    copper = bulk("Cu") * (2, 2, 2)
    copper.rattle(0.08, seed=1)
    return copper
