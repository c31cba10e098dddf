import itertools
import math

import pytest
import torch
from torch import nn

import isotropy as iso
from isotropy.errors import DataError, RepresentationMismatchError
from isotropy.measure import finite


def lorenz(x):
    a, b, c = x.unbind(1)
    return torch.stack([10 * (b - a), a * (28 - c) - b, a * b - 8 / 3 * c], dim=1)


def test_sign_flips_of_the_lorenz_system(points):
    """Only the identity and the half turn about the third axis are symmetries."""
    flips = torch.diag_embed(torch.tensor(list(itertools.product([1.0, -1.0], repeat=3))))
    V = iso.gl(3).vector()
    report = finite(lorenz, 10 * points(200), V, V, n_samples=0, elements=flips)
    exact = {0, 6}  # (+,+,+) and (-,-,+)
    for k, error in enumerate(report.per_generator.tolist()):
        assert error == 0.0 if k in exact else error > 0.3
    residuals = [
        float((lorenz(x @ h) - lorenz(x) @ h).norm() / lorenz(x).norm())
        for x in [10 * points(200)]
        for h in flips.double()
    ]
    assert all(residual >= 0.76 for k, residual in enumerate(residuals) if k not in exact)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_exact_symmetry_is_at_the_floor(points, so3, dtype):
    f = lambda x: x / (1 + x.square().sum(1, keepdim=True))  # noqa: E731
    report = finite(f, points(dtype=dtype), so3.vector(), so3.vector(), n_samples=5)
    assert report.at_floor
    assert report.method == "finite"
    assert len(report.names) == 5 == len(report.per_generator)


def test_lorentz_boosts(points):
    G = iso.lorentz()
    square = lambda x: x[:, 0] ** 2 - x[:, 1:].square().sum(1)  # noqa: E731
    assert finite(square, points(n=4), G.vector(), G.scalar()).relative_error < 1e-12
    assert finite(lambda x: x.square().sum(1), points(n=4), G.vector(), G.scalar()).relative_error > 0.05


def test_components_of_a_group_are_seen(points):
    """A determinant turns with rotations but not with reflections."""
    O3 = iso.o(3)
    triple = lambda x: torch.linalg.det(x.reshape(-1, 3, 3))  # noqa: E731
    V = 3 * O3.vector()
    even = finite(triple, points(n=9), V, O3.scalar(), elements=O3, n_samples=4)
    odd = finite(triple, points(n=9), V, O3.pseudoscalar(), elements=O3, n_samples=4)
    assert even.per_generator[:4].max() < 1e-12 and even.per_generator[4] > 0.9
    assert even.worst == even.names[4] == "element 0"
    assert odd.per_generator.max() < 1e-12


def test_size_of_the_motions():
    """Under the shift of the plane the error of a sine is known: it grows with the distance."""
    G, x = iso.so(2), torch.randn(50, 2, dtype=torch.float64)
    small, large = (finite(lambda x: x[:, 0], x, G.vector(), G.scalar(), size=s).relative_error for s in (1e-3, 1.0))
    assert 0 < small < 1e-2 * large


def test_seed_decides(points, so3):
    V = so3.vector()
    a, b, c = (finite(torch.sin, points(), V, V, seed=s, n_samples=3).per_generator for s in (1, 1, 2))
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_constant_is_undefined(points, so3):
    report = finite(lambda x: torch.ones(len(x)), points(), so3.vector(), so3.scalar(), n_samples=2)
    assert math.isnan(report.relative_error)


def test_tangent_action_on_outputs_gets_its_base_points(points):
    """The flow of a quadratic field maps another field to itself only through its derivative."""
    G = iso.aff(2)
    move = iso.actions.Affine(G)
    identity = lambda x: x - 1.0  # noqa: E731  # commutes with the dilation about (1, 1)
    rows = G.span(torch.tensor([[1.0, 0, 0, 1, -1, -1]]))
    action = move.restrict(torch.tensor([[1.0, 0, 0, 1, -1, -1]], dtype=torch.float64), rows)
    assert finite(identity, points(n=2), action, action.tangent(), n_samples=3).at_floor


def test_module_is_left_as_found(points, so3):
    f = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1))
    finite(f, points(dtype=torch.float32), so3.vector(), so3.scalar(), n_samples=2)
    assert f.training and f[1].training


def test_bad_input_is_refused(points, so3):
    V, one = so3.vector(), so3.scalar()
    with pytest.raises(DataError, match="something to test"):
        finite(torch.sin, points(), V, V, n_samples=0)
    with pytest.raises(DataError, match="size"):
        finite(torch.sin, points(), V, V, size=0.0)
    with pytest.raises(RepresentationMismatchError, match="outputs"):
        finite(torch.sin, points(), V, one)
    with pytest.raises(RepresentationMismatchError, match="elements"):
        finite(torch.sin, points(), V, V, elements=torch.eye(3))
    with pytest.raises(RepresentationMismatchError, match="only knows flows"):
        move = iso.actions.Affine(iso.translation(3))
        finite(torch.sin, points(), move, move.tangent(), elements=torch.eye(4)[None])
