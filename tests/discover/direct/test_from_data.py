"""Symmetries of unknown maps from samples: planted ones are found in any basis, absent ones are not."""

import math

import pytest
import torch

import isotropy as iso
from isotropy import datasets
from isotropy.discover import FromData
from isotropy.errors import DataError, RepresentationMismatchError
from isotropy.testing import assert_estimator

QUICK = ["polynomial"]


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def planted(p, q=0, count=600, noise=0.01, seed=0):
    """Samples of a function of a form of signature (p, q), seen in another basis, and that basis."""
    n = p + q
    signs = torch.tensor([1.0] * p + [-1.0] * q, dtype=torch.float64)
    change = torch.eye(n, dtype=torch.float64) + 0.3 * randn(n, n, seed=seed + 10)
    z = randn(count, n, seed=seed)
    form = (signs * z.square()).sum(1)
    y = form + form**2 / 10
    return z @ change.T, y + noise * y.std() * randn(count, seed=seed + 20), change


@pytest.mark.parametrize(("p", "q"), [(2, 0), (3, 0), (1, 1), (1, 3)])
def test_planted_forms_are_found_in_any_basis(p, q):
    x, y, change = planted(p, q)
    G = iso.gl(p + q)
    found = FromData(G.vector(), G.scalar(), kinds=QUICK).fit(x, y)
    truth = iso.so(p, q)
    assert (found.status_, found.algebra_.dim) == ("certified", truth.dim)
    assert found.algebra_.distance(truth.conjugate(change)) < 0.05
    assert found.surrogate_.kind.startswith("polynomial")
    assert "learnt from 600 samples" in found.limits_[0]


def test_names_under_noise():
    for (p, q), name in [((3, 0), "so(3)"), ((1, 3), "so(1,3)")]:
        x, y, _ = planted(p, q)
        G = iso.gl(p + q)
        assert FromData(G.vector(), G.scalar(), kinds=QUICK).fit(x, y).identify().name == name


def test_equivariant_outputs():
    problem = datasets.cross_product(samples=300)
    V = iso.gl(3).vector()
    found = FromData(2 * V, V, kinds=QUICK).fit(problem.data.x, problem.data.y)
    assert (found.status_, found.identify().name, found.algebra_.dim) == ("certified", "so(3)", 3)


def test_more_noise_is_a_wider_limit():
    limits = []
    for noise in (0.0, 0.01, 0.1):
        x, y, _ = planted(3, noise=noise)
        found = FromData(iso.gl(3).vector(), iso.gl(3).scalar(), kinds=QUICK).fit(x, y)
        limits.append(found.certificates_["tolerance"].value)
    assert limits[0] < 1e-6 < limits[1] < limits[2]


@pytest.mark.parametrize("problem", [datasets.random_network(2), datasets.random_cubic(3)], ids=lambda p: p.name)
def test_nothing_is_found_where_nothing_is(problem):
    G = iso.gl(problem.data.x.shape[1])
    found = FromData(G.vector(), G.scalar(), kinds=QUICK).fit(problem.data.x, problem.data.y)
    assert found.status_ != "certified"
    assert found.algebra_.dim == 0


@pytest.mark.slow
def test_class_labels_of_rings():
    """Labels are words; logits take the place of the map."""
    x = randn(1500, 2)
    labels = ["inner" if r < 0.8 else "middle" if r < 1.6 else "outer" for r in x.norm(dim=1).tolist()]
    found = FromData(iso.gl(2).vector(), iso.gl(2).scalar()).fit(x, labels)
    assert sorted(found.surrogate_.classes) == ["inner", "middle", "outer"]
    assert (found.algebra_.dim, found.identify().name) == (1, "so(2)")


def test_seeds_decide():
    x, y, _ = planted(2, count=200, noise=0.1)
    G = iso.gl(2)
    first, again, other = (
        FromData(G.vector(), G.scalar(), kinds=QUICK, seed=seed).fit(x, y).symmetry_.generators for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_contract_of_estimators():
    x, y, _ = planted(2, count=120)
    G = iso.gl(2)
    assert_estimator(lambda: FromData(G.vector(), G.scalar(), kinds=QUICK, seed=4), [x, y])


def test_float32_data_are_welcome():
    x, y, change = planted(2)
    found = FromData(iso.gl(2).vector(), iso.gl(2).scalar(), kinds=QUICK).fit(x.float(), y.float())
    assert found.algebra_.distance(iso.so(2).conjugate(change)) < 0.05


@pytest.mark.parametrize(
    ("x", "y", "error", "words"),
    [
        (randn(30, 2), randn(29), DataError, "y: expected 30 rows as in x, received 29"),
        (randn(10, 2), randn(10), DataError, "at least 20 samples for 4 candidate generators, received 10"),
        (randn(30, 3), randn(30), RepresentationMismatchError, "received (3,)"),
        (randn(30, 2), randn(30, 3), RepresentationMismatchError, "rho_out: expected an action on 3 outputs"),
        (randn(30, 2), math.nan * randn(30), DataError, "y: expected finite"),
        (randn(30, 2), torch.ones(30), DataError, "y: expected values that vary"),
    ],
)
def test_bad_input_is_refused(x, y, error, words):
    G = iso.gl(2)
    with pytest.raises(error) as caught:
        FromData(G.vector(), G.scalar(), kinds=QUICK).fit(x, y)
    assert words in str(caught.value)


def test_too_few_equations_for_many_candidates():
    V = iso.gl(6).vector()
    with pytest.raises(DataError, match="at least 36 samples for 36 candidate generators, received 30"):
        FromData(V, iso.gl(6).scalar()).fit(randn(30, 6), randn(30))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("samples", "noise"), [(800, 0.3), (800, 0.4), (400, 0.3)])
def test_a_plane_is_not_believed_where_the_values_show_a_bend(samples, noise, seed):
    """A linear map has a large algebra; near pairs alone once let it win over a quadratic map behind noise."""
    generator = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(samples, 2, generator=generator, dtype=torch.float64) - 1
    y = x[:, 0] + 0.6 * x[:, 0] * x[:, 1] - 0.5 * x[:, 1] ** 2
    y = y + noise * y.std() * torch.randn(samples, generator=generator, dtype=torch.float64)
    found = FromData(iso.gl(2).vector(), iso.gl(2).scalar(), seed=seed, kinds=["polynomial"]).fit(x, y)
    assert found.surrogate_.kind != "polynomial-1"
    assert found.status_ != "certified"
