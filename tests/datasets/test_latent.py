"""Problems with a symmetry in latent coordinates: what they keep, and what they refuse."""

import pytest
import torch

from isotropy import datasets
from isotropy.errors import DataError


@pytest.mark.parametrize("name", ["pendulum", "lotka_volterra"])
def test_steps_keep_what_is_conserved(name):
    problem = getattr(datasets, name)(trajectories=8, samples=4)
    energy = getattr(datasets, f"{name}_energy")
    before, after = energy(problem.data.x), energy(problem.data.y)
    assert problem.data.x.shape == (24, 2)
    assert torch.allclose(before, after, atol=1e-8)
    assert not torch.allclose(problem.data.x, problem.data.y, atol=1e-2)
    along = torch.func.jvp(energy, (problem.data.x,), (problem.field(problem.data.x),))[1]
    assert float(along.abs().max()) < 1e-12


def test_pendulums_stay_below_the_upright_rest():
    assert float(datasets.pendulum_energy(datasets.pendulum(3).data.x).max()) < 0.9901


def test_bumps_keep_their_weight_and_are_shifted_apart():
    x = datasets.double_bump(samples=50).data.x
    assert x.shape == (50, 64)
    assert torch.allclose(x.sum(1), x.sum(1).mean().expand(50), rtol=1e-6)
    spectrum = torch.fft.rfft(x).abs()[:, 1]
    assert float(spectrum.std()) > 0.1 * float(spectrum.mean())  # one common shift would keep it


def test_waves_turn_evenly_once_settled():
    x = datasets.reaction_diffusion(size=16, samples=60, step=0.2, settle=20.0).data.x
    sizes = torch.linalg.svdvals(x - x.mean(0))
    assert float(sizes[2] / sizes[1]) < 0.2
    assert x.shape == (60, 256)


def test_waves_follow_one_another():
    data = datasets.reaction_diffusion(size=16, samples=5).data
    assert torch.equal(data.x[1:], data.y[:-1])


def test_views_of_a_shape_agree_on_its_weight():
    x = datasets.turning_shape(samples=20, size=40).data.x
    weights = x.sum((2, 3))
    assert x.shape == (20, 3, 40, 40)
    assert float((weights / weights.mean() - 1).abs().max()) < 0.02


@pytest.mark.parametrize("name", ["pendulum", "lotka_volterra", "reaction_diffusion", "double_bump", "turning_shape"])
def test_seeds_repeat(name):
    options = {"size": 16, "samples": 4} if name in ("reaction_diffusion", "turning_shape") else {"samples": 4}
    make = getattr(datasets, name)
    assert torch.equal(make(1, **options).data.x, make(1, **options).data.x)
    assert not torch.equal(make(1, **options).data.x, make(2, **options).data.x)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("pendulum", {"step": 0.0}),
        ("lotka_volterra", {"trajectories": 0}),
        ("double_bump", {"length": 4}),
        ("reaction_diffusion", {"size": 8}),
        ("turning_shape", {"samples": 0}),
    ],
)
def test_impossible_sizes_are_refused(name, options):
    with pytest.raises(DataError, match="expected"):
        getattr(datasets, name)(**options)
