"""Groups with several components."""

import pytest
import torch

import isotropy as iso
from isotropy.errors import NotAnAlgebraError, RepresentationMismatchError
from isotropy.testing import assert_representation


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_orthogonal_group_has_one_reflection(n):
    group = iso.o(n)
    mirror = group.components[0]
    assert (group.algebra.dim, len(group.components), repr(group)) == (
        n * (n - 1) // 2,
        1,
        f"MatrixGroup(o({n}), components=1)",
    )
    assert torch.equal(mirror @ mirror.T, torch.eye(n, dtype=torch.float64))
    assert float(torch.linalg.det(mirror)) == -1.0


def test_representations_of_a_component():
    group = iso.o(3)
    V, mirror = group.vector(), group.components[0]
    assert torch.equal(V.rho(mirror), mirror)
    assert torch.equal(group.scalar().rho(mirror), torch.ones(1, 1, dtype=torch.float64))
    assert torch.equal(group.pseudoscalar().rho(mirror), -torch.ones(1, 1, dtype=torch.float64))
    assert torch.equal((V * V).rho(mirror), torch.kron(mirror, mirror))


def test_the_pseudoscalar_is_the_determinant():
    gl = iso.gl(2)
    group = iso.MatrixGroup(gl, torch.diag(torch.tensor([-1.0, 1.0]))[None], "GL(2)")
    det = group.pseudoscalar()
    assert_representation(det)
    assert_representation(det * group.vector() + group.scalar())
    xi = torch.tensor([0.3, 0.1, -0.2, 0.5], dtype=torch.float64)
    assert float(det.drho(xi)) == pytest.approx(0.8)


def test_a_group_without_further_components():
    group = iso.MatrixGroup(iso.so(3), torch.zeros(0, 3, 3))
    assert len(group.components) == 0
    assert group.vector().size == 3


def test_components_are_copies():
    group = iso.o(2)
    group.components.zero_()
    assert float(torch.linalg.det(group.components[0])) == -1.0


@pytest.mark.parametrize(
    ("components", "error", "text"),
    [
        (torch.eye(2)[None], RepresentationMismatchError, "size 3, received 2"),
        (torch.zeros(1, 3, 3), RepresentationMismatchError, r"components\[0\].*invertible"),
        (torch.eye(3), RepresentationMismatchError, "shape"),
        (torch.diag(torch.tensor([1.0, 2.0, 3.0]))[None], NotAnAlgebraError, "stay in the algebra"),
    ],
)
def test_components_that_do_not_fit_are_refused(components, error, text):
    with pytest.raises(error, match=text):
        iso.MatrixGroup(iso.so(3), components)
