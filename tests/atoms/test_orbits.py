"""Turning structures, averaging over rules and the spectrum, on energies whose symmetry is known."""

import math

import numpy as np
import pytest
import torch

from isotropy import atoms as ia
from isotropy.atoms.models._toys import HARTREE
from isotropy.atoms.structure._properties import as_properties
from isotropy.errors import CoarseRuleWarning, DataError
from isotropy.quadrature import gauss, grid, haar, identity, lebedev, polyhedral

ENERGY = as_properties("energy")
IMPROPER = -haar(1, 7).rotations[0]


def lab_error(rule):
    """Root mean square error in meV of the lab field's average over a rule, over all orientations of the dipole."""
    sphere = lebedev(35)
    u = sphere.rotations[::36, :, 2]  # one of the turns about each axis
    weights = 36 * sphere.weights[::36]
    field = torch.einsum("kij,nj->kni", rule.rotations, u)
    values = 0.02 * HARTREE * (field[..., 0].exp() + (field[..., 1] / 2).exp() + (2 * field[..., 2]).exp())
    error = rule.weights @ (values - ia.lab_field_mean())
    return 1000 * float((weights @ error.square()).sqrt())


@pytest.mark.parametrize("g", [haar(1, 3).rotations[0], IMPROPER], ids=["proper", "improper"])
def test_turning_there_and_back_restores_the_structure(crystal, waters, g):
    for frame in (crystal, waters(1)[0]):
        there = ia.turned(frame, g)
        back = ia.turned(there, g.T)
        assert np.allclose(back.positions, frame.positions, atol=1e-12)
        assert np.allclose(back.cell.array, frame.cell.array, atol=1e-12)
        assert np.allclose(there.get_all_distances(mic=True), frame.get_all_distances(mic=True), atol=1e-12)
    assert ia.turned(crystal, g).get_volume() == pytest.approx(crystal.get_volume(), abs=1e-12)
    assert np.linalg.det(ia.turned(crystal, g).cell.array) > 0


def test_a_quarter_turn_about_z_written_by_hand(crystal):
    g = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]], dtype=torch.float64)
    moved = ia.turned(crystal, g)
    x, y, z = crystal.positions.T
    assert np.allclose(moved.positions, np.column_stack([-y, x, z]), atol=1e-14)
    a, b, c = crystal.cell.array.T
    assert np.allclose(moved.cell.array, np.column_stack([-b, a, c]), atol=1e-14)
    stress = torch.tensor([[1.0, 2, 3], [2, 4, 5], [3, 5, 6]], dtype=torch.float64)
    turned_stress = torch.tensor([[4.0, -2, -5], [-2, 1, 3], [-5, 3, 6]], dtype=torch.float64)
    assert torch.allclose(ia.Property("stress", 2).back(turned_stress, g), stress)


def test_momenta_and_moments_turn_too(crystal):
    crystal.set_initial_magnetic_moments(np.ones((8, 3)))
    crystal.set_momenta(np.arange(24.0).reshape(8, 3))
    moved = ia.turned(crystal, IMPROPER)
    assert np.allclose(moved.get_momenta(), crystal.get_momenta() @ IMPROPER.numpy().T)
    assert np.allclose(moved.get_initial_magnetic_moments(), np.ones((8, 3)) @ -IMPROPER.numpy().T)
    axial = ia.Property("moment", 1, axial=True)
    assert torch.allclose(axial.back(torch.ones(3).double() @ -IMPROPER.T, IMPROPER), torch.ones(3).double())


def test_forces_of_an_invariant_energy_turn(crystal):
    from ase.calculators.emt import EMT

    wanted = as_properties(["energy", "forces", "stress"])
    there = ia.orbits(EMT(), crystal, haar(4, 2).with_inversion(), wanted)
    for orbit in there.values():
        assert float(orbit.spread.max()) < 1e-11


LADDER = {
    "none": (identity(), 1077),
    "i": (grid("i"), 374),
    "T": (polyhedral("T"), 26.6),
    "O": (polyhedral("O"), 26.6),
    "grid 2": (grid("2"), 60.6),
    "2i": (grid("2i"), 12.9),
    "grid 3": (grid("3"), 2.26),
    "3i": (grid("3i"), 0.341),
    "I": (polyhedral("I"), 0.217),
    "5x6": (lebedev(5), 0.376),
    "7x8": (lebedev(7), 7.5e-3),
    "9x10": (lebedev(9), 5.6e-5),
    "11x12": (lebedev(11), 3.0e-7),
}


@pytest.mark.parametrize(("rule", "published"), LADDER.values(), ids=LADDER)
def test_lab_field_errors_by_rule(rule, published):
    """The published errors are of a sample of orientations, these are of all; a few per cent lie between."""
    assert lab_error(rule) == pytest.approx(published, rel=0.06)


def test_lab_field_is_averaged_to_rounding():
    assert lab_error(lebedev(15)) <= 1e-11


def test_the_calculator_gives_the_same_averages(waters):
    (water,) = waters(1)
    calculator = ia.TorchCalculator(ia.lab_field)
    orbit = ia.orbits(calculator, water, lebedev(7), ENERGY)["energy"]
    u = ia.dipoles(torch.as_tensor(water.positions))[0]
    x, y, z = (lebedev(7).rotations @ u).unbind(1)
    expected = 0.02 * HARTREE * (x.exp() + (y / 2).exp() + (2 * z).exp())
    assert torch.allclose(orbit.values, expected, atol=1e-13)
    assert abs(float(orbit.mean) - ia.lab_field_mean()) < 1e-4


def directed(x, rank):
    """Raw outputs of a rank, of degree 2 in the orientation of a pair of vectors."""
    generator = torch.Generator().manual_seed(rank)
    coefficients = torch.randn(*[3] * (rank + 2), dtype=torch.float64, generator=generator)
    return torch.einsum("...jk,j,k->...", coefficients, *x)


@pytest.mark.parametrize(
    ("rank", "coarse", "fine"),
    [(0, identity(), polyhedral("T")), (1, polyhedral("T"), polyhedral("O")), (2, polyhedral("O"), polyhedral("I"))],
)
def test_each_rank_needs_one_degree_more(rank, coarse, fine):
    """The average over a fine rule does not depend on the orientation of the structure, over a coarse one it does."""
    property = ia.Property("y", rank)
    pair = torch.randn(2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def mean(x, rule):
        values = [property.back(directed(x @ g.T, rank), g) for g in rule.rotations]
        return torch.tensordot(rule.weights, torch.stack(values), 1)

    q = haar(1, 9).rotations[0]
    errors = [
        float((property.back(mean(pair @ q.T, rule), q) - mean(pair, rule)).norm() / mean(pair, fine).norm())
        for rule in (coarse, fine)
    ]
    assert errors[0] > 0.05
    assert errors[1] < 1e-14


def test_degrees_and_parities_stand_apart(waters):
    """Amplitude a of P_l is a^2 / (2 l + 1) in sector l and nothing elsewhere."""
    amplitudes = [0.3, 0.5, 0.2, 0.1, 0.7, 0.4]
    calculator = ia.TorchCalculator(ia.Banded(amplitudes))
    rule = lebedev(10).with_inversion()
    orbit = ia.orbits(calculator, waters(1)[0], rule, ENERGY)["energy"]
    sectors = ia.spectrum(orbit.values, rule, most=5)
    expected = torch.zeros(6, 2, dtype=torch.float64)
    for l, amplitude in enumerate(amplitudes):
        expected[l, l % 2] = amplitude**2 / (2 * l + 1)
    assert torch.allclose(sectors, expected, atol=1e-12)
    assert float(sectors.sum()) == pytest.approx(float(rule.weights @ orbit.values**2), abs=1e-10)
    assert float(sectors.sum() - sectors[0, 0]) == pytest.approx(float(orbit.squares), abs=1e-10)


def test_vectors_have_a_spectrum_of_errors_and_one_of_contents(waters):
    """A constant lab force has degree 0 in itself and degree 1 as a response."""
    rule = lebedev(5).with_inversion()
    raw = torch.tensor([0.0, 0.0, 2.0], dtype=torch.float64).expand(len(rule), 3)
    vector = ia.Property("field", 1)
    responses = torch.stack([vector.back(y, g) for y, g in zip(raw, rule.rotations, strict=True)])
    assert ia.spectrum(raw, rule)[0, 0] == pytest.approx(4.0)
    assert ia.spectrum(raw, rule)[1:].abs().max() < 1e-12
    sectors = ia.spectrum(responses, rule)
    assert sectors[1, 1] == pytest.approx(4.0)
    assert sectors.sum() == pytest.approx(4.0)


def test_the_spectrum_warns_of_sectors_beyond_half_the_degree():
    values = torch.randn(12, dtype=torch.float64)
    with pytest.warns(CoarseRuleWarning, match="half of the rule's degree"):
        ia.spectrum(values, polyhedral("T"), most=2)
    with pytest.raises(DataError, match="one per element"):
        ia.spectrum(values[:5], polyhedral("T"))


def test_handedness_is_left_by_rotations_and_removed_by_inversion(ase):
    positions = np.array([[0, 0, 0], [1.0, 0.1, 0], [0, 1.2, 0.2], [0.1, 0, 0.9]])
    chiral = ase.Atoms("CHFO", positions)
    planar = ase.Atoms("CHFO", positions * [1, 1, 0])
    calculator = ia.TorchCalculator(ia.Handed(0.4))
    rules = [polyhedral("T"), lebedev(5), polyhedral("T").with_inversion()]
    left = [abs(float(ia.orbits(calculator, chiral, rule, ENERGY)["energy"].mean)) for rule in rules]
    lightest = positions[[1, 0, 3, 2]]
    volume = 0.4 * abs(np.linalg.det(lightest[1:] - lightest[0]))
    assert left[:2] == pytest.approx([volume, volume])
    assert left[2] < 1e-15
    assert abs(float(ia.orbits(calculator, planar, rules[0], ENERGY)["energy"].mean)) < 1e-15


def test_large_offsets_do_not_spoil_the_spread():
    values = 1e9 + torch.tensor([0.0, 1e-6, 2e-6, 1e-6], dtype=torch.float64)
    orbit = ia.Orbit(values, torch.full((4,), 0.25, dtype=torch.float64))
    assert float(orbit.spread) == pytest.approx(float((values - 1e9).std(correction=0)), rel=1e-2)


def test_gauss_fills_any_degree():
    assert lab_error(gauss(8)) < lab_error(gauss(6)) < lab_error(gauss(4))
    assert math.isclose(lab_error(gauss(4)), lab_error(grid("3")), rel_tol=0.05)
