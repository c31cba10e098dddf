"""Exponentials do not depend on the units of rows and columns."""

import pytest
import torch

from isotropy.core._exponential import exponential


def matrix(size, seed):
    return torch.randn(size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("decades", [0, 10, 40])
@pytest.mark.parametrize("seed", range(5))
def test_units_of_columns_go_through(decades, seed):
    plain = matrix(4, seed)
    units = 10 ** (decades * (torch.rand(4, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) - 0.5))
    scaled = exponential(plain * units / units[:, None]) * units[:, None] / units
    assert torch.allclose(scaled, torch.linalg.matrix_exp(plain), rtol=1e-10, atol=1e-12)


def test_gradients_pass_and_odd_numbers_stay_odd():
    plain = matrix(3, 0).requires_grad_(True)
    (slope,) = torch.autograd.grad(exponential(plain).sum(), plain)
    (other,) = torch.autograd.grad(torch.linalg.matrix_exp(plain).sum(), plain)
    assert torch.allclose(slope, other, rtol=1e-12)
    assert not torch.isfinite(exponential(torch.full((2, 2), torch.inf))).all()
