"""Forms that algebras keep: known ones exactly, noisy ones nearly, rescaled ones up to a factor."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import isotropy as iso
from isotropy.enforce import invariant_forms
from isotropy.errors import RepresentationMismatchError

MINKOWSKI = torch.diag(torch.tensor([-1.0, 1, 1, 1], dtype=torch.float64))


@pytest.mark.parametrize(
    ("algebra", "form"),
    [(iso.so(3), torch.eye(3, dtype=torch.float64)), (iso.so(1, 3), MINKOWSKI)],
)
def test_orthogonal_algebras_keep_their_metric_alone(algebra, form):
    assert torch.allclose(invariant_forms(algebra), form[None], atol=1e-12)


def test_forms_of_a_sum_span_one_form_for_each_block():
    forms = invariant_forms(iso.so(2) + iso.so(3))
    assert len(forms) == 2
    assert torch.allclose(forms[0].flatten() @ forms[1].flatten(), torch.zeros(()).double(), atol=1e-12)
    assert torch.allclose(forms.flatten(1).norm(dim=1), torch.full((2,), math.sqrt(5)).double())


@given(st.integers(0, 1000))
def test_forms_follow_a_change_of_coordinates(seed):
    change = torch.eye(4).double() + 0.2 * torch.randn(4, 4, generator=torch.Generator().manual_seed(seed)).double()
    inverse = torch.linalg.inv(change)
    expected = inverse.T @ MINKOWSKI @ inverse
    found = invariant_forms(iso.so(1, 3).conjugate(change))
    assert len(found) == 1
    cosine = (found[0] * expected).sum() / found[0].norm() / expected.norm()
    assert abs(float(cosine)) > 1 - 1e-9


def test_noisy_generators_give_a_form_as_good_as_they_are():
    noise = torch.randn(6, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = invariant_forms(iso.LieAlgebra(iso.so(1, 3).basis + 0.01 * noise))
    assert len(found) == 1
    assert 1e-4 < float((found[0] - MINKOWSKI).norm()) < 0.05


def test_a_scaling_beside_leaves_the_form_up_to_a_factor():
    scaled = iso.LieAlgebra(torch.cat([iso.so(1, 3).basis, torch.eye(4, dtype=torch.float64)[None]]))
    assert len(invariant_forms(scaled)) == 0
    assert torch.allclose(invariant_forms(scaled, conformal=True), MINKOWSKI[None], atol=1e-12)


def test_an_empty_algebra_keeps_every_form():
    assert len(invariant_forms(iso.LieAlgebra(torch.zeros(0, 3, 3)))) == 6


def test_rank_may_be_given():
    assert len(invariant_forms(iso.gl(3), rank=1)) == 1


def test_vector_fields_are_refused():
    fields = iso.actions.PolynomialFields(2, 2).algebra
    with pytest.raises(RepresentationMismatchError, match="expected matrices, received vector fields"):
        invariant_forms(fields)
