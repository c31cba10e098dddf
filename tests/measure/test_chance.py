"""A map without symmetry reads about 1, a symmetric one about 0, however many inputs it has."""

import pytest
import torch

import isotropy as iso
from isotropy.actions import Image
from isotropy.measure import _equivariance as road
from isotropy.measure import equivariance, finite


def draws(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).to(dtype)


def turning(size):
    return Image(["rotation", "shift_x", "shift_y"], size, size, boundary="circular", gradient="spectral")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [8, 16, 64])
def test_chance_is_one_on_pictures_of_any_size(size, dtype):
    action, x = turning(size), draws(40, 1, size, size, dtype=dtype)
    weights = draws(size * size, 2, seed=1, dtype=dtype)
    report = equivariance(lambda y: y.flatten(1) @ weights, x, action, 2 * action.algebra.scalar())
    torch.testing.assert_close(report.per_generator, torch.ones(3).double(), rtol=0.02, atol=0)
    assert report.interval[0] <= 1.001 and report.interval[1] >= 0.999
    kept = equivariance(lambda y: y.square().mean((1, 2, 3)), x, action, action.algebra.scalar())
    assert kept.at_floor and kept.defect < 1e-5


@pytest.mark.parametrize("size", [8, 16])
def test_chance_is_one_from_pictures_to_pictures(size):
    action, x = turning(size), draws(40, 1, size, size)
    mixing = draws(size * size, size * size, seed=1)
    report = equivariance(lambda y: (y.flatten(1) @ mixing).reshape(y.shape), x, action, action)
    torch.testing.assert_close(report.per_generator, torch.ones(3).double(), rtol=0.05, atol=0)
    assert equivariance(lambda y: 3 * y, x, action, action).at_floor


def test_shuffles_agree_with_all_pairs(monkeypatch):
    """The same question by Jacobians and by pairs of samples, in units far apart."""
    G, units = iso.gl(3), torch.tensor([1e6, 1.0, 1e-6], dtype=torch.float64)
    algebra = iso.LieAlgebra(units[:, None] * G.basis / units)
    x, weights = draws(2000, 3) * units, draws(3, 3, seed=1)
    f = lambda z: 1e4 * torch.tanh(z / units @ weights)  # noqa: E731
    whole = equivariance(f, x, algebra.vector(), 3 * algebra.scalar())
    monkeypatch.setattr(road, "_MOST_ENTRIES", 0)
    pairs = equivariance(f, x, algebra.vector(), 3 * algebra.scalar())
    torch.testing.assert_close(pairs.per_generator, whole.per_generator, rtol=0.02, atol=0)
    torch.testing.assert_close(pairs.per_generator_effect, whole.per_generator_effect, rtol=1e-6, atol=0)
    torch.testing.assert_close(pairs.per_generator_interval, whole.per_generator_interval, rtol=0.04, atol=0)
    assert pairs.defect == pytest.approx(whole.defect, rel=0.03)
    assert pairs.effect == pytest.approx(whole.effect, rel=1e-6)
    assert pairs.relative_error == pytest.approx(whole.relative_error, rel=1e-9)


def test_intervals_of_shuffles_cover(monkeypatch):
    monkeypatch.setattr(road, "_MOST_ENTRIES", 0)
    G, many = iso.so(3), draws(80_000, 3, seed=5)
    f = lambda x: x.square().sum(1) + x[:, 0] ** 3  # noqa: E731
    truth = equivariance(f, many[:20_000], G.vector(), G.scalar()).defect
    parts = many[20_000:].split(1000)
    ends = [equivariance(f, part, G.vector(), G.scalar(), level=0.1).interval for part in parts]
    assert 46 <= sum(low <= truth <= high for low, high in ends) <= 60  # 54 expected
    assert sorted(high - low for low, high in ends)[30] < 0.3


def test_memory_of_shuffles_is_that_of_groups(monkeypatch):
    """More samples than groups: they are resampled together, and the answer is the same."""
    monkeypatch.setattr(road, "_MOST_ENTRIES", 0)
    G, x = iso.so(2), draws(10_000, 2)
    f = lambda x: x[:, 0] ** 2 + 0.5 * x[:, 1] ** 2  # noqa: E731
    many = equivariance(f, x, G.vector(), G.scalar())
    low, high = many.interval
    few = equivariance(f, x[:4000], G.vector(), G.scalar()).interval
    assert (high - low) / (few[1] - few[0]) == pytest.approx((4000 / 10_000) ** 0.5, rel=0.25)


def test_finite_chance_is_one_in_any_units():
    G, x, weights = iso.so(3), draws(4000, 3), draws(3, 2, seed=1)
    half = torch.diag(torch.tensor([-1.0, -1.0, 1.0])).double()
    odd = lambda x: torch.stack([x[:, 2] + 0 * x[:, 0], x[:, 0]], dim=1) * torch.tensor([1e6, 1e-6]).double()  # noqa: E731
    still = iso.actions.Trivial(G, (2,))
    report = finite(odd, x, G.vector(), still, n_samples=0, elements=half[None])
    assert report.defect == pytest.approx(1.0, abs=0.03)  # one of two outputs keeps its value, one is turned round
    assert report.effect == pytest.approx(2**0.5, abs=0.03)
    shuffled = lambda x: torch.sin(1e3 * x @ weights)  # noqa: E731  # forgets where it was after any motion
    far = finite(shuffled, x, G.vector(), still, n_samples=5)
    torch.testing.assert_close(far.per_generator, torch.ones(5).double(), rtol=0.05, atol=0)
    assert far.interval[0] <= far.defect <= far.interval[1]
