"""Observables on samples whose answer is known."""

import math

import numpy as np
import pytest
import torch

from isotropy import atoms as ia
from isotropy.errors import DataError
from isotropy.quadrature import haar


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def tilted(count, h, seed=0):
    """Directions of density exp(-h u_z), by inversion in the cosine."""
    generator = torch.Generator().manual_seed(seed)
    p, phi = torch.rand(2, count, generator=generator, dtype=torch.float64)
    z = -torch.log(math.exp(h) + p * (math.exp(-h) - math.exp(h))) / h
    around = 2 * math.pi * phi
    r = (1 - z**2).sqrt()
    return torch.stack([r * around.cos(), r * around.sin(), z], 1)


def test_uniform_orientations_have_a_flat_free_energy():
    found = ia.orientational_free_energy(haar(20_000, 1).rotations[:, :, 0], blocks=20)
    assert found.value.shape == (101, 201)
    away = found.value / found.error
    assert float((away.abs() > 3).double().mean()) < 0.02
    assert float(found.value.abs().max()) < 0.4
    assert float(away.square().mean()) == pytest.approx(1.0, abs=0.4)


def test_a_tilt_is_recovered():
    h = 0.8
    found = ia.orientational_free_energy(tilted(40_000, h), blocks=20)
    by_height = found.value.mean(1)
    inner = slice(15, 86)  # kernels flatten the poles
    slope = np.polyfit(found.cosines[inner], by_height[inner], 1)[0]
    assert slope == pytest.approx(h, abs=0.05)


def test_reweighting_flattens_a_tilted_run():
    """A plain run in the field h u_z of a molecule, brought back to the symmetrised ensemble."""
    h = 0.35
    u = tilted(30_000, h, seed=2)
    weights = ia.reweight(h * u[:, 2], 1.0)
    raw, flat = (ia.orientational_free_energy(u, w, blocks=20) for w in (None, weights.values))
    assert float(raw.value.mean(1)[[5, -6]].diff().abs()) > 0.4
    away = flat.value / flat.error
    assert float((away.abs() > 3).double().mean()) < 0.02
    sigma = h / math.sqrt(3)
    assert weights.effective == pytest.approx(math.exp(-(sigma**2)), abs=0.02)
    assert weights.mean(u)[2] == pytest.approx(0.0, abs=0.015)
    assert float(weights.values.sum()) == pytest.approx(1.0)


def test_block_errors_mind_correlations():
    noise = normal(200, 2**12)
    series = torch.zeros_like(noise)
    for k in range(1, 2**12):  # correlation time of ten steps
        series[:, k] = 0.9 * series[:, k - 1] + noise[:, k]
    found = ia.block_mean(series.T)
    exact = float(series.mean(1).std())
    assert float(found.error.mean()) == pytest.approx(exact, rel=0.15)
    naive = float(series.std(1).mean()) / 2**6
    assert naive < exact / 3
    assert ia.block_mean(normal(1000), blocks=10).blocks == 10


def test_equality_needs_evidence():
    exact, vague = (ia.Estimate(torch.tensor(1.0), torch.tensor(e), 10) for e in (0.001, 0.5))
    assert exact.equals(exact, 0.01)
    assert not vague.equals(exact, 0.01)
    assert not exact.equals(ia.Estimate(torch.tensor(1.1), torch.tensor(0.001), 10), 0.01)


def gas(ase, count, seeds, box=10.0):
    draws = [np.random.default_rng(seed).uniform(0, box, (count, 3)) for seed in seeds]
    return [ase.Atoms(f"O{count}", x, cell=[box] * 3, pbc=True) for x in draws]


def test_random_points_have_no_structure(ase):
    found = ia.pair_curves(gas(ase, 120, range(30)), 4.9, bins=20)
    away = (found.density.value * 120 / 119 - 1) / found.density.error
    assert float(away[2:].abs().max()) < 4
    assert found.density.value[5:] == pytest.approx(torch.ones(15), abs=0.06)
    assert found.along is None


def test_a_lattice_has_its_shells(ase):
    from ase.build import bulk

    crystal = bulk("Cu", a=4.0, cubic=True) * 3
    found = ia.pair_curves(crystal, 4.5, bins=45)
    width = 0.1
    shells = found.density.value * len(crystal) / crystal.get_volume()
    counts = shells * 4 * math.pi / 3 * ((found.r + width / 2) ** 3 - (found.r - width / 2) ** 3)
    filled = {round(float(r), 2): round(float(c), 6) for r, c in zip(found.r, counts, strict=True) if c > 0.1}
    assert sorted(filled.values()) == [6.0, 12.0]
    assert min(filled) == pytest.approx(4 / math.sqrt(2), abs=width)


def test_aligned_dipoles_are_fully_correlated(ase):
    frames = gas(ase, 60, range(10))
    u = torch.tensor([0.0, 0.6, 0.8], dtype=torch.float64).expand(10, 60, 3)
    found = ia.pair_curves(frames, 4.9, bins=8, u=u)
    assert (found.along.value + found.across.value)[1:] == pytest.approx(torch.ones(7), abs=1e-12)
    assert found.along.value[3:] == pytest.approx(torch.full((5,), 1 / 3), abs=0.05)
    loose = ia.pair_curves(frames, 4.9, bins=8, u=haar(600, 3).rotations[:, :, 0].reshape(10, 60, 3))
    assert loose.along.value[3:] == pytest.approx(torch.zeros(5), abs=0.05)


def test_diffusion_needs_two_lags():
    with pytest.raises(DataError, match="lags that rise, received 5 and 5"):
        ia.diffusion(torch.zeros(20, 2, 3), 1.0, 5, 5)


def test_a_walk_of_known_diffusion():
    constant, timestep = 0.26, 0.5
    steps = normal(400, 200, 3) * math.sqrt(2 * constant * timestep)
    found = [ia.diffusion(steps[:, k::8].cumsum(0), timestep, 1, 8) for k in range(8)]
    error = np.std(found, ddof=1) / math.sqrt(8)
    assert abs(np.mean(found) - constant) < 3 * error
    assert error < 0.01
    assert ia.mean_square_displacement(steps.cumsum(0), torch.tensor([0]))[0] == 0


def test_a_rotating_dipole_of_known_decay():
    """Turns about z by Gaussian angles: exp(-variance lag / 2) in the plane."""
    angles = (0.2 * normal(4000, 50)).cumsum(0)
    u = torch.stack([angles.cos(), angles.sin(), torch.zeros_like(angles)], -1)
    lags = torch.tensor([0, 10, 30])
    expected = torch.exp(-0.02 * lags.double())
    assert ia.autocorrelation(u, lags) == pytest.approx(expected, abs=0.03)
    assert float(ia.autocorrelation(u, lags[:1])) == pytest.approx(1.0)


def test_two_lines_of_a_spectrum():
    time = torch.arange(8000, dtype=torch.float64) * 0.5
    light = 2.99792458e-5
    series = 5 + torch.cos(2 * math.pi * 400 * light * time) + 0.3 * torch.cos(2 * math.pi * 1650 * light * time + 1)
    waves, power = ia.power_spectrum(series, 0.5)
    assert float(waves[power.argmax()]) == pytest.approx(400, abs=5)
    upper = power.where(waves > 1000, 0.0)
    assert float(waves[upper.argmax()]) == pytest.approx(1650, abs=5)
    assert float(upper.max() / power.max()) == pytest.approx(0.09, rel=0.1)
    assert float(power.where((waves > 700) & (waves < 1400), 0.0).max() / power.max()) < 1e-3


def test_a_drift_and_its_error():
    slope, error = ia.drift(0.01 * torch.arange(1000) + normal(1000), 1.0)
    assert abs(slope - 0.01) < 4 * error
    assert error < 1e-3


def test_offsets_are_told_from_relative_errors():
    averaged = torch.tensor([0.0, 1.0, 3.0, 4.0], dtype=torch.float64)
    found = ia.relative_energies(averaged - 5 + torch.tensor([0.1, -0.1, 0.1, -0.1]).double(), averaged)
    assert (found.offset, found.error) == pytest.approx((-5.0, 0.1), abs=1e-7)
    assert found.spread == pytest.approx(math.sqrt(2.5))


def test_errors(ase):
    cases = {
        "blocks: expected 2 to 3": lambda: ia.orientational_free_energy(normal(3, 3)),
        "samples: expected at least 2": lambda: ia.block_mean(normal(1)),
        "expected a positive kT": lambda: ia.reweight(normal(3), 0.0),
        "cells of a volume": lambda: ia.pair_curves(ase.Atoms("O2", [[0, 0, 0], [1, 0, 0]]), 2.0),
        "u: expected shape": lambda: ia.pair_curves(gas(ase, 5, [0]), 4.0, u=normal(2, 5, 3)),
        "lags: expected some between 0 and 4": lambda: ia.autocorrelation(normal(5, 1, 3), torch.tensor([5])),
        "series: expected at least 4": lambda: ia.power_spectrum(normal(3), 1.0),
        "series: expected at least 20": lambda: ia.drift(normal(3), 1.0),
    }
    for text, call in cases.items():
        with pytest.raises(DataError, match=text):
            call()
