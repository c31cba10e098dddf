"""The textbook problems obey their equations, and have the symmetry they promise."""

from itertools import product

import numpy as np
import pytest
import torch

from isotropy.datasets import (
    cross_product,
    hopf,
    kepler,
    lorenz,
    oscillator,
    quadratic_form,
    random_cubic,
    random_network,
)
from isotropy.errors import DataError

DYNAMICS = [lorenz, kepler, hopf, oscillator]
MAPS = [quadratic_form, cross_product, random_cubic, random_network]


def units(n: int) -> list[torch.Tensor]:
    return list(torch.eye(n * n, dtype=torch.float64).reshape(-1, n, n))


def kernel_size(columns: list[torch.Tensor]) -> int:
    """Return how many combinations of the columns vanish, after checking that the cut is clear."""
    matrix = torch.stack([column.reshape(-1) for column in columns], 1)
    values = torch.linalg.svdvals(matrix) / torch.linalg.svdvals(matrix)[0]
    assert not ((values > 1e-11) & (values < 1e-5)).any()
    return int((values <= 1e-11).sum())


def jacobians(field, x: torch.Tensor) -> torch.Tensor:
    return torch.func.vmap(torch.func.jacrev(field))(x)


def commutators(problem, shifts: bool) -> list[torch.Tensor]:
    """Return Df (A x + b) - A f on the data for the units of gl(n), and of the shifts."""
    x = torch.cat(problem.data.states)[::13]
    f, slope = problem.field(x), jacobians(problem.field, x)
    rows = [torch.einsum("nij,nj->ni", slope, x @ a.T) - f @ a.T for a in units(x.shape[1])]
    return rows + ([slope[:, :, k] for k in range(x.shape[1])] if shifts else [])


@pytest.mark.parametrize(
    ("problem", "shifts"),
    [
        (lorenz(trajectories=2, samples=60), True),
        (kepler(samples=60), False),
        (hopf(samples=60), True),
        (oscillator(samples=60), False),
        (oscillator(dimension=1, samples=60), False),
        (oscillator(dimension=3, samples=60), False),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_dynamics_have_the_promised_symmetry(problem, shifts):
    assert kernel_size(commutators(problem, shifts)) == problem.expected.dimension


@pytest.mark.parametrize("signature", [(2, 0), (3, 0), (4, 0), (1, 3), (1, 1)])
def test_quadratic_form_has_the_promised_symmetry(signature):
    problem = quadratic_form(*signature)
    x, slope = problem.data.x, jacobians(problem.field, problem.data.x)
    rows = [torch.einsum("nij,nj->ni", slope, x @ a.T) for a in units(x.shape[1])]
    assert kernel_size(rows) == problem.expected.dimension


def test_cross_product_has_the_promised_symmetry():
    problem = cross_product()
    x, y = problem.data.x, problem.data.y
    slope = jacobians(problem.field, x)
    both = [torch.block_diag(a, a) for a in units(3)]
    rows = [torch.einsum("nij,nj->ni", slope, x @ b.T) - y @ b[:3, :3].T for b in both]
    assert kernel_size(rows) == problem.expected.dimension == 3


@pytest.mark.parametrize(("make", "n", "seed"), list(product([random_cubic, random_network], [2, 3, 4], [0, 1])))
def test_random_maps_have_no_symmetry(make, n, seed):
    problem = make(n, seed)
    x, slope = problem.data.x, jacobians(problem.field, problem.data.x)
    rows = [torch.einsum("nij,nj->ni", slope, x @ a.T) for a in units(n)] + [slope[:, :, k] for k in range(n)]
    assert kernel_size(rows) == problem.expected.dimension == 0


@pytest.mark.parametrize("make", DYNAMICS)
def test_trajectories_follow_the_field(make):
    problem = make(trajectories=2, samples=2001)
    weights = torch.tensor([1 / 60, -3 / 20, 3 / 4], dtype=torch.float64)
    for state, time in zip(problem.data.states, problem.data.times, strict=True):
        ahead, behind = (
            [state[6 - k : len(state) - k] for k in range(3)],
            [state[k : k - 6] for k in range(3)],
        )
        slope = sum(w * (a - b) for w, a, b in zip(weights, ahead, behind, strict=True)) / (time[1] - time[0])
        error = (slope - problem.field(state[3:-3])).norm() / slope.norm()
        assert error < 1e-7


def test_kepler_keeps_energy_and_angular_momentum():
    for state in kepler(seed=5).data.states:
        x, v = state[:, :3], state[:, 3:]
        energy = (v**2).sum(1) / 2 - 1 / x.norm(dim=1)
        momentum = torch.linalg.cross(x, v)
        assert (energy - energy[0]).abs().max() < 1e-9
        assert (momentum - momentum[0]).abs().max() < 1e-9
        assert energy[0] < 0


def test_oscillator_is_solved_exactly():
    data = oscillator(dimension=3).data
    for state, time in zip(data.states, data.times, strict=True):
        x, v = state.chunk(2, 1)
        exact = torch.cos(time)[:, None] * x[0] + torch.sin(time)[:, None] * v[0]
        assert (x - exact).abs().max() < 1e-9


def test_hopf_ends_on_the_unit_circle_and_starts_off_it():
    data = hopf().data
    starts = torch.stack([state[0].norm() for state in data.states])
    assert (starts - 1).abs().max() > 0.3
    assert all((state[-1].norm() - 1).abs() < 1e-2 for state in data.states)


@pytest.mark.parametrize("make", DYNAMICS + MAPS)
def test_seed_decides_everything(make):
    small = {"samples": 12, "trajectories": 2} if make in DYNAMICS else {"samples": 12}
    first, again, other = (make(seed=seed, **small) for seed in (3, 3, 4))
    data = [p.data.states[0] if make in DYNAMICS else p.data.x for p in (first, again, other)]
    assert torch.equal(data[0], data[1])
    assert not torch.equal(data[0], data[2])
    assert data[0].dtype == torch.float64


@pytest.mark.parametrize("make", MAPS)
def test_field_is_the_map_behind_the_samples(make):
    problem = make(samples=20)
    assert torch.equal(problem.field(problem.data.x), problem.data.y)
    single = problem.field(problem.data.x.to(torch.float32))
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single, problem.data.y, rtol=1e-3, atol=1e-3)


def test_too_small_problems_are_refused():
    with pytest.raises(DataError, match="received dimension 3 and 2 trajectories"):
        oscillator(dimension=3, trajectories=2)
    with pytest.raises(DataError, match=r"signature of two or more, received \(1, 0\)"):
        quadratic_form(1)
