"""Units, shifts and the order of columns and samples change no answer."""

from collections import Counter

import pytest
import torch

import isotropy as iso
from isotropy.actions import Affine
from isotropy.discover import FromModel


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def waves(x):
    """No symmetry at all."""
    return torch.sin(x @ randn(8, 3, seed=1).T + 1) @ randn(8, seed=2)


MAPS = {
    "sphere": (lambda x: x.square().sum(1), 3),
    "cylinder": (lambda x: x[:, :2].square().sum(1) + x[:, 2] ** 3, 1),
    "broken by 1 %": (lambda x: x.square().sum(1) + 0.01 * waves(x), 3),
    "waves": (waves, 0),
    "deaf to z": (lambda x: x[:, 0] ** 2 - x[:, 1] ** 2, 4),
}


def answers(f, shifted, draws):
    """Status, grade and dimension, counted over units from 1e-6 to 1e6 for every column."""
    x, generator, found = randn(300, 3), torch.Generator().manual_seed(5), Counter()
    for _ in range(draws):
        unit = 10 ** (torch.rand(3, generator=generator, dtype=torch.float64) * 12 - 6)
        origin = 3 * unit * torch.randn(3, generator=generator, dtype=torch.float64) * shifted
        order = torch.randperm(len(x), generator=generator)
        algebra = iso.aff(3) if shifted else iso.gl(3)
        action = Affine(algebra) if shifted else algebra.vector()
        one = FromModel(action, algebra.scalar()).fit(
            lambda z, unit=unit, origin=origin: f((z - origin) / unit), x[order] * unit + origin
        )
        found[one.status_, one.grade_, one.algebra_.dim] += 1
    return found


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("name", MAPS)
def test_units_and_shifts_change_nothing(name, shifted):
    f, dim = MAPS[name]
    ((status, _, size),) = answers(f, shifted, draws=3)
    assert status == ("certified" if dim else "none")
    assert size == dim + (name == "deaf to z" and shifted)  # shifts along z as well


@pytest.mark.slow
@pytest.mark.parametrize("name", MAPS)
def test_a_hundred_units_change_nothing(name):
    assert list(answers(MAPS[name][0], False, draws=50).values()) == [50]
    assert list(answers(MAPS[name][0], True, draws=50).values()) == [50]
