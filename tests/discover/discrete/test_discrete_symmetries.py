"""Single group elements: flips, permutations, k-fold rotations."""

import itertools
import math

import pytest
import torch

import isotropy as iso
from isotropy.discover import DiscreteSymmetries
from isotropy.errors import DataError
from isotropy.testing import assert_estimator

SIGNS = list(itertools.product([1.0, -1.0], repeat=3))
FLIPS = torch.stack([torch.diag(torch.tensor(s)) for s in SIGNS])


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def lorenz(s):
    x, y, z = s.unbind(1)
    return torch.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], dim=1)


def rotation(t):
    return torch.tensor([[math.cos(t), -math.sin(t)], [math.sin(t), math.cos(t)]], dtype=torch.float64)


def petals(p):
    return torch.cos(5 * torch.atan2(p[:, 1], p[:, 0])) + p.norm(dim=1)


def test_sign_flips_of_lorenz():
    V = iso.gl(3).vector()
    found = DiscreteSymmetries(V, V).fit(lorenz, 5 * normal(300, 3), FLIPS)
    assert {SIGNS[i] for i in found.kept_} == {(1, 1, 1), (-1, -1, 1)}
    assert float(found.errors_[found.kept_].max()) == 0.0
    assert float(sorted(found.errors_)[2]) > 0.2
    assert found.status_ == "certified"


def test_permutations_of_a_symmetric_function():
    eye = torch.eye(3)
    elements = torch.stack([eye[list(order)] for order in itertools.permutations(range(3))])
    G = iso.gl(3)
    found = DiscreteSymmetries(G.vector(), G.scalar()).fit(
        lambda x: x[:, 0] * x[:, 1] + x[:, 2], normal(100, 3), elements
    )
    assert len(found.kept_) == 2
    assert torch.equal(sorted(found.elements_, key=lambda m: -float(m.trace()))[0], eye.double())


def test_rotations_of_a_fivefold_flower():
    G = iso.gl(2)
    found = DiscreteSymmetries(G.vector(), G.scalar())
    found.fit_curve(petals, normal(200, 2), rotation, [0.05 * k for k in range(1, 125)])
    turns = sorted(found.parameters_[i] * 5 / (2 * math.pi) for i in found.kept_)
    assert turns == pytest.approx([1, 2, 3, 4], abs=1e-6)
    assert found.status_ == "certified"


def test_mirrors_of_a_fivefold_flower():
    G, mirror = iso.gl(2), torch.diag(torch.tensor([1.0, -1.0])).double()
    found = DiscreteSymmetries(G.vector(), G.scalar())
    found.fit_curve(petals, normal(200, 2), lambda t: rotation(t) @ mirror, [0.05 * k for k in range(126)])
    turns = sorted(found.parameters_[i] * 5 / (2 * math.pi) for i in found.kept_)
    assert turns[:5] == pytest.approx([0, 1, 2, 3, 4], abs=1e-6)


def test_products_have_to_be_symmetries_too():
    """The list lacks nothing, but two of its kept elements are symmetries only nearly and on different grounds."""
    G = iso.gl(2)
    x = normal(200, 2)

    def f(p):
        return p[:, 0].cos() + 0.3 * p[:, 1].cos() + 1e-3 * p[:, 0] * p[:, 1]

    flips = torch.stack([torch.diag(torch.tensor(s)) for s in itertools.product([1.0, -1.0], repeat=2)])
    found = DiscreteSymmetries(G.vector(), G.scalar()).fit(f, x, flips[1:3])
    assert found.certificates_["closure"].value < 1e-12  # their product is exact


def test_nothing_where_there_is_nothing():
    G = iso.gl(3)
    found = DiscreteSymmetries(G.vector(), G.scalar())
    found.fit(lambda x: x[:, 0] + 2 * x[:, 1] ** 3 + 3 * x[:, 2].exp(), normal(100, 3), FLIPS[1:])
    assert (found.status_, found.kept_) == ("none", [])


def test_it_is_an_estimator():
    V = iso.gl(3).vector()
    assert_estimator(lambda: DiscreteSymmetries(V, V), [lorenz, normal(50, 3), FLIPS])


def test_empty_questions_are_refused():
    V = iso.gl(3).vector()
    with pytest.raises(DataError, match="list the candidates"):
        DiscreteSymmetries(V, V).fit(lorenz, normal(50, 3), FLIPS[:0])
    with pytest.raises(DataError, match="at least 4 points"):
        DiscreteSymmetries(V, V).fit(lorenz, normal(3, 3), FLIPS)
    with pytest.raises(DataError, match="ascending"):
        DiscreteSymmetries(V, V).fit_curve(lorenz, normal(50, 3), lambda t: t * FLIPS[0], [1.0, 0.0, 2.0])
