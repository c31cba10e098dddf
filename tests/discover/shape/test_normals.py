"""Exact normal spaces, and the symmetries of sets given by formulas."""

import pytest
import torch

import isotropy as iso
from isotropy.actions import Affine
from isotropy.discover import FromPoints, normals_of_chart, normals_of_level_set
from isotropy.errors import DataError


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def on(chart, size, count=400):
    u = 2 * torch.rand(count, size, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1
    return u, chart(u)


def circle(u):
    return torch.cat([torch.cos(3.2 * u), torch.sin(3.2 * u)], dim=1)


def sphere(u):
    a, b = 3.2 * u[:, :1], 1.4 * u[:, 1:]
    return torch.cat([a.cos() * b.cos(), a.sin() * b.cos(), b.sin()], dim=1)


def cylinder(u):
    return torch.cat([circle(u[:, :1]), u[:, 1:]], dim=1)


@pytest.mark.parametrize(
    ("chart", "size", "algebra", "dim"),
    [
        (circle, 1, iso.aff(2), 1),
        (lambda u: circle(u) * torch.tensor([2.0, 1.0]) + 3, 1, iso.aff(2), 1),
        (lambda u: circle(u) * torch.tensor([2.0, 1.0]) + 3, 1, iso.se(2), 0),
        (lambda u: torch.cat([u, u.square()], 1), 1, iso.aff(2), 2),
        (lambda u: torch.cat([u, u.exp()], 1), 1, iso.aff(2), 1),
        (sphere, 2, iso.aff(3), 3),
        (sphere, 2, iso.se(3), 3),
        (cylinder, 2, iso.aff(3), 5),
        (cylinder, 2, iso.se(3), 2),
        (lambda u: torch.cat([u, 0.3 * u[:, :1] - 0.2 * u[:, 1:] + 1], 1), 2, iso.se(3), 3),
        (lambda u: torch.cat([u, 2 * u, 1 - u], 1), 1, iso.se(3), 1),
    ],
    ids=[
        "circle",
        "ellipse",
        "rigid-ellipse",
        "parabola",
        "exp",
        "sphere",
        "rigid-sphere",
        "cylinder",
        "rigid-cylinder",
        "plane",
        "line",
    ],
)
def test_curves_and_surfaces(chart, size, algebra, dim):
    u, x = on(chart, size)
    found = FromPoints(Affine(algebra), tolerance=1e-3).fit(x, normals_of_chart(chart, u))
    moving = found.algebra_.dim
    assert moving == dim
    if dim:
        assert found.status_ == "certified"


def test_rotation_matrices_in_nine_dimensions():
    q = torch.linalg.qr(normal(300, 3, 3)).Q
    q = q * torch.linalg.det(q)[:, None, None]

    def equations(x):
        m = x.reshape(-1, 3, 3)
        return (m @ m.transpose(1, 2)).flatten(1)  # redundant: nine equations of rank six

    x = q.reshape(-1, 9)
    normals = normals_of_level_set(equations, x)
    assert torch.allclose(normals.diagonal(dim1=1, dim2=2).sum(1), torch.full((300,), 6.0).double())
    found = FromPoints(iso.gl(9).vector()).fit(x, normals)
    assert found.algebra_.dim == 6


def test_level_set_and_chart_agree():
    u, x = on(sphere, 2)
    implicit = normals_of_level_set(lambda z: z.square().sum(1) - 1, x)
    assert torch.allclose(implicit, normals_of_chart(sphere, u), atol=1e-10)
    assert torch.allclose(implicit @ implicit, implicit, atol=1e-12)


def test_a_decoder_gives_normals():
    torch.manual_seed(0)
    decoder = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3)).train()
    normals = normals_of_chart(decoder, normal(20, 1).float())
    assert normals.shape == (20, 3, 3)
    assert torch.allclose(normals.diagonal(dim1=1, dim2=2).sum(1), torch.full((20,), 2.0).double(), atol=1e-5)
    assert decoder.training


def test_singular_points_are_refused():
    with pytest.raises(DataError, match="singular points"):
        normals_of_level_set(lambda z: z[:, 0] * z[:, 1], torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
