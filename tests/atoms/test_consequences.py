"""From static measures to consequences: orientations, heating, curl; and what the trained force field shows."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from isotropy import atoms as ia
from isotropy import datasets
from isotropy.errors import DataError
from isotropy.quadrature import haar, identity, lebedev, polyhedral

KT = 0.025


def tilted(strength):
    """Flexible water in a field ``strength u_z``."""
    return ia.TorchCalculator(ia.Together(ia.SpringWater(), ia.Banded([0.0, strength])))


def test_a_field_predicts_its_orientations(waters):
    h = 0.8
    u, weights = ia.predicted_orientations(tilted(h * KT), waters(5, noise=0.02), lebedev(7), KT)
    assert float(weights.sum()) == pytest.approx(1.0)
    assert float(weights @ u[:, 0, 2]) == pytest.approx(-(1 / math.tanh(h) - 1 / h), abs=2e-3)
    found = ia.orientational_free_energy(u, weights)
    inner = slice(15, 86)  # kernels flatten the poles
    slope = np.polyfit(found.cosines[inner], found.value.mean(1)[inner], 1)[0]
    assert slope == pytest.approx(h, abs=0.08)
    same = ia.predicted_free_energy(tilted(h * KT), waters(2), lebedev(5), KT)
    assert same.value.shape == (101, 201)
    assert float(same.value[-10].mean() - same.value[10].mean()) == pytest.approx(1.6 * h, abs=0.3)


def test_an_invariant_energy_predicts_none(waters):
    spring = ia.TorchCalculator(ia.SpringWater())
    u, weights = ia.predicted_orientations(spring, waters(4), lebedev(5), KT)
    assert weights == pytest.approx(weights.new_full(weights.shape, 1.0).div(len(weights)), rel=0.5)
    assert float((weights @ u[:, 0]).abs().max()) < 1e-12
    with pytest.raises(DataError, match="expected a positive kT"):
        ia.predicted_orientations(spring, waters(1), lebedev(5), 0.0)
    with pytest.raises(DataError, match="at least one structure"):
        ia.predicted_free_energy(spring, [], lebedev(5), KT)


def test_random_rotations_heat_a_long_run_as_predicted():
    """Charges q in a field of the laboratory feel ``q R^T e``: no mean force, variance q^2 e^2 / 3 per component."""
    generator = torch.Generator().manual_seed(0)
    runs, steps, dt, masses = 3000, 400, 0.05, torch.tensor([1.0, 16.0, 1.0], dtype=torch.float64)
    pull = torch.tensor([0.3, -0.6, 0.3], dtype=torch.float64)
    power = ia.heating((pull**2 / 3)[:, None].expand(3, 3), masses, dt)
    velocities = torch.randn(runs, 3, 3, generator=generator, dtype=torch.float64) / masses[:, None].sqrt()
    start = (masses[:, None] * velocities**2).sum((1, 2)) / 2
    for _ in range(steps):
        e = haar(runs, generator).rotations[:, :, 2]
        velocities = velocities + dt * pull[:, None] * e[:, None] / masses[:, None]
    gained = (masses[:, None] * velocities**2).sum((1, 2)) / 2 - start
    error = float(gained.std()) / runs**0.5
    assert power * dt * steps > 5 * error
    assert float(gained.mean()) == pytest.approx(power * dt * steps, abs=3 * error)


class Direct(nn.Module):
    """Forces straight from edges, of different strength along the axes."""

    def forward(self, g):
        fall = torch.exp(-g.vectors.norm(dim=1)) * g.species[g.neighbours]
        pulls = fall[:, None] * g.vectors * g.vectors.new_tensor([1.0, 2.0, 3.0])
        return pulls.new_zeros(len(g.species), 3).index_add(0, g.centres, pulls)


def test_curl_tells_gradients_from_other_forces(waters):
    (water,) = waters(1, seed=2)
    field = ia.curl(ia.TorchCalculator(ia.lab_field), water)
    assert field.relative < 1e-5
    assert field.evaluations == 19
    assert field.net_force < 1e-12
    assert field.torque == pytest.approx(ia.screen(ia.TorchCalculator(ia.lab_field), water).largest)

    def direct(module):
        return lambda atoms: {"forces": module(ia.graph(atoms, 4.0)).numpy()}

    rough = ia.curl(direct(Direct()), water)
    assert rough.relative > 0.05
    assert rough.net_force > 1e-3
    averaged = ia.curl(direct(ia.SymmetrizedModule(Direct(), polyhedral("I").with_inversion(), rank=1)), water)
    assert averaged.size > 1e-3  # an average does not make them conservative
    with pytest.raises(DataError, match="expected a positive distance"):
        ia.curl(direct(Direct()), water, step=0.0)


def test_curl_of_a_rotor_is_all_there_is(ase):
    turn = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 0]], dtype=torch.float64)
    found = ia.curl(lambda a: {"forces": torch.as_tensor(a.positions) @ turn.T}, ase.Atoms("O", [[1.0, 2, 3]]))
    assert found.relative == pytest.approx(1.0)
    assert found.size == pytest.approx(math.sqrt(2) / 3)
    assert torch.allclose(found.jacobian, turn, atol=1e-9)


@pytest.fixture(scope="module")
def trained():
    pytest.importorskip("ase", reason="structures need isotropy[atoms]")
    return datasets.water_model()


@pytest.fixture(scope="module")
def monomers(trained):
    """Single molecules that training has not seen, in random orientations."""
    frames = datasets.waters(range(24, 25))[::15]
    return ia.graph([ia.turned(one, g) for one in frames for g in haar(3, 5).rotations], trained.cutoff)


def forces(trained, rule, g):
    return ia.energies_and_forces(ia.SymmetrizedModule(trained, rule, chunk=60), g)[1]


def test_the_trained_force_field_is_accurate(trained):
    frames = [one for one in datasets.waters(range(25, 32)) if len(one) == 6][::20]
    found = ia.accuracy(trained, frames)
    assert found.forces < 0.03
    assert found.spread > 0.5


def test_averages_of_the_trained_force_field(trained, monomers):
    """Errors of forces fall 50 times with 12 rotations and 10 000 times with 60."""
    exact = forces(trained, lebedev(9).with_inversion(), monomers)
    raw, twelve, sixty = (
        float((forces(trained, rule, monomers) - exact).abs().mean())
        for rule in (identity(), polyhedral("T"), polyhedral("I"))
    )
    assert raw > 1e-3
    assert raw / twelve >= 50
    assert raw / sixty >= 1e4


def test_ten_thousand_random_rotations_give_the_mean_of_the_trained_force_field(trained):
    (water,) = datasets.waters(range(24, 25))[:1]
    g, rule = ia.graph(water, trained.cutoff), haar(10_000, 3)
    exact = forces(trained, lebedev(9).with_inversion(), g)
    _, each, _ = ia.energies_and_forces(trained, g.copies(rule.rotations))
    back = each.reshape(len(rule), 3, 3) @ rule.rotations
    proper = forces(trained, lebedev(9), g)
    assert float((proper - exact).abs().max()) < 1e-9  # a plane molecule has no handedness
    assert bool(((back.mean(0) - exact).abs() <= 4 * back.std(0) / 100).all())


def momenta_away(trained, rule, steps=160):
    """Largest change of the angular momentum of a free molecule over its size."""
    units, verlet = pytest.importorskip("ase").units, ia.ase_module("md.verlet").VelocityVerlet
    (water,) = datasets.waters(range(24, 25))[:1]
    water = water.copy()
    ia.langevin(300.0, 1.0, 0)(water, 1e6)
    water.set_momenta(water.get_momenta() - water.get_masses()[:, None] * water.get_momenta().sum(0) / 18.015)
    water.calc = ia.ModuleCalculator(ia.SymmetrizedModule(trained, rule, chunk=60), trained.cutoff)
    start, run, away = water.get_angular_momentum(), verlet(water, 0.5 * units.fs), []
    for _ in range(steps // 10):
        run.run(10)
        away.append(np.linalg.norm(water.get_angular_momentum() - start) / np.linalg.norm(start))
    return max(away)


def test_averages_keep_the_angular_momentum_of_the_trained_force_field(trained):
    """The figures of 1.5 ps stand in the study; this is its beginning."""
    assert momenta_away(trained, identity()) > 100 * momenta_away(trained, polyhedral("T"))
