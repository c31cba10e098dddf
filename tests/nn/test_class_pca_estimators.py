"""Class-based PCA under scikit-learn's own checks."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from isotropy.errors import DataError, NotFittedError
from isotropy.nn import ClassPCA, ClassPCAClassifier


@pytest.mark.parametrize("estimator", [ClassPCA(), ClassPCAClassifier()])
def test_scikit_learn_accepts_it(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_fail=None)
    statuses = {result["check_name"]: result["status"] for result in results}
    skipped = {"check_array_api_input", "check_classifier_data_not_an_array"}  # want a setting of scipy's, and pandas
    assert {name for name, status in statuses.items() if status != "passed"} <= skipped
    assert len(statuses) > 40


def test_forty_units_of_digits_beside_controls():
    x, y = load_digits(return_X_y=True)
    parts = train_test_split(x / 16, y, test_size=0.4, stratify=y, random_state=0)
    first = ClassPCAClassifier(hidden=(40,)).fit(parts[0], parts[2])
    assert first.score(parts[1], parts[3]) >= 0.965
    assert (
        make_pipeline(StandardScaler(), ClassPCAClassifier(hidden=(40, 40)))
        .fit(parts[0], parts[2])
        .score(parts[1], parts[3])
        > 0.9
    )


def test_crelu_keeps_both_halves_and_identity_neither_rectifies():
    x, y = load_digits(return_X_y=True)
    z = ClassPCA(20, activation="identity").fit_transform(x, y)
    both = ClassPCA(20, activation="crelu").fit_transform(x, y)
    assert np.allclose(both[:, :20] - both[:, 20:], z)
    assert np.abs(z.mean(0)).max() < 1e-10
    assert np.abs(z.std(0) - 1).max() < 1e-10


def test_labels_may_be_words():
    x, y = load_digits(return_X_y=True)
    words = np.array(["zero", "one", "two"])[y[y < 3]]
    model = ClassPCAClassifier(hidden=(6,)).fit(x[y < 3], words)
    assert model.score(x[y < 3], words) > 0.95
    assert model.predict_proba(x[:4]).shape == (4, 3)
    assert model.decision_function(x[:4]).shape == (4, 3)


def test_bad_input_is_refused():
    x, y = load_digits(return_X_y=True)
    with pytest.raises(DataError, match="at least two classes, received one class"):
        ClassPCA().fit(x, 0 * y)
    with pytest.raises(DataError, match="n_components, activation: expected a positive number"):
        ClassPCA(0).fit(x, y)
    with pytest.raises(DataError, match="received 40 and 'tanh'"):
        ClassPCA(activation="tanh").fit(x, y)
    with pytest.raises(NotFittedError, match="components_: expected a fitted estimator"):
        _ = ClassPCA().components_
