"""Maps with a known error."""

import pytest
import torch

import isotropy as iso


@pytest.fixture
def points():
    """Make points `(count, n)`."""

    def make(count=60, n=3, dtype=torch.float64, seed=0):
        draws = torch.randn(count, n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        return draws.to(dtype)

    return make


@pytest.fixture
def so3():
    return iso.so(3)
