"""Inclusion probabilities from resampled data."""

import pytest
import torch

import isotropy as iso
from dynamics.systems import growth, oscillator
from isotropy.dictionary import polynomials
from isotropy.dynamics import Ensemble, SINDy, WeakSINDy
from isotropy.errors import DataError


def test_contract():
    states, times = oscillator(0, noise=0.02)
    iso.testing.assert_estimator(
        lambda: Ensemble(SINDy(polynomials(2, 2), iso.so(2), threshold=0.05), n_models=5), [states, times]
    )


@pytest.mark.parametrize("trajectories", [2, 10])
def test_true_terms_are_included_and_others_are_not(trajectories):
    states, times = oscillator(1, trajectories)
    model = Ensemble(WeakSINDy(polynomials(2, 2), iso.so(2)), n_models=20).fit(states, times)
    share = model.inclusion_probabilities_
    assert float(share[:, 1:3].min()) > 0.9
    assert float(share[:, [0, 3, 4, 5]].max()) < 0.1
    assert [float(row.count_nonzero()) for row in model.coef_] == [2, 2]
    assert model.samples_.shape == (20, 2, 6)
    assert model.equations()[0].startswith("x' = -")


def test_doubtful_terms_have_probabilities_between():
    states, times = growth(4)
    share = Ensemble(WeakSINDy(polynomials(2, 2)), n_models=40).fit(states, times).inclusion_probabilities_
    assert bool(((share > 0.05) & (share < 0.95)).any())
    assert float(share[1, 2]) > 0.9


def test_symmetry_holds_for_every_member():
    states, times = oscillator(2)
    model = Ensemble(WeakSINDy(polynomials(2, 3), iso.so(2)), n_models=10).fit(states, times)
    rows = torch.cat([model.samples_, model.coef_[None]])
    torch.testing.assert_close(rows[:, 0, 1], rows[:, 1, 2], atol=1e-10, rtol=0)
    torch.testing.assert_close(rows[:, 0, 2], -rows[:, 1, 1], atol=1e-10, rtol=0)


def test_bad_options_are_refused():
    states, times = oscillator(0)
    for options, message in [({"n_models": 0}, "n_models"), ({"keep": 1.5}, "keep")]:
        with pytest.raises(DataError, match=message):
            Ensemble(WeakSINDy(polynomials(2, 2)), **options).fit(states, times)
