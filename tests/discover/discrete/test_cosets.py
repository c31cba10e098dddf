"""The discrete part after the connected one: candidates modulo what was found, tried on the learnt map."""

import math

import pytest
import torch

import isotropy as iso
from isotropy.discover import DiscreteSymmetries, FromData, FromModel, LieGAN, Plan, cosets, simple_elements
from isotropy.errors import DataError


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    ("algebra", "count"),
    [(iso.so(2), 1), (iso.so(3), 1), (iso.so(1, 3), 3), (iso.gl(2), 1), (iso.LieAlgebra(iso.so(3).basis[:1]), 3)],
)
def test_number_of_cosets(algebra, count):
    """O(n) has two components, O(1, 3) four, GL(2) two; turns about an axis leave two mirrors and their product."""
    assert len(cosets(algebra, simple_elements(algebra.n)[: 2**algebra.n * math.factorial(algebra.n)])) == count


def test_cosets_keep_the_algebra():
    for g in cosets(iso.so(1, 3)):
        turned = iso.LieAlgebra(g @ iso.so(1, 3).basis @ torch.linalg.inv(g))
        assert turned.distance(iso.so(1, 3)) < 1e-6
        assert g[0, 0].abs() == 1


def test_a_wound_turn_is_connected():
    """Half a turn in one plane and a whole one in another: no principal logarithm is in the algebra."""
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    winding = iso.LieAlgebra(torch.block_diag(turn, 2 * turn)[None])
    half = torch.diag(torch.tensor([-1.0, -1.0, 1.0, 1.0], dtype=torch.float64))
    assert len(cosets(winding, half[None])) == 0


def discrete(found, x, rho_in, rho_out):
    return DiscreteSymmetries(rho_in, rho_out).fit(found.surrogate_, x, cosets(found.algebra_))


def test_mirror_after_the_rotation_of_samples():
    G, x = iso.gl(2), randn(200, 2)
    found = FromData(G.vector(), G.scalar(), kinds=["polynomial-2"]).fit(x, x.square().sum(1))
    after = discrete(found, x, G.vector(), G.scalar())
    assert (after.status_, len(after.elements_)) == ("certified", 1)
    assert float(torch.linalg.det(after.elements_[0])) == pytest.approx(-1.0)


def test_no_mirror_after_a_game_on_a_swirl():
    pytest.importorskip("lightning_fabric", reason="games are trained on lightning-fabric")
    x, V = randn(300, 2), iso.gl(2).vector()
    r = x.norm(dim=1, keepdim=True)
    y = torch.cat([x[:, :1] - r * x[:, 1:], x[:, 1:] + r * x[:, :1]], dim=1)
    game = LieGAN(V, V, start="direct", conditional=False, kinds=["polynomial"], plan=Plan(epochs=1, steps=1))
    found = game.fit(x, y)
    assert found.algebra_.dim == 1
    assert discrete(found, x, V, V).status_ == "none"


def test_turns_where_no_connected_group_is():
    G, x = iso.gl(2), randn(300, 2)

    def petals(p):
        return torch.cos(5 * torch.atan2(p[:, 1], p[:, 0])) * p.square().sum(1) + p[:, 0] * 0

    found = FromModel(G.vector(), G.scalar()).fit(petals, x)
    assert found.status_ == "none"
    after = DiscreteSymmetries(G.vector(), G.scalar()).fit(petals, x, cosets(found.algebra_))
    assert after.status_ == "certified"
    turns = [g for g in after.elements_ if float(torch.linalg.det(g)) > 0]
    assert sorted(round(5 * math.atan2(float(g[1, 0]), float(g[0, 0])) / (2 * math.pi), 6) for g in turns) == [
        -2,
        -1,
        1,
        2,
    ]


def test_bad_questions():
    with pytest.raises(DataError, match="expected size 2 as in the algebra, received 3"):
        cosets(iso.so(2), torch.eye(3)[None])
    with pytest.raises(DataError, match="expected matrices, received vector fields"):
        cosets(iso.actions.PolynomialFields(2, 2).algebra)
