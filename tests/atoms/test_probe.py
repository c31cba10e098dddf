"""What a probe says of calculators whose symmetry is known, good input and bad."""

import json
import math

import numpy as np
import pytest
import torch

from isotropy import atoms as ia
from isotropy.atoms.models._toys import HARTREE
from isotropy.atoms.probing._screen import rotation
from isotropy.errors import CoarseRuleWarning, DataError, SymmetryError
from isotropy.quadrature import haar, identity, lebedev, polyhedral

I_H = polyhedral("I").with_inversion()


def planted(base, amplitude):
    """A calculator plus ``amplitude P_2(u_z)`` of the direction from the first atom to the second."""

    def function(atoms):
        copy = atoms.copy()
        copy.calc = base()
        x = torch.tensor(atoms.positions[1] - atoms.positions[0], requires_grad=True)
        extra = amplitude * (1.5 * (x[2] / x.norm()) ** 2 - 0.5)
        (slope,) = torch.autograd.grad(extra, x)
        forces = copy.get_forces()
        forces[1] -= slope.numpy()
        forces[0] += slope.numpy()
        return {"energy": copy.get_potential_energy() + extra.item(), "forces": forces}

    return function


def invariant_calculators():
    """Calculators of the environment that are exactly invariant, with a frame for each."""
    pytest.importorskip("ase", reason="structures need isotropy[atoms]")
    from ase.build import bulk, molecule
    from ase.calculators.emt import EMT
    from ase.calculators.lj import LennardJones

    copper, argon, dimer = bulk("Cu") * (2, 2, 2), bulk("Ar", a=5.3) * (2, 2, 2), molecule("H2O")
    dimer.extend(molecule("H2O"))
    dimer.positions[3:] += [3.0, 0.0, 0.3]
    for frame in (copper, argon, dimer):
        frame.rattle(0.05, seed=1)

    def tight_binding():
        tblite = pytest.importorskip("tblite.ase", reason="needs isotropy[atoms]")
        return tblite.TBLite(method="GFN2-xTB", verbosity=0, accuracy=1e-4)

    return {
        "emt": (EMT, copper, ("energy", "forces", "stress")),
        "lj": (
            lambda: LennardJones(epsilon=0.01, sigma=3.4, rc=8, smooth=True),
            argon,
            ("energy", "forces", "stress"),
        ),
        "gfn2": (tight_binding, dimer, ("energy", "forces")),
    }


@pytest.mark.parametrize("name", ["emt", "lj", "gfn2"])
def test_invariant_calculators_are_at_the_floor(name):
    make, frame, properties = invariant_calculators()[name]
    report = ia.probe(make(), frame, properties=properties, candidates=())
    for one in properties:
        found = report.summary(one)
        assert found["at_floor"]
        assert found["relative"] <= 1e-8
        assert found["floor"] / found["size"] <= 1e-8
        assert found["broken"] == []
    assert report.summary("energy")["error"] < 1e-11
    assert not report.vacuous
    assert "as far as rounding can tell" in str(report)


@pytest.mark.parametrize("name", ["emt", "lj", "gfn2"])
def test_a_planted_amount_is_found(name):
    make, frame, _ = invariant_calculators()[name]
    amplitude = 1e-3
    report = ia.probe(planted(make, amplitude), frame, candidates=())
    found = report.summary("energy")
    assert found["error"] == pytest.approx(amplitude / math.sqrt(5), rel=0.01)
    assert found["spectrum"][2][0] == pytest.approx(amplitude**2 / 5, rel=0.01)
    assert sum(map(sum, found["spectrum"])) == pytest.approx(found["spectrum"][2][0], rel=1e-6)
    forces = report.per_atom(0)
    assert float(forces[:2].min()) > 100 * float(forces[2:].max())
    assert float(forces[:2].min()) == pytest.approx(float(forces[:2].max()), rel=1e-6)


def test_energies_against_the_exact_mean(waters):
    """The errors of the study: mean absolute difference from the densest rule, by rule."""
    frames = waters(12, seed=3, noise=0.0)
    report = ia.probe(ia.TorchCalculator(ia.lab_field), frames, I_H, candidates=[identity(), polyhedral("T")])
    rows = report.rules()
    assert [row["evaluations"] for row in rows] == [1, 12]
    raw = report.summary("energy")["raw"]
    exact = [
        abs(float(ia.lab_field(torch.as_tensor(w.positions), None, torch.tensor(w.numbers))) - ia.lab_field_mean())
        for w in frames
    ]
    assert raw == pytest.approx(np.mean(exact), rel=1e-3)
    assert rows[1]["errors"]["energy"]["mean"] < rows[0]["errors"]["energy"]["mean"] / 20


def test_the_recommended_rule_meets_the_tolerance_on_other_frames(waters):
    calculator = ia.TorchCalculator(ia.lab_field)
    report = ia.probe(calculator, waters(4, seed=1), lebedev(9).with_inversion(), candidates=ia.ladder(208))
    errors = [row["errors"]["energy"]["mean"] for row in report.rules()]
    proper = [e for row, e in zip(report.rules(), errors, strict=True) if "inversion" not in row["name"]]
    assert proper == sorted(proper, reverse=True) or proper[-1] < 1e-3 * proper[0]
    chosen = report.recommend(energy=1e-3, forces=5e-3)
    assert chosen["name"] == "I"
    held_out = ia.probe(calculator, waters(3, seed=9), lebedev(9).with_inversion(), candidates=[polyhedral("I")])
    assert held_out.rules()[0]["errors"]["energy"]["mean"] <= 1e-3
    with pytest.raises(DataError, match="expected a candidate within"):
        report.recommend(energy=1e-12)
    with pytest.raises(DataError, match="tolerances: expected some of"):
        report.recommend(charges=1.0)


def test_the_lab_field_fails_with_the_spectrum_of_its_exponentials(waters):
    """Mean squares of exp(a u_z) by degree, from Legendre integrals, against sector by sector."""
    k, nodes = 0.02 * HARTREE, np.polynomial.legendre.leggauss(40)
    expected = []
    for l in range(5):
        p = np.polynomial.legendre.Legendre.basis(l)(nodes[0])
        parts = [k * (2 * l + 1) / 2 * nodes[1] @ (np.exp(a * nodes[0]) * p) for a in (1.0, 0.5, 2.0)]
        cross = np.polynomial.legendre.Legendre.basis(l)(0.0)  # P_l of the cosine between two axes
        pairs = sum(parts[i] * parts[j] * (1.0 if i == j else cross) for i in range(3) for j in range(3))
        expected.append(pairs / (2 * l + 1))
    report = ia.probe(
        ia.TorchCalculator(ia.lab_field), waters(1), lebedev(11).with_inversion(), properties=["energy"], candidates=()
    )
    spectrum = np.array(report.summary("energy")["spectrum"])
    assert spectrum[0] == pytest.approx([0.0, 0.0], abs=1e-8)
    assert [spectrum[l, l % 2] for l in range(1, 5)] == pytest.approx(expected[1:], rel=2e-3)
    assert [spectrum[l, 1 - l % 2] for l in range(1, 5)] == pytest.approx([0.0] * 4, abs=1e-8)


def test_parity_is_named(ase):
    frame = ase.Atoms("CHFO", [[0, 0, 0], [1.0, 0.1, 0], [0, 1.2, 0.2], [0.1, 0, 0.9]])
    report = ia.probe(ia.TorchCalculator(ia.Handed(0.4)), frame, properties=["energy"])
    spectrum = report.summary("energy")["spectrum"]
    assert spectrum[0][1] > 0.1
    assert sum(map(sum, spectrum)) == pytest.approx(spectrum[0][1])
    by_name = {row["name"]: row["errors"]["energy"]["mean"] for row in report.rules()}
    assert by_name["I"] > 0.3
    assert by_name["identity, with inversion"] < 1e-14


def test_quantiles_and_the_largest_are_of_unseen_elements(waters):
    frame = waters(1)[0]
    calculator = ia.TorchCalculator(ia.Banded([0.0, 0.0, 1.0]))
    few, many = (
        ia.probe(calculator, frame, I_H, properties=["energy"], candidates=(), held_out=n).summary("energy")
        for n in (5, 400)
    )
    assert few["largest"] <= 1.0
    assert many["largest"] == pytest.approx(1.0, abs=0.02)
    assert many["quantiles"][1] == pytest.approx(0.4, abs=0.08)  # of |P_2| on the sphere
    assert many["error"] == pytest.approx(1 / math.sqrt(5))


def test_other_broken_symmetries_are_named(waters):
    frame = waters(1)[0]
    count = iter(range(10**6))
    calculators = {
        "permutation": lambda atoms: {"energy": float(atoms.positions[0] @ atoms.positions[1])},
        "translation": lambda atoms: {"energy": float((atoms.positions**2).sum())},
        "repeat": lambda atoms: {"energy": float(next(count))},
    }
    for name, calculator in calculators.items():
        report = ia.probe(calculator, frame, properties=["energy"], candidates=())
        found = report.summary("energy")
        assert found[name] > 1e-3
        # What differs from call to call is noise: it raises the floor and is named.
        assert name in found["broken"] or name == "repeat"
        assert name == "repeat" or "broken besides" in str(report)


def test_noise_of_single_precision_is_the_floor(waters):
    def single(atoms):
        x = torch.as_tensor(atoms.positions, dtype=torch.float32)
        return {"energy": float((x[:, None] - x).square().sum((1, 2)).sum())}

    found = ia.probe(single, waters(6, seed=4), properties=["energy"], candidates=()).summary("energy")
    assert found["error"] > 1e-9
    assert found["error"] < 1e-6 * found["size"]
    assert found["at_floor"]


def test_a_calculator_that_turns_structures_itself_is_found_out(waters):
    def canonical(atoms):
        x = np.round(np.sort(atoms.get_all_distances(), axis=None), 8)
        return {"energy": float((x**3).sum())}

    report = ia.probe(canonical, waters(2), properties=["energy"], candidates=())
    assert report.vacuous
    assert "the same to the last bit" in str(report)
    assert not ia.probe(ia.TorchCalculator(ia.SpringWater()), waters(2), candidates=()).vacuous


def test_any_tensor_with_its_rank(waters):
    """A field that turns with the molecule is symmetric, one that stays is not."""

    def function(atoms):
        u = ia.dipoles(torch.as_tensor(atoms.positions))[0]
        return {"quadrupole": torch.outer(u, u), "fixed": np.diag([1.0, 0.0, 0.0])}

    wanted = [ia.Property("quadrupole", 2), ia.Property("fixed", 2)]
    report = ia.probe(function, waters(1), properties=wanted, candidates=())
    assert report.summary("quadrupole")["at_floor"]
    assert report.summary("fixed")["error"] == pytest.approx(math.sqrt(2 / 27))


def test_torque_is_the_derivative_by_the_angle(waters):
    frame = waters(1, seed=5)[0]
    calculator = ia.TorchCalculator(ia.lab_field)
    found = ia.screen(calculator, frame)
    assert found.methods == ("torque",)
    assert found.evaluations == 1
    for axis in range(3):
        small = torch.zeros(3, dtype=torch.float64)
        small[axis] = 1e-4
        ends = []
        for sign in (1, -1):
            moved = ia.turned(frame, rotation(sign * small))
            calculator.calculate(moved)
            ends.append(calculator.results["energy"])
        assert float(found.slopes[0, axis]) == pytest.approx((ends[0] - ends[1]) / 2e-4, abs=1e-7)
    assert ia.screen(ia.TorchCalculator(ia.SpringWater()), frame).largest < 1e-12
    assert float(found.net_force[0]) < 1e-12


def test_a_crystal_turns_with_its_cell(crystal):
    """Forces alone are no measure: the antisymmetric virial is."""
    strains = torch.tensor([[0.3, 0.1, 0.0], [0.2, -0.1, 0.4], [0.0, 0.3, 0.2]], dtype=torch.float64)

    def energy(positions, cell, numbers):
        fractions = positions @ torch.linalg.inv(cell)
        springs = (fractions[:, None] - fractions) @ cell
        return (strains * (cell.T @ cell)).sum() + 0.01 * (springs[..., 2] ** 3).sum() + (springs[..., 0] ** 2).sum()

    calculator = ia.TorchCalculator(energy)
    exact = ia.screen(calculator, crystal)
    assert exact.methods == ("virial",)
    stripped = ia.screen(lambda atoms: {"energy": calculator.get_property("energy", atoms)}, crystal)
    assert stripped.methods == ("difference",)
    assert stripped.evaluations == 6
    assert torch.allclose(exact.slopes, stripped.slopes, rtol=1e-6, atol=1e-6 * float(exact.slopes.norm()))
    assert exact.largest > 1.0
    from ase.calculators.emt import EMT

    assert ia.screen(EMT(), crystal).largest < 1e-9


def test_frames_are_left_as_they_were(crystal):
    from ase.calculators.emt import EMT
    from ase.constraints import FixAtoms

    crystal.set_constraint(FixAtoms([0]))
    before = crystal.copy()
    report = ia.probe(EMT(), crystal, candidates=())
    assert np.array_equal(before.positions, crystal.positions)
    assert np.array_equal(before.cell.array, crystal.cell.array)
    assert len(crystal.constraints) == 1
    assert report.summary("forces")["at_floor"]


def test_content_above_the_rule_is_warned_of(waters):
    with pytest.warns(CoarseRuleWarning, match="energy: expected errors of degree 0 or less"):
        ia.probe(ia.TorchCalculator(ia.Banded([0, 1.0])), waters(1), haar(20), properties=["energy"], candidates=())


def bad_frames(ase):
    from ase.build import bulk, molecule

    left = bulk("Cu", cubic=True)
    left.set_cell(left.cell.array[[1, 0, 2]])
    lost = molecule("H2O")
    lost.positions[1, 1] = np.nan
    return {
        "at least one atom": ([ase.Atoms()], ["energy"]),
        "at least one structure": ([], ["energy"]),
        "known elements, received X": ([ase.Atoms("X", [[0, 0, 0]])], ["energy"]),
        "right-handed cell": ([left], ["energy"]),
        "finite positions": ([lost], ["energy"]),
        "periodic along three axes for stress": ([molecule("H2O")], ["energy", "stress"]),
        "properties: expected some of": ([molecule("H2O")], ["entropy"]),
    }


def test_bad_frames_are_refused(ase):
    from ase.calculators.emt import EMT

    for text, (frames, properties) in bad_frames(ase).items():
        with pytest.raises(DataError, match=text):
            ia.probe(EMT(), frames, properties=properties)


def test_bad_frames_are_refused_by_averages_graphs_and_screens_too(ase):
    from ase.calculators.emt import EMT

    for text, (frames, properties) in bad_frames(ase).items():
        if "entropy" in properties or not frames:
            continue
        averaged = ia.SymmetrizedCalculator(EMT(), polyhedral("T"))
        with pytest.raises(DataError, match=text):
            averaged.get_property(properties[-1], frames[0])
        if "stress" not in properties:
            for call in (lambda f: ia.graph(f, 4.0), lambda f: ia.screen(EMT(), f), lambda f: ia.curl(EMT(), f[0])):
                with pytest.raises(DataError, match=text):
                    call(frames)


def test_what_a_calculator_cannot_do_is_said(ase, waters):
    from ase.calculators.emt import EMT

    frame = waters(1)
    cases = {
        r"expected finite forces, received NaN": lambda a: {"energy": 0.0, "forces": np.full((3, 3), np.nan)},
        r"expected forces, energy from function": lambda a: {"energy": 0.0},
        r"expected forces of shape \(3, '...', 3\)": lambda a: {"energy": 0.0, "forces": np.zeros((2, 3))},
        r"expected forces, received none": lambda a: {"energy": 0.0, "forces": None},
        r"expected EMT to compute Xe, received NotImplementedError": EMT(),
    }
    for text, calculator in cases.items():
        frames = ase.Atoms("Xe", [[0, 0, 0]]) if "Xe" in text else frame
        with pytest.raises(DataError, match=text):
            ia.probe(calculator, frames)


class Fragile:
    """Fails after so many evaluations."""

    def __init__(self, limit):
        self.left = limit
        self.calls = 0

    def __call__(self, atoms):
        self.calls += 1
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("out of licences")
        return {"energy": float(atoms.positions[0, 2] ** 2)}


def test_a_failure_midway_keeps_finished_frames(waters, tmp_path):
    frames, file = waters(3), tmp_path / "probe.jsonl"
    whole = ia.probe(Fragile(10**6), frames, properties=["energy"], candidates=())
    each = whole.evaluations // 3
    with pytest.raises(ia.ProbeStopped, match=r"frame 1: .*out of licences.*1 finished frames are kept in") as stop:
        ia.probe(Fragile(each + 5), frames, properties=["energy"], candidates=(), resume=file)
    assert isinstance(stop.value, SymmetryError)
    assert len(stop.value.report.records) == 1
    with file.open("a") as stream:
        stream.write('{"frame": 1, "dig')  # what a crash in the middle of a write leaves
    second = Fragile(10**6)
    steps = []
    resumed = ia.probe(
        second,
        frames,
        properties=["energy"],
        candidates=(),
        resume=file,
        progress=lambda done, total, what: steps.append((done, total)),
    )
    assert second.calls == 2 * each
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert resumed.to_dict() == whole.to_dict()
    with pytest.raises(DataError, match="another structure"):
        ia.probe(second, waters(3, seed=8), properties=["energy"], candidates=(), resume=file)
    with pytest.raises(DataError, match="choose another file"):
        ia.probe(second, frames, properties=["energy"], candidates=(), resume=file, seed=1)
    with pytest.raises(ia.ProbeStopped) as stop:
        ia.probe(Fragile(each + 5), frames, properties=["energy"], candidates=())
    assert len(stop.value.report.records) == 1


def test_the_report_is_a_file_and_pictures(waters, tmp_path):
    report = ia.probe(ia.TorchCalculator(ia.Banded([0, 0.1, 0.2])), waters(2))
    found = json.loads(report.save(tmp_path / "probe.json").read_text())
    assert found["frames"] == 2
    assert found["evaluations"] == report.evaluations == sum(r["evaluations"] for r in found["records"])
    assert set(found["locality"]["forces"]) == {"H", "O"}
    assert found["slope"] == pytest.approx(float(report.slopes.square().sum(1).mean().sqrt()))
    pytest.importorskip("matplotlib", reason="pictures need isotropy[report]")
    for name, panels in (("forces", 3), ("energy", 2)):
        assert len(report.plot(name).axes) == panels
    atoms = report.map().axes[0].collections[0]
    assert len(atoms.get_offsets()) == 3
    worst = max(report.per_atom(k).max() for k in range(2))
    assert float(atoms.get_array().max()) == float(worst)
    assert report.map(frame=1).get_suptitle().startswith("forces of frame 1")
    with pytest.raises(DataError, match="expected a property of atoms"):
        report.map("energy")


def test_evaluations_are_counted(waters):
    calculator = ia.TorchCalculator(ia.lab_field)
    report = ia.probe(calculator, waters(2), candidates=[polyhedral("T")], held_out=5)
    assert calculator.evaluations == report.evaluations == 2 * (120 + 12 + 5 + 7)


def test_an_invariant_reference_has_no_error_and_a_stored_table_comes_back(waters):
    """Definitions of the study: mean absolute energy differences, mean absolute components of force differences."""
    frames = waters(6, seed=8)
    still = ia.probe(ia.TorchCalculator(ia.SpringWater()), frames, candidates=())
    assert still.summary("energy")["raw"] < 1e-12
    assert still.summary("energy")["error"] < 1e-12
    found = ia.probe(ia.TorchCalculator(ia.Banded([0.0, 0.3, 0.2])), frames, candidates=())
    u = torch.stack([ia.dipoles(torch.as_tensor(frame.positions))[0] for frame in frames])
    z = u[:, 2]
    assert found.summary("energy")["raw"] == pytest.approx(float((0.3 * z + 0.1 * (3 * z**2 - 1)).abs().mean()))
    forces = [ia.TorchCalculator(ia.Banded([0.0, 0.3, 0.2])).get_forces(frame) for frame in frames]
    assert found.summary("forces")["raw"] == pytest.approx(np.abs(forces).mean())  # the symmetric part has none
    assert found.summary("energy")["error"] == pytest.approx(math.sqrt(0.09 / 3 + 0.04 / 5))
