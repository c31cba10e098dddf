"""The numbers of given generators."""

import math

import pytest
import torch

import isotropy as iso
from isotropy.errors import DataError
from isotropy.symmetry.claims import claim
from isotropy.symmetry.claims._forms import forms_of
from isotropy.symmetry.claims._measured import measured
from isotropy.symmetry.claims._rows import rows_of
from isotropy.symmetry.claims._span import factors_of, nested_defects

SO3 = iso.so(3)
PACE, WEIGHTS = (
    torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    for seed, shape in enumerate([(3, 8), (8,)])
)


def draw(samples, seed):
    return torch.randn(samples, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def broken(x):
    return (1 + x.square().sum(1)).sqrt() + 0.05 * torch.sin(x @ PACE + 1) @ WEIGHTS


def rows(x, f=broken):
    return rows_of(f, x, SO3.vector(), SO3.scalar())


def test_intervals_cover_the_numbers_of_fresh_samples():
    truth = measured(rows(draw(20000, 99)))
    kinds = ("errors", "effects")
    hits = [0, 0, 0]
    for seed in range(30):
        seen = measured(rows(draw(150, seed)))
        for k, kind in enumerate(kinds):
            pairs = zip(getattr(seen, kind), getattr(truth, kind), strict=True)
            hits[k] += sum(one.lower <= true.value <= one.upper for one, true in pairs)
        hits[2] += seen.span.lower <= truth.span.value <= seen.span.upper
    assert hits[0] >= 80 and hits[1] >= 80 and hits[2] >= 25  # of 90, 90 and 30


def test_the_worst_combination_is_no_less_than_any_generator():
    seen = measured(rows(draw(300, 0)))
    assert seen.span.value >= max(e.value for e in seen.errors) - 1e-12
    factors = factors_of(forms_of(rows(draw(300, 0))))
    assert seen.span.value == pytest.approx(float(nested_defects(factors, torch.eye(3, dtype=torch.float64))[2]))
    assert 100 < seen.effective <= 300


def test_what_is_ignored_is_undefined():
    seen = measured(rows(draw(100, 0), lambda x: x[:, 2].sin()))
    undefined = [math.isnan(e.value) for e in seen.errors]
    assert sum(undefined) == 1  # the rotation about the third axis
    assert seen.effects[undefined.index(True)].value == 0 and seen.span.value > 0.5
    still = measured(rows(draw(100, 0), lambda x: 0 * x.sum(1) + 2))
    assert all(math.isnan(e.value) for e in still.errors) and math.isnan(still.span.value) and still.effective == 0


def test_a_rounded_basis_is_measured_as_it_is_printed():
    G = iso.gl(3)

    stretched = torch.diag(torch.tensor([1.0, 0.5, 3.0], dtype=torch.float64))

    def ask(x):
        return rows_of(
            lambda x: (1 + (x @ stretched).square().sum(1)).sqrt() + 0.01 * x[:, 0], x, G.vector(), G.scalar()
        )

    found = claim(ask(draw(400, 1)), tolerance=0.1)
    assert found.status == "certified" and len(found.directions) == 3
    fresh = ask(draw(400, 2))
    fine, coarse = (measured(fresh.along(torch.round(found.directions, decimals=d))) for d in (4, 0))
    assert fine.span.upper < 0.1 < coarse.span.upper


def test_levels_are_checked():
    with pytest.raises(DataError, match="level: expected a number between 0 and 1"):
        measured(rows(draw(10, 0)), level=0.0)
