"""The unconstrained transformer: what it keeps, what it breaks, how it learns and what it refuses."""

import numpy as np
import pytest
import torch

from isotropy import atoms as ia
from isotropy import datasets
from isotropy.errors import DataError
from isotropy.quadrature import haar, polyhedral


@pytest.fixture
def model():
    return ia.PointEdgeTransformer(features=16, heads=2, hidden=24, depth=2, seed=1).double()


@pytest.fixture
def cluster(ase, waters):
    """Two waters in a small periodic cell, so that atoms meet their own images."""
    one, two = waters(2, seed=4)
    two.positions += [2.6, 0.4, 0.3]
    both = one + two
    both.set_cell([[3.9, 0.2, 0.0], [0.0, 4.1, 0.3], [0.1, 0.0, 4.3]])
    both.pbc = True
    return both


def energy(model, atoms):
    return float(model(ia.graph(atoms, model.cutoff)).detach().sum())


def test_every_edge_knows_its_other_end(cluster, waters):
    g = ia.graph([cluster, *waters(2)], 4.5)
    assert len(g.reverse) > 100
    for one in (g, g.copies(haar(3, 0).rotations)):
        assert torch.equal(one.reverse[one.reverse], torch.arange(len(one.reverse)))
        assert float((one.vectors[one.reverse] + one.vectors).abs().max()) < 1e-12
        assert torch.equal(one.centres[one.reverse], one.neighbours)


def test_joined_graphs_are_the_graph_of_all(cluster, waters):
    frames = [*waters(2), cluster]
    whole, joined = ia.graph(frames, 4.0), ia.joined([ia.graph(one, 4.0) for one in frames])
    for name in ("species", "vectors", "centres", "neighbours", "reverse", "structures"):
        assert torch.equal(getattr(whole, name), getattr(joined, name))
    assert whole.count == joined.count == 3


def test_translations_and_permutations_are_kept_and_rotations_are_not(model, cluster):
    order = np.random.default_rng(0).permutation(len(cluster))
    moved = cluster.copy()
    moved.positions += [0.3, -1.1, 2.0]
    start = energy(model, cluster)
    assert energy(model, cluster[order]) == pytest.approx(start, abs=1e-11)
    assert energy(model, moved) == pytest.approx(start, abs=1e-11)
    assert abs(energy(model, ia.turned(cluster, haar(1, 1).rotations[0])) - start) > 1e-4
    assert energy(model, cluster * (2, 1, 1)) == pytest.approx(2 * start, abs=1e-10)


def test_an_energy_is_smooth_where_neighbours_come_and_go(model, ase):
    def at(r):
        return energy(model, ase.Atoms("OHH", [[0, 0, 0], [0.9, 0, 0], [0, r * 0.6, r * 0.8]]))

    near, far = at(model.cutoff - 1e-5), at(model.cutoff + 1e-5)
    assert near == pytest.approx(far, abs=1e-8)
    assert abs(at(model.cutoff - 0.4) - far) > 1e-6
    lonely = ase.Atoms("O", [[0.0, 0, 0]])
    assert np.isfinite(energy(model, lonely))


def test_forces_are_minus_the_gradient(model, cluster):
    calculator = ia.ModuleCalculator(model, model.cutoff)
    forces = calculator.get_forces(cluster)
    moved, h = cluster.copy(), 1e-5
    moved.positions[4, 1] += h
    up = calculator.get_potential_energy(moved)
    moved.positions[4, 1] -= 2 * h
    assert forces[4, 1] == pytest.approx(-(up - calculator.get_potential_energy(moved)) / (2 * h), abs=1e-7)
    found = ia.curl(calculator, cluster[:4])
    assert found.relative < 1e-5


def test_a_state_is_saved_and_read(model, cluster, tmp_path):
    with torch.no_grad():
        model.baseline += 3.0
    read = ia.PointEdgeTransformer.load(model.save(tmp_path / "model.safetensors")).double()
    assert energy(read, cluster) == energy(model, cluster)
    assert torch.equal(read.baseline, model.baseline)
    (tmp_path / "other").write_text("no model")
    for name in ("other", "absent"):
        with pytest.raises(DataError, match="expected a saved transformer"):
            ia.PointEdgeTransformer.load(tmp_path / name)


def test_training_lowers_errors_and_repeats(ase):
    frames = datasets.waters(range(8, 9))
    made, steps = [], []
    for length in (10, 80):
        model = ia.PointEdgeTransformer(features=16, heads=2, hidden=16, rounds=1, seed=0)
        history = ia.train(model, frames, length, batch=8, rate=5e-3, progress=lambda *told: steps.append(told[:2]))
        made.append(history)
    assert steps[9] == (10, 10)
    assert steps[-1] == (80, 80)
    assert made[0][0] == made[1][0]
    assert np.mean(history[-5:]) < 0.7 * np.mean(history[:5])
    found = ia.accuracy(model, frames)
    assert found.forces < found.spread
    assert float(model.baseline @ torch.tensor([2.0, 1.0]).double()) == pytest.approx(
        np.mean([f.get_potential_energy() for f in frames]), abs=1e-6
    )


def test_what_cannot_be_learned_from_is_refused(ase, waters):
    from ase.calculators.singlepoint import SinglePointCalculator

    def labelled(**results):
        (water,) = waters(1)
        water.calc = SinglePointCalculator(water, **results)
        return water

    model, good = ia.PointEdgeTransformer(), labelled(energy=1.0, forces=np.zeros((3, 3)))
    strange = ase.Atoms("Ar", [[0.0, 0, 0]])
    strange.calc = SinglePointCalculator(strange, energy=0.0, forces=np.zeros((1, 3)))
    cases = {
        "frame 1: expected reference energy and forces, received no forces": [good, labelled(energy=1.0)],
        "frame 0: expected reference energy and forces, received no energy and no forces": waters(1),
        "frame 0: expected a finite energy": [labelled(energy=np.nan, forces=np.zeros((3, 3)))],
        "finite forces": [labelled(energy=0.0, forces=np.full((3, 3), np.inf))],
        r"expected elements among \[1, 8\], received \[18\]": [good, strange],
        "at least one structure": [],
        "at least one atom": [ase.Atoms()],
    }
    for text, frames in cases.items():
        with pytest.raises(DataError, match=text):
            ia.train(model, frames, 1)
    with pytest.raises(DataError, match=r"received \[18\]"):
        ia.ModuleCalculator(model.double(), 4.0).get_potential_energy(strange)
    with pytest.raises(DataError, match="features that heads divide"):
        ia.PointEdgeTransformer(features=10, heads=4)


def test_the_average_is_invariant(model, cluster):
    isolated = cluster.copy()
    isolated.pbc = False
    rule = polyhedral("T").with_inversion()
    averaged = ia.SymmetrizedModule(model, rule, chunk=6)
    turned = [ia.turned(isolated, g) for g in rule.rotations[[3, 17]]]
    values = averaged(ia.graph([isolated, *turned], model.cutoff)).detach()
    assert float((values - values[0]).abs().max()) < 1e-11  # the group of the rule is exact at any degree
