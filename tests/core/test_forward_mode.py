"""Forward mode takes directions together where it can, and one by one where it cannot; the answer is the same."""

import pytest
import torch
from torch import nn

import isotropy as iso
from isotropy.core._autodiff import along


def scatter(x):
    y = torch.zeros(len(x), 6, dtype=x.dtype)
    y[:, :3] = x[:, :3].sin()
    y += x
    return y


def branch(x):
    return x.sin() if float(x.detach()[0, 0]) > 100 else x.cos()


def noisy(x):
    return x.sin() + 0 * torch.rand(x.shape)  # randomness cannot be batched over directions


def spectrum(x):
    return torch.linalg.eigh(x[:, :, None] * x[:, None, :] + torch.diag(torch.arange(6.0))).eigenvalues


@pytest.mark.parametrize("f", [scatter, branch, noisy, spectrum, nn.Linear(6, 4), lambda x: x.sum(1)])
@pytest.mark.parametrize("count", [1, 3, 19])
def test_directions_together_are_directions_one_by_one(f, count):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 6, generator=generator)
    directions = torch.randn(count, 5, 6, generator=generator)
    value, slopes = along(f, x, directions, "forward")
    torch.testing.assert_close(value, f(x).detach())
    torch.testing.assert_close(slopes, torch.stack([torch.func.jvp(f, (x,), (v,))[1] for v in directions]).detach())
    assert not value.requires_grad and not slopes.requires_grad


def test_float32_lstm_inside_a_function():
    """Asking it for float64 raises ValueError, which means: differences in its own precision."""
    cell = nn.LSTM(3, 5, batch_first=True)
    G = iso.so(3)
    x = torch.randn(10, 3, generator=torch.Generator().manual_seed(0))
    report = iso.measure.equivariance(lambda x: cell(x[:, None])[0][:, 0], x, G.vector(), 5 * G.scalar())
    assert report.relative_error > 0.01
