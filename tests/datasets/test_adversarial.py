"""Orbits, a k-fold rotation, boosts and jets: the symmetries that they are said to have, they have."""

import math

import numpy as np
import pytest
import torch

import isotropy as iso
from isotropy import datasets
from isotropy.errors import DataError

TURN = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)


def test_two_body_turns_with_its_start_and_stays_centred():
    x, y = (t for t in (datasets.two_body(trajectories=5).data.x, datasets.two_body(trajectories=5).data.y))
    assert x.shape == y.shape == (5 * 19, 8)
    assert torch.allclose(x[:, :4], -x[:, 4:], atol=1e-9)
    again = datasets.problems._adversarial._advance(
        datasets.problems._adversarial._gravity(2), x @ torch.block_diag(*[TURN] * 4).T, 0.02, 50
    )
    assert torch.allclose(again, y @ torch.block_diag(*[TURN] * 4).T, atol=1e-7)


@pytest.mark.parametrize("make", [datasets.two_body, datasets.three_body])
def test_orbits_keep_momentum_and_energy(make):
    problem = make(trajectories=4)
    bodies = problem.data.x.shape[1] // 4

    def charges(state):
        parts = state.reshape(-1, bodies, 2, 2)
        q, p = parts[:, :, 0], parts[:, :, 1]
        pairs = [(i, j) for i in range(bodies) for j in range(i)]
        potential = -sum(1 / (q[:, i] - q[:, j]).norm(dim=1) for i, j in pairs)
        energy = 0.5 * p.square().sum((1, 2)) + potential
        spin = (q[..., 0] * p[..., 1] - q[..., 1] * p[..., 0]).sum(1)
        return torch.cat([energy[:, None], spin[:, None], p.sum(1)], dim=1)

    assert torch.allclose(charges(problem.data.x), charges(problem.data.y), atol=1e-6)


@pytest.mark.parametrize("k", [2, 5, 7])
def test_discrete_rotation_by_k_steps_alone(k):
    problem = datasets.discrete_rotation(k, samples=200)

    def turned(angle):
        c, s = math.cos(angle), math.sin(angle)
        g = torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1]], dtype=torch.float64)
        return problem.field(problem.data.x @ g.T)

    assert float((turned(2 * math.pi / k) - problem.data.y).abs().median()) < 1e-12
    assert float((turned(math.pi / k) - problem.data.y).abs().median()) > 1e-3


def test_lorentz_pairs_are_massive_and_their_mass_is_invariant():
    problem = datasets.lorentz_pairs(samples=300)
    form = torch.diag(torch.tensor([1.0, -1, -1, -1], dtype=torch.float64))
    for p in problem.data.x.split(4, dim=1):
        mass = torch.einsum("bi,ij,bj->b", p, form, p).sqrt()
        assert float(mass.min()) >= 0.5 - 1e-9
        assert float(mass.max()) <= 1.5 + 1e-9
    G = iso.so(1, 3)
    assert float(iso.lie_derivative(problem.field, problem.data.x, 2 * G.vector(), G.scalar()).abs().max()) < 1e-9
    labels = datasets.lorentz_pairs(samples=300, labels=True)
    assert set(labels.data.y.flatten().tolist()) == {0.0, 1.0}
    assert torch.equal(labels.data.x, problem.data.x)


def test_seeds_repeat_and_differ():
    for make in (datasets.two_body, datasets.three_body, datasets.discrete_rotation, datasets.lorentz_pairs):
        assert torch.equal(make(seed=3).data.x, make(seed=3).data.x)
        assert not torch.equal(make(seed=3).data.x, make(seed=4).data.x)


def test_bad_arguments():
    with pytest.raises(DataError, match="k: expected at least 2, received 1"):
        datasets.discrete_rotation(1)
    with pytest.raises(DataError, match="expected at least 2 samples and a positive step, received 1"):
        datasets.two_body(samples=1)


# -- jets --------------------------------------------------------------------------------------------------------


def write_reference(path, jets=6):
    """A file in the layout of the public set, and its momenta and labels."""
    h5py = pytest.importorskip("h5py", reason="jets are HDF5: isotropy[files]")
    draw = np.random.default_rng(0)
    momenta, labels = draw.normal(size=(jets, 201, 4)).astype("f4"), np.arange(jets) % 2
    row = [("index", "i8"), ("values_block_0", "f4", (804,)), ("values_block_1", "i8", (2,))]
    table = np.zeros(jets, dtype=row)
    table["values_block_0"], table["values_block_1"][:, 1] = momenta.reshape(jets, -1), labels
    with h5py.File(path, "w") as stream:
        stream.create_group("table")["table"] = table
    return momenta, labels


def test_reference_layout(tmp_path):
    momenta, labels = write_reference(tmp_path / "train.h5")
    problem = datasets.top_tagging(tmp_path / "train.h5", constituents=3, limit=4, start=1)
    assert torch.equal(problem.data.x, torch.from_numpy(momenta[1:5, :3].reshape(4, 12)).double())
    assert problem.data.y[:, 0].tolist() == labels[1:5].tolist()
    assert problem.data.x_names[4:8] == ("E1", "px1", "py1", "pz1")


def test_plain_layout(tmp_path):
    h5py = pytest.importorskip("h5py", reason="jets are HDF5: isotropy[files]")
    with h5py.File(tmp_path / "jets.h5", "w") as stream:
        stream["constituents"], stream["labels"] = np.arange(2 * 5 * 4.0).reshape(2, 5, 4), [0, 1]
    problem = datasets.top_tagging(tmp_path / "jets.h5")
    assert problem.data.x.tolist() == [list(range(8)), list(range(20, 28))]
    with pytest.raises(DataError, match=r"at least 6, 4\), received \(2, 5, 4\)"):
        datasets.top_tagging(tmp_path / "jets.h5", constituents=6)


def test_bad_jet_files(tmp_path):
    h5py = pytest.importorskip("h5py", reason="jets are HDF5: isotropy[files]")
    with pytest.raises(DataError, match="expected an HDF5 file of jets"):
        datasets.top_tagging(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("no jets")
    with pytest.raises(DataError, match=r"text\.h5: expected an HDF5 file, received something else"):
        datasets.top_tagging(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as stream:
        stream["x"] = [1.0]
    with pytest.raises(DataError, match=r"expected the top-tagging reference layout.*received \['x'\]"):
        datasets.top_tagging(tmp_path / "other.h5")
    write_reference(tmp_path / "train.h5")
    with pytest.raises(DataError, match="expected jets from 6 on, received none"):
        datasets.top_tagging(tmp_path / "train.h5", start=6)
    with pytest.raises(DataError, match="constituents: expected 1 to 200, received 0"):
        datasets.top_tagging(tmp_path / "train.h5", constituents=0)
