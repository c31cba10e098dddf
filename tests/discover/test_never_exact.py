"""Nothing learnt from samples is called exact, however clean these are and however plainly the map ignores a motion."""

import pytest
import torch

import isotropy as iso
from isotropy.actions import Affine, Prolonged

G = iso.gl(2)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def a_table(kind, f):
    x = randn(200, 2)
    return iso.discover.FromData(G.vector(), G.scalar(), kinds=[kind]).fit(x, f(x))


def an_equation():
    action = Prolonged(("x", "t"), ("u",), order=2, degree=1)
    z = randn(400, action.size)
    z[:, 4] = z[:, 5] - z[:, 2] * z[:, 3]
    return iso.discover.FromEquations(action, ["u_t"], kinds=["polynomial"]).fit(z)


def trajectories():
    t = torch.linspace(0, 3, 60, dtype=torch.float64)
    orbits = [r * torch.stack([(r**2 * t).cos(), (r**2 * t).sin()], 1) for r in (0.6, 0.8, 1.0, 1.2)]
    return iso.discover.FromDynamics(G.vector()).fit(orbits, [t] * len(orbits))


def points():
    return iso.discover.FromPoints(G.vector()).fit(torch.nn.functional.normalize(randn(600, 2)))


def pairs():
    x = randn(400, 2)
    turn = torch.linalg.matrix_exp(0.5 * torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64))
    return iso.discover.FromPairs(1).fit(x, x @ turn.T)


ROADS = {
    "polynomial": lambda: a_table("polynomial", lambda x: x.square().sum(1)),
    "polynomial, ignored": lambda: a_table("polynomial", lambda x: x[:, 0] ** 2 + x[:, 0]),
    "kernel": lambda: a_table("kernel-gaussian", lambda x: torch.exp(-x.square().sum(1))),
    "kernel, ignored": lambda: a_table("kernel-gaussian", lambda x: torch.sin(x[:, 0])),
    "equation": an_equation,
    "trajectories": trajectories,
    "points": points,
    "pairs": pairs,
    "density": lambda: iso.discover.FromDensity(G.vector()).fit(randn(2000, 2)),
    "moments": lambda: iso.discover.FromMoments(Affine(iso.aff(2))).fit(randn(2000, 2)),
}


@pytest.mark.parametrize("road", ROADS)
def test_what_is_learnt_is_never_exact(road):
    found = ROADS[road]()
    assert found.grade_ != "exact"
    assert all(one.grade != "exact" for one in found.symmetry_.generators)
    assert not found.ladder_.get(0.0, 0)


def test_ignored_motions_come_with_a_limit_of_what_they_change(tmp_path):
    x = randn(400, 2)
    y = x[:, 0] + x[:, 0] ** 2 + 0.05 * randn(400, seed=1)
    found = iso.discover.FromData(G.vector(), G.scalar(), kinds=["polynomial"]).fit(x, y)
    assert found.ignored_ == 2 and not found.algebra_.dim
    assert 0 < found.symmetry_.ignored_effect <= 0.05
    assert "of its spread under one standard deviation of motion along 2 further directions" in str(found)
    again = iso.Symmetry.load(found.save(tmp_path / "symmetry.json"))
    assert (again.ignored, again.ignored_effect) == (2, found.symmetry_.ignored_effect)
