"""The bundled jets have the masses of tops and of light jets, and their label is unchanged by so(1,3)."""

import warnings

import numpy as np
import torch
from studies.adversarial_discovery.make_jets import write_table

import isotropy as iso
from isotropy import datasets
from isotropy.discover import FromData
from isotropy.enforce import invariant_forms
from isotropy.errors import SymmetryWarning

MINKOWSKI = torch.diag(torch.tensor([-1.0, 1, 1, 1], dtype=torch.float64))
KINDS = ["classifier-logistic-2", "classifier-logistic-3"]


def test_masses_and_windows():
    data = datasets.load("jets").data
    mass = -torch.einsum("si,ij,sj->s", data.x, MINKOWSKI, data.x)
    top = data.y[:, 0] == 1
    assert data.x.shape == (3000, 4)
    assert int(top.sum()) == 1500
    assert 165 < float(mass[top].sqrt().median()) < 185 < 2.5 * float(mass[~top].sqrt().median())
    momentum = data.x[:, 1:3].norm(dim=1)
    assert 549 < float(momentum.min()) < float(momentum.max()) < 651


def test_traceless_candidates_give_the_lorentz_algebra_and_its_metric():
    data, G = datasets.load("jets").data, iso.sl(4)
    found = FromData(G.vector(), G.scalar(), kinds=KINDS).fit(data.x, data.y)
    assert found.status_ == "undecided"  # of labels no error can be bounded
    assert [name for name, check in found.certificates_.items() if not check.passed] == ["tolerance"]
    assert found.algebra_.identify().name == "so(1,3)"
    assert found.algebra_.distance(iso.so(1, 3)) < 0.05
    form = invariant_forms(found.algebra_)[0]
    assert float((form * MINKOWSKI).sum() / form.norm() / 2) > 0.999


def test_all_candidates_leave_a_scaling_beside():
    data, G = datasets.load("jets").data, iso.gl(4)
    found = FromData(G.vector(), G.scalar(), kinds=KINDS).fit(data.x, data.y)
    assert found.algebra_.identify().name == "so(1,3)+scaling"
    form = invariant_forms(found.algebra_, conformal=True)[0]
    assert float((form * MINKOWSKI).sum() / form.norm() / 2) > 0.999


def test_tables_read_back(tmp_path):
    momenta, labels = np.arange(8.0).reshape(2, 4) / 3, np.array([1, 0])
    write_table(tmp_path / "jets.csv.gz", momenta, labels)
    table = datasets.read_table(tmp_path / "jets.csv.gz")
    assert np.allclose(table.select(["E", "px", "py", "pz"]), momenta, rtol=1e-7)
    assert table.columns["top"].tolist() == [1, 0]


def test_shuffled_labels_certify_nothing():
    data, G = datasets.load("jets").data, iso.sl(4)
    labels = data.y[torch.randperm(3000, generator=torch.Generator().manual_seed(0))]
    found = FromData(G.vector(), G.scalar(), kinds=KINDS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SymmetryWarning)
        assert found.fit(data.x, labels).status_ == "undecided"


def test_a_label_by_energy_is_not_lorentz_invariant():
    data, G = datasets.load("jets").data, iso.sl(4)
    found = FromData(G.vector(), G.scalar(), kinds=KINDS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SymmetryWarning)
        found.fit(data.x, (data.x[:, 0] > data.x[:, 0].median()).double())
    assert found.algebra_.distance(iso.so(1, 3)) > 1
