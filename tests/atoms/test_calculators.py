"""Averaged calculators, batched modules, penalties and multiple time steps."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from isotropy import atoms as ia
from isotropy.atoms.models._toys import HARTREE
from isotropy.atoms.structure._properties import as_properties
from isotropy.errors import CoarseRuleWarning, DataError
from isotropy.quadrature import grid, haar, identity, lebedev, polyhedral

LAB = 1e-2  # of the lab field, so that a molecule stays a molecule


def lab_water():
    """Flexible water plus a little of the lab field."""

    class Weak(nn.Module):
        def forward(self, positions, cell, numbers):
            return LAB * ia.lab_field(positions, cell, numbers)

    return ia.TorchCalculator(ia.Together(ia.SpringWater(), Weak()))


class Edges(nn.Module):
    """A small unconstrained model of graphs: vectors enter as they are, messages are passed once."""

    def __init__(self, width=16, cutoff=4.0, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.cutoff = cutoff
        self.first = nn.Sequential(nn.Linear(6, width), nn.SiLU(), nn.Linear(width, width)).double()
        self.second = nn.Sequential(nn.Linear(width + 4, width), nn.SiLU(), nn.Linear(width, 1)).double()

    def features(self, g):
        r = g.vectors.norm(dim=1, keepdim=True)
        smooth = 0.5 * (1 + torch.cos(torch.pi * r / self.cutoff))
        kinds = torch.stack([g.species[g.centres], g.species[g.neighbours]], 1) / 8.0
        messages = smooth * self.first(torch.cat([g.vectors, r, kinds], 1))
        zero = messages.new_zeros(len(g.species), messages.shape[1])
        state = zero.index_add(0, g.centres, messages)
        return smooth, self.second(torch.cat([state[g.neighbours], g.vectors, r], 1))

    def forward(self, g):
        smooth, values = self.features(g)
        zero = values.new_zeros(g.count)
        return zero.index_add(0, g.structures[g.centres], (smooth * values)[:, 0])


class DirectForces(Edges):
    """Forces straight from the edges, `(atoms, 3)`."""

    def forward(self, g):
        smooth, values = self.features(g)
        return values.new_zeros(len(g.species), 3).index_add(0, g.centres, smooth * values * g.vectors)


@pytest.fixture
def clusters(waters):
    """Three frames of different sizes, the last one periodic."""
    one, two, three = waters(3, seed=2)
    other = waters(1, seed=5)[0]
    other.positions += [2.5, 0.5, 0.0]
    three.set_cell([5.0, 5.5, 6.0])
    three.pbc = True
    return [one, two + other, three]


def test_averages_are_those_of_the_orbit(waters):
    (water,) = waters(1)
    rule = lebedev(5)
    calculator = ia.SymmetrizedCalculator(ia.TorchCalculator(ia.lab_field), rule)
    water.calc = calculator
    assert isinstance(calculator, ia.SymmetrizedCalculator)
    assert water.get_potential_energy() == pytest.approx(ia.lab_field_mean(), abs=2e-3)
    assert calculator.evaluations == 84
    water.get_forces()
    assert calculator.evaluations == 84  # one pass gives both
    assert float(calculator.orbits["energy"].spread) > 0.5
    assert np.array_equal(copy.deepcopy(calculator).get_forces(water), water.get_forces())


@pytest.mark.parametrize("rule", [polyhedral("D2"), polyhedral("T"), grid("i")], ids=repr)
def test_averaged_forces_are_the_gradient_of_the_averaged_energy(waters, rule):
    """For rules that are far from converged, too."""
    (water,) = waters(1)
    calculator = ia.SymmetrizedCalculator(lab_water(), rule)
    forces = calculator.get_forces(water)
    h, found = 1e-4, np.zeros((3, 3))
    for atom in range(3):
        for axis in range(3):
            ends = []
            for sign in (2, 1, -1, -2):
                moved = water.copy()
                moved.positions[atom, axis] += sign * h
                ends.append(calculator.get_potential_energy(moved))
            found[atom, axis] = -(-ends[0] + 8 * ends[1] - 8 * ends[2] + ends[3]) / (12 * h)
    assert np.abs(found - forces).max() < 1e-7 * np.abs(forces).max()


def test_stress_is_averaged_as_a_tensor(crystal):
    from ase.calculators.emt import EMT

    plain = EMT()
    calculator = ia.SymmetrizedCalculator(plain, polyhedral("T").with_inversion())
    crystal.calc = calculator
    stress = crystal.get_stress()
    assert stress == pytest.approx(EMT().get_stress(crystal), abs=1e-12)
    assert crystal.get_forces() == pytest.approx(EMT().get_forces(crystal), abs=1e-11)


def test_random_calls_average_to_the_mean(waters):
    (water,) = waters(1)
    field = ia.TorchCalculator(ia.lab_field)
    mean = ia.SymmetrizedCalculator(field, lebedev(7).with_inversion()).get_forces(water)
    random = ia.SymmetrizedCalculator(field, identity().with_inversion(), mode="random", seed=4)
    calls = []
    for _ in range(600):
        random.calculate(water)
        calls.append(random.results["forces"])
    assert random.evaluations == 600
    calls = np.array(calls)
    sizes = calls.std(0) / 600**0.5
    assert (np.abs(calls.mean(0) - mean) <= 4.5 * sizes + 1e-12).all()


def test_the_error_of_random_elements_decays_as_one_over_the_root():
    """In meV for 18, 60 and 600 elements, from dipoles in random orientations."""
    u = haar(240_000, 1).rotations[:, :, 0]
    energies = 20 * HARTREE * (u[:, 0].exp() + (u[:, 1] / 2).exp() + (2 * u[:, 2]).exp())
    away = energies - 1000 * ia.lab_field_mean()
    found = [float(away[: len(away) // n * n].reshape(-1, n).mean(1).square().mean().sqrt()) for n in (18, 60, 600)]
    assert found == pytest.approx([1077 / n**0.5 for n in (18, 60, 600)], rel=0.12)
    assert found == pytest.approx([244, 135, 39], rel=0.2)


def test_a_randomised_rule_is_unbiased_with_less_noise(waters):
    (water,) = waters(1)
    field = ia.TorchCalculator(ia.lab_field)
    found = {}
    for mode in ("random", "randomised"):
        calculator = ia.SymmetrizedCalculator(field, polyhedral("T"), mode=mode, seed=1)
        energies = []
        for _ in range(100):
            calculator.calculate(water)
            energies.append(calculator.results["energy"])
        found[mode] = (np.mean(energies) - ia.lab_field_mean(), np.std(energies))
    assert found["randomised"][1] < found["random"][1] / 20
    for bias, spread in found.values():
        assert abs(bias) < 4.5 * spread / 100**0.5


def test_monitoring_runs_on_the_plain_model(waters):
    (water,) = waters(1)
    field = ia.TorchCalculator(ia.lab_field)
    calculator = ia.SymmetrizedCalculator(field, polyhedral("T"), mode="monitor")
    plain = field.get_potential_energy(water)
    assert calculator.get_potential_energy(water) == plain
    assert calculator.evaluations == 13
    assert calculator.offsets["energy"] == pytest.approx(plain - float(calculator.orbits["energy"].mean))
    assert calculator.offsets["forces"].shape == (3, 3)


def test_rules_that_are_too_coarse_are_warned_of(ase):
    field = ia.TorchCalculator(ia.lab_field)
    with pytest.warns(CoarseRuleWarning, match="degree 4 or more .* received T of degree 2"):
        ia.SymmetrizedCalculator(field, polyhedral("T"), band_limit=4)
    ia.SymmetrizedCalculator(field, polyhedral("O"), band_limit=3)
    with pytest.warns(CoarseRuleWarning, match="rank 1"):
        ia.SymmetrizedCalculator(field, polyhedral("O"), band_limit=3, conservative=False)


def test_bad_settings_are_refused(waters):
    field = ia.TorchCalculator(ia.lab_field)
    with pytest.raises(DataError, match="mode: expected one of average"):
        ia.SymmetrizedCalculator(field, polyhedral("T"), mode="mean")
    with pytest.raises(DataError, match="names its properties"):
        ia.SymmetrizedCalculator(len, polyhedral("T"))
    with pytest.raises(DataError, match="chunk: expected"):
        ia.SymmetrizedModule(Edges(), polyhedral("T"), chunk=0)
    with pytest.raises(DataError, match="cutoff: expected"):
        ia.graph(waters(1), 0.0)
    with pytest.raises(DataError, match="count: expected at least 2"):
        ia.variance_penalty(Edges(), ia.graph(waters(1), 4.0), torch.Generator(), count=1)
    with pytest.raises(DataError, match="inner step"):
        ia.MultipleTimeStep(waters(1)[0], 1.0, field)


def test_copies_of_a_graph_are_graphs_of_turned_structures(clusters):
    g = ia.graph(clusters, 4.0)
    rotations = haar(3, 1).rotations
    model = Edges()
    together = model(g.copies(rotations)).reshape(3, 3)
    apart = torch.stack([model(ia.graph([ia.turned(f, r) for f in clusters], 4.0)) for r in rotations])
    assert torch.allclose(together, apart, atol=1e-12)


@pytest.mark.parametrize("chunk", [1, 5, 100])
def test_a_module_averages_as_the_calculator_does(clusters, chunk):
    rule, model = polyhedral("T").with_inversion(), Edges()
    g = ia.graph(clusters, 4.0)
    averaged = ia.SymmetrizedModule(model, rule, chunk=chunk)
    energies, forces, virials = ia.energies_and_forces(averaged, g)
    calculator = ia.SymmetrizedCalculator(ia.ModuleCalculator(model, 4.0), rule)
    for place, frame in enumerate(clusters):
        assert float(energies[place]) == pytest.approx(calculator.get_potential_energy(frame), abs=1e-12)
        mine = forces[g.structures == place].numpy()
        assert mine == pytest.approx(calculator.get_forces(frame), abs=1e-11)
    stress = calculator.get_stress(clusters[2])
    symmetric = (virials[2] + virials[2].T) / 2 / clusters[2].get_volume()
    assert symmetric.numpy()[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]] == pytest.approx(stress, abs=1e-12)


def test_an_atom_without_neighbours_has_no_forces(ase):
    calculator = ia.ModuleCalculator(ia.SymmetrizedModule(Edges(), polyhedral("T"), chunk=5), 4.0)
    lonely = ase.Atoms("O", [[1.0, 2.0, 3.0]])
    assert calculator.get_potential_energy(lonely) == 0.0
    assert np.array_equal(calculator.get_forces(lonely), np.zeros((1, 3)))


def test_direct_forces_are_turned_back(clusters):
    model, rule = DirectForces(), polyhedral("O")
    frame = clusters[1]
    averaged = ia.SymmetrizedModule(model, rule, rank=1, chunk=7)
    with torch.no_grad():
        found = averaged(ia.graph(frame, 4.0))
        expected = [model(ia.graph(ia.turned(frame, r), 4.0)) @ r for r in rule.rotations]
    assert torch.allclose(found, torch.stack(expected).mean(0), atol=1e-12)


def test_gradients_reach_the_parameters_whatever_the_chunk(clusters):
    g = ia.graph(clusters, 4.0)
    found = []
    for chunk in (3, 24):
        model = Edges()
        averaged = ia.SymmetrizedModule(model, polyhedral("T").with_inversion(), chunk=chunk)
        energies, forces, _ = ia.energies_and_forces(averaged, g, create_graph=True)
        (energies.square().sum() + forces.square().sum()).backward()
        found.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert float(found[0].norm()) > 0
    assert torch.allclose(*found, rtol=1e-9)


def test_memory_is_bounded_by_the_chunk(clusters):
    """What autograd keeps for the way back does not grow with the rule, and no call sees more copies than a chunk."""
    g, seen = ia.graph(clusters, 4.0), []

    class Watched(Edges):
        def forward(self, g):
            seen.append(g.count)
            return super().forward(g)

    def kept(model, graph):
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
            model(graph)
        return sum(sizes)

    moving = g.moved(g.vectors.clone().requires_grad_())
    rule = polyhedral("I").with_inversion()
    whole = kept(Edges(), moving.copies(rule.rotations))
    assert kept(ia.SymmetrizedModule(Watched(), rule, chunk=6), moving) < whole / 20
    assert max(seen) == 6 * g.count


def test_forces_of_a_module_are_minus_the_gradient(clusters):
    calculator = ia.ModuleCalculator(Edges(), 4.0)
    for frame in clusters:
        forces = calculator.get_forces(frame)
        moved = frame.copy()
        moved.positions[1, 2] += 1e-5
        up = calculator.get_potential_energy(moved)
        moved.positions[1, 2] -= 2e-5
        assert forces[1, 2] == pytest.approx(-(up - calculator.get_potential_energy(moved)) / 2e-5, abs=1e-8)


def test_the_lie_penalty_is_the_screening(clusters):
    model = Edges()
    slopes = ia.screen(ia.ModuleCalculator(model, 4.0), clusters)
    assert slopes.methods == ("torque", "torque", "virial")
    penalty = ia.lie_penalty(model, ia.graph(clusters, 4.0))
    assert float(penalty.detach()) == pytest.approx(slopes.root_mean_square**2, rel=1e-9)
    differenced = ia.screen(lambda a: {"energy": ia.ModuleCalculator(model, 4.0).get_property("energy", a)}, clusters)
    assert torch.allclose(differenced.slopes, slopes.slopes, atol=1e-6)


def test_the_variance_penalty_is_unbiased(clusters):
    model, g = Edges(), ia.graph(clusters[0], 4.0)
    rule = lebedev(9).with_inversion()
    exact = ia.orbits(ia.ModuleCalculator(model, 4.0), clusters[0], rule, as_properties("energy"))
    generator = torch.Generator().manual_seed(0)
    draws = torch.stack([ia.variance_penalty(model, g, generator, count=4, forces=False).detach() for _ in range(600)])
    assert float(draws.mean()) == pytest.approx(float(exact["energy"].squares), abs=4.5 * float(draws.std()) / 600**0.5)


@pytest.mark.parametrize(("penalty", "weight"), [("variance", 0.3), ("lie", 1.0)])
def test_penalties_lower_the_broken_symmetry_at_equal_accuracy(waters, penalty, weight):
    """Learning an invariant energy from few orientations: with the penalty unseen ones are met no worse."""
    frames, unseen = waters(24, seed=1, noise=0.1), waters(60, seed=2, noise=0.1)
    energies = torch.tensor([np.sin(2 * f.get_all_distances()).sum() for f in frames + unseen])
    target, answer = ((energies - energies.mean()) / energies.std()).split([24, 60])
    g, other = ia.graph(frames, 4.0), ia.graph(unseen, 4.0)
    found = {}
    for strength in (0.0, weight):
        model, generator = Edges(width=24), torch.Generator().manual_seed(0)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        for _ in range(150):
            optimizer.zero_grad()
            loss = (model(g) - target).square().mean()
            if strength and penalty == "variance":
                loss = loss + strength * ia.variance_penalty(model, g, generator)
            elif strength:
                loss = loss + strength * ia.lie_penalty(model, g)
            loss.backward()
            optimizer.step()
        spread = model(other.copies(haar(40, 3).rotations)).reshape(40, -1).std(0).square().mean().sqrt()
        found[strength] = (float(spread.detach()), float((model(other) - answer).square().mean().sqrt().detach()))
    assert found[weight][0] < found[0.0][0] / 2
    assert found[weight][1] < found[0.0][1]


def test_inner_steps_of_an_invariant_model_are_plain_verlet(waters):
    from ase import units
    from ase.md.verlet import VelocityVerlet

    paths = []
    for kind in ("plain", "multiple"):
        (water,) = waters(1)
        water.calc = ia.TorchCalculator(ia.SpringWater())
        water.set_momenta(np.random.default_rng(1).normal(size=(3, 3)))
        if kind == "plain":
            VelocityVerlet(water, 0.5 * units.fs).run(60)
        else:
            slow = ia.SymmetrizedCalculator(ia.TorchCalculator(ia.SpringWater()), polyhedral("T"))
            ia.MultipleTimeStep(water, 0.5 * units.fs, slow, inner=10).run(6)
        paths.append(np.concatenate([water.positions, water.get_momenta()]))
    assert np.abs(paths[0] - paths[1]).max() < 1e-11


def test_evaluations_of_multiple_time_steps(waters):
    """(10 + 36) / 10 per inner step: the plain force of the tenth step serves the correction as well."""
    from ase import units

    (water,) = waters(1)
    fast = lab_water()
    water.calc = fast
    under = lab_water()
    dynamics = ia.MultipleTimeStep(water, 0.5 * units.fs, ia.SymmetrizedCalculator(under, grid("2i")), inner=10)
    dynamics.run(1)  # the first step also needs the forces at its start
    start = dynamics.evaluations
    assert start == fast.evaluations + under.evaluations == 1 + 10 + 2 * 36
    dynamics.run(5)
    per_step = (dynamics.evaluations - start) / 50
    assert per_step == pytest.approx(4.6)
    assert dynamics.evaluations == fast.evaluations + under.evaluations
    assert dynamics.get_time() == pytest.approx(30 * units.fs)


def angular_momentum_path(waters, kind, steps=120):
    """Angular momenta and energies along a run without a thermostat."""
    from ase import units
    from ase.md.verlet import VelocityVerlet

    (water,) = waters(1, seed=3)
    momenta = np.random.default_rng(2).normal(size=(3, 3)) * np.sqrt(0.025 * water.get_masses()[:, None])
    water.set_momenta(momenta - momenta.mean(0))
    plain = lab_water()
    averaged = ia.SymmetrizedCalculator(lab_water(), polyhedral("T"))
    random = ia.SymmetrizedCalculator(lab_water(), identity(), mode="random", seed=5)
    water.calc = {"raw": plain, "T": averaged, "random": random, "multiple": plain}[kind]
    if kind == "multiple":
        run, length = ia.MultipleTimeStep(water, 0.5 * units.fs, averaged, inner=10), 10
    else:
        run, length = VelocityVerlet(water, 0.5 * units.fs), 1
    rows = []
    energy = averaged if kind == "multiple" else water.calc
    for _ in range(steps // length):
        run.run(1)
        rows.append([*water.get_angular_momentum(), energy.get_potential_energy(water) + water.get_kinetic_energy()])
    return np.array(rows)


def test_averaging_keeps_angular_momentum_and_energy(waters):
    paths = {kind: angular_momentum_path(waters, kind) for kind in ("raw", "T", "multiple")}
    drift = {
        kind: np.linalg.norm(p[:, :3] - p[0, :3], axis=1).max() / np.linalg.norm(p[0, :3]) for kind, p in paths.items()
    }
    assert drift["raw"] > 0.05
    assert drift["T"] < drift["raw"] / 20
    assert drift["multiple"] < drift["raw"] / 20
    for path in paths.values():
        first, second = np.array_split(path[:, 3], 2)
        assert abs(second.mean() - first.mean()) < 2e-3


def test_random_rotations_heat_as_predicted(waters):
    """Power (dt / 2) sum s_i^2 / m_i, from the static spread of forces alone."""
    from ase import units

    (water,) = waters(1, seed=3)
    static = ia.SymmetrizedCalculator(lab_water(), lebedev(7))
    static.get_forces(water)
    inverse = 1 / water.get_masses()[:, None]
    dt = 0.5 * units.fs
    power = ia.heating(static.orbits["forces"].squares, water.get_masses(), dt)
    assert power == pytest.approx(dt / 2 * float((static.orbits["forces"].squares.numpy() * inverse).sum()))
    random = ia.SymmetrizedCalculator(lab_water(), identity(), mode="random", seed=7)
    mean = static.get_forces(water)
    gains = []
    for _ in range(500):  # one kick each, from rest
        random.calculate(water)
        kick = dt * (random.results["forces"] - mean)
        gains.append(float((kick**2 * inverse / 2).sum()) / dt)
    assert np.mean(gains) == pytest.approx(power, abs=3 * np.std(gains) / 500**0.5)


def test_the_thermostat_keeps_the_temperature(waters):
    from ase import units

    (water,) = waters(1)
    refresh = ia.langevin(300.0, 0.05 / units.fs, seed=1)
    temperatures = []
    for _ in range(4000):
        refresh(water, 10 * units.fs)
        temperatures.append(2 * water.get_kinetic_energy() / 9 / units.kB)
    assert np.mean(temperatures) == pytest.approx(300.0, rel=0.03)
