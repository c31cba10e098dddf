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


# -- claims ----------------------------------------------------------------------------------------------------------


def even(x):
    """Even in the third coordinate, and in nothing else."""
    return x[:, 0] + torch.sin(x[:, 0] * x[:, 1]) + x[:, 1] ** 2 * x[:, 2] ** 2


MIRROR = FLIPS[1:2]  # of the third coordinate


@pytest.mark.parametrize(
    ("broken", "status", "grade"),
    [(0.0, "certified", "exact"), (0.01, "certified", "approximate"), (0.3, "none", "")],
)
def test_grades_of_a_broken_mirror(broken, status, grade):
    G = iso.gl(3)
    found = DiscreteSymmetries(G.vector(), G.scalar()).fit(lambda x: even(x) + broken * x[:, 2], normal(400, 3), MIRROR)
    assert (found.status_, found.grade_) == (status, grade)
    ((lower, upper),) = found.limits_of_errors_.tolist()
    assert lower <= float(found.errors_) <= upper
    if broken:
        assert lower > 0
    if status == "certified":
        assert upper <= 0.05
        assert f"{upper:.2g}" in found.certificates_["tolerance"].words
    assert found.symmetry_.ladder[0.0] == (0 if broken else 1)
    assert found.symmetry_.ladder[0.05] == (1 if status == "certified" else 0)


def test_a_mirror_near_the_tolerance_is_undecided_and_shown():
    G = iso.gl(3)

    def f(x):
        return even(x) + 0.08 * x[:, 2]

    found = DiscreteSymmetries(G.vector(), G.scalar()).fit(f, normal(400, 3), MIRROR)
    ((lower, upper),) = found.limits_of_errors_.tolist()
    assert lower < 0.05 < upper
    assert (found.status_, found.kept_, found.grade_) == ("undecided", [0], "")
    for tolerance, status in ((lower / 2, "none"), (2 * upper, "certified")):
        again = DiscreteSymmetries(G.vector(), G.scalar(), tolerance=tolerance).fit(f, normal(400, 3), MIRROR)
        assert again.status_ == status


def test_elements_near_the_identity_are_no_symmetries():
    """Turns by a thousandth change nothing by more than a thousandth; what they could change is no more."""
    G, x = iso.gl(2), normal(400, 2)
    turns = torch.stack([rotation(1e-3), rotation(1e-2)])
    found = DiscreteSymmetries(G.vector(), G.scalar()).fit(lambda x: x[:, 0] + x[:, 1].exp(), x, turns)
    assert found.status_ == "none"
    assert float(found.errors_.min()) > 0.5
    kept = DiscreteSymmetries(G.vector(), G.scalar()).fit(lambda x: x.square().sum(1), x, turns)
    assert (kept.status_, kept.grade_, kept.kept_) == ("certified", "exact", [0, 1])


def test_what_the_map_ignores_is_no_evidence():
    G = iso.gl(3)
    found = DiscreteSymmetries(G.vector(), G.scalar()).fit(lambda x: x[:, 0].exp() + x[:, 1], normal(200, 3), FLIPS[:2])
    assert (found.kept_, found.status_) == ([0, 1], "none")  # the identity, and a mirror of what is not looked at
    assert found.ignored_ == 2
    assert "2 elements move nothing to which the map responds" in found.limits_


def test_units_of_inputs_and_outputs_do_not_enter():
    V, x = iso.gl(3).vector(), normal(300, 3)
    first = DiscreteSymmetries(V, V).fit(lorenz, 5 * x, FLIPS)
    scale = torch.tensor([1e-6, 1.0, 1e5], dtype=torch.float64)
    second = DiscreteSymmetries(V, V).fit(lambda s: scale * lorenz(s / scale), 5 * x * scale, FLIPS)
    assert second.kept_ == first.kept_
    torch.testing.assert_close(second.errors_, first.errors_, rtol=1e-6, atol=1e-12)


def test_chance_is_one():
    """Values at a point and behind the mirror that have nothing to do with one another."""
    G, x = iso.gl(3), normal(4000, 3)

    def f(x):
        return torch.sin(40 * x[:, 0].square() + 31 * x[:, 0])

    found = DiscreteSymmetries(G.vector(), G.scalar()).fit(f, x, FLIPS[-1:])
    assert float(found.errors_) == pytest.approx(1.0, abs=0.03)


def test_copies_of_samples_do_not_narrow_limits():
    G, x = iso.gl(3), normal(100, 3)

    def f(x):
        return even(x) + 0.1 * x[:, 2]

    once, often = (DiscreteSymmetries(G.vector(), G.scalar()).fit(f, y, MIRROR) for y in (x, x.repeat(20, 1)))
    width, other = (float(found.limits_of_errors_.diff()) for found in (once, often))
    assert other == pytest.approx(width, rel=0.3)


def test_a_curve_is_chosen_on_other_samples_than_it_is_judged_on():
    G, x = iso.gl(2), normal(200, 2)
    grid = [0.05 * k for k in range(1, 125)]
    whole = DiscreteSymmetries(G.vector(), G.scalar()).fit_curve(petals, x, rotation, grid)
    changed = x.clone()
    changed[1::2] = normal(100, 2, seed=3)
    other = DiscreteSymmetries(G.vector(), G.scalar()).fit_curve(petals, changed, rotation, grid)
    assert other.parameters_ == whole.parameters_
    assert not torch.equal(other.errors_, whole.errors_)


def test_a_rank_is_judged_as_it_is_asked_for():
    V = iso.gl(3).vector()
    found = DiscreteSymmetries(V, V, rank=3).fit(lorenz, 5 * normal(300, 3), FLIPS)
    assert len(found.kept_) == 3
    assert found.status_ == "undecided"  # the third is broken
    assert DiscreteSymmetries(V, V, rank=2).fit(lorenz, 5 * normal(300, 3), FLIPS).status_ == "certified"


@pytest.mark.parametrize("name", ["tolerance", "level"])
def test_tolerance_and_level_are_fractions(name):
    V = iso.gl(3).vector()
    with pytest.raises(DataError, match=f"{name}: expected a number between 0 and 1"):
        DiscreteSymmetries(V, V, **{name: 0.0}).fit(lorenz, normal(50, 3), FLIPS)


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
