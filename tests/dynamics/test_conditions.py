"""The four forms of the condition agree on what is a symmetry."""

import pytest
import torch

import isotropy as iso
from isotropy.dynamics import VectorFields, symmetry_conditions

X = torch.randn(30, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) / 2


def ring(x):
    return x * (1 - x.square().sum(1, keepdim=True)) + x.flip(1) * torch.tensor([-1.0, 1.0], dtype=x.dtype)


def warped_turn(x):
    p, q = x[:, 0], x[:, 1] - x[:, 0] ** 2 / 2
    return torch.stack([-q, p - p * q], dim=1)


@pytest.mark.parametrize(
    "action", [iso.so(2).vector(), VectorFields(2, lambda x: torch.stack([-x[:, 1], x[:, 0]], dim=1))]
)
def test_all_vanish_for_a_symmetry(action):
    errors = symmetry_conditions(ring, action, X)
    assert len(errors) == 4
    assert max(float(e.max()) for e in errors.values()) < 1e-6


def test_all_see_a_broken_symmetry():
    broken = symmetry_conditions(lambda x: ring(x) + x.square(), iso.so(2).vector(), X)
    assert min(float(e.min()) for e in broken.values()) > 0.01
    assert max(float(e.max()) for e in broken.values()) <= 1.0


def test_a_symmetry_in_other_coordinates():
    errors = symmetry_conditions(warped_turn, VectorFields(2, warped_turn), X)
    assert max(float(e.max()) for e in errors.values()) < 1e-6
