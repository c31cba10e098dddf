"""What an estimator says of results: before a fit, after it, and when a property of its own fails."""

import copy

import pytest
import torch

import isotropy as iso
from isotropy.core._estimator import Estimator
from isotropy.errors import NotFittedError


class Mean(Estimator):
    """The mean of some numbers."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, x):
        self.mean_ = sum(x) / len(x) + self.shift
        return self

    @property
    def twice_(self):
        return 2 * self.mean_

    @property
    def broken_(self):
        return self.shift.nowhere


def circle():
    """Times and states of a point that goes round."""
    times = torch.linspace(0, 6, 60, dtype=torch.float64)
    return times, torch.stack([times.cos(), times.sin()], 1)


def sindy():
    return iso.dynamics.SINDy(iso.dictionary.polynomials(2, 1))


ESTIMATORS = {
    "Mean": (Mean, lambda one: one.fit([1.0, 2.0])),
    "SINDy": (sindy, lambda one: one.fit([circle()[1]], [circle()[0]])),
    "Ensemble": (
        lambda: iso.dynamics.Ensemble(sindy(), n_models=3),
        lambda one: one.fit([circle()[1]], [circle()[0]]),
    ),
    "FromModel": (
        lambda: iso.discover.FromModel(iso.gl(2).vector(), iso.gl(2).scalar()),
        lambda one: one.fit(lambda x: x.square().sum(1), circle()[1] * circle()[0][:, None]),
    ),
}


@pytest.mark.parametrize(("make", "fit"), ESTIMATORS.values(), ids=ESTIMATORS)
def test_before_a_fit_a_result_asks_for_one_and_after_it_a_strange_name_is_missing(make, fit):
    one = make()
    with pytest.raises(NotFittedError, match=r"no_such_: expected a fitted estimator, .* call fit first"):
        _ = one.no_such_
    fit(one)
    with pytest.raises(AttributeError, match=r"no_such_: expected one of the results \w+_") as caught:
        _ = one.no_such_
    assert not isinstance(caught.value, NotFittedError)
    assert not hasattr(one, "no_such_")
    with pytest.raises(AttributeError, match="has no attribute 'no_such'"):
        _ = one.no_such


def test_a_property_among_the_results_speaks_for_itself():
    assert not hasattr(Mean(), "twice_")
    with pytest.raises(NotFittedError, match="twice_"):
        _ = Mean().twice_
    fitted = Mean().fit([1.0, 3.0])
    assert fitted.twice_ == 4.0
    with pytest.raises(AttributeError, match="'float' object has no attribute 'nowhere'"):
        _ = fitted.broken_


def test_copies_know_whether_they_are_fitted():
    for fitted in (copy.deepcopy(Mean().fit([1.0])), copy.copy(Mean().fit([1.0]))):
        assert fitted.mean_ == 1.0
        assert not hasattr(fitted, "no_such_")
