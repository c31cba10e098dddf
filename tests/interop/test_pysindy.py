"""PySINDy's libraries in our models, and our symmetries in its."""

import numpy as np
import pytest
import torch

import isotropy as iso
from isotropy import interop
from isotropy.dictionary import Polynomials
from isotropy.dynamics import SINDy
from isotropy.errors import RepresentationMismatchError

ps = pytest.importorskip("pysindy", reason="PySINDy comes with the extra 'dynamics'")
T = np.linspace(0, 10, 200)
X = np.exp(-T / 10)[:, None] * np.stack([np.cos(T), np.sin(T)], axis=1)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("degree", [1, 3])
def test_polynomial_libraries_become_ours(bias, degree):
    library = ps.PolynomialLibrary(degree=degree, include_bias=bias)
    ours = interop.from_pysindy(library, 3)
    x = torch.randn(20, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(ours.evaluate(x).numpy(), np.asarray(library.fit(x.numpy()).transform(x.numpy())))
    assert isinstance(ours, Polynomials) == bias


def test_other_libraries_are_evaluated_and_differentiated():
    library = ps.PolynomialLibrary(degree=1) + ps.FourierLibrary(n_frequencies=1)
    ours = interop.from_pysindy(library, 2)
    x = torch.tensor([[0.3, -0.8]], dtype=torch.float64)
    slopes = ours.jacobian(x)[0]
    expected = [[0, 0], [1, 0], [0, 1], [np.cos(0.3), 0], [-np.sin(0.3), 0], [0, np.cos(0.8)], [0, np.sin(0.8)]]
    np.testing.assert_allclose(slopes.numpy(), expected, atol=1e-11)
    with pytest.raises(RepresentationMismatchError, match="fitted to 3"):
        interop.from_pysindy(ps.PolynomialLibrary().fit(np.ones((2, 3))), 2)


def test_our_models_accept_its_libraries():
    library = interop.from_pysindy(ps.PolynomialLibrary(degree=2, include_bias=False), 2)
    model = SINDy(library, iso.so(2), threshold=0.05).fit([X], [T])
    assert model.equations() == ["x' = -0.1 x - y", "y' = x - 0.1 y"]
    waves = interop.from_pysindy(ps.PolynomialLibrary(degree=1) + ps.FourierLibrary(n_frequencies=1), 2)
    assert SINDy(waves, iso.so(2), threshold=0.05).fit([X], [T]).equations()[0] == "x' = -0.1 x - y"


def test_our_optimizer_in_its_model():
    library = ps.PolynomialLibrary(degree=3)
    optimizer = interop.SymmetricOptimizer(library, iso.so(2), threshold=0.05)
    model = ps.SINDy(feature_library=library, optimizer=optimizer).fit(X, t=T)
    assert model.score(X, t=T) > 0.999
    assert model.complexity == 4
    assert [e.strip() for e in model.equations(precision=1)] == ["-0.1 x0 + -1.0 x1", "1.0 x0 + -0.1 x1"]
    simulated = model.simulate(X[0], T)
    np.testing.assert_allclose(simulated, X, atol=5e-3)


def test_constraints_hold_exactly_the_symmetric_coefficients():
    library = ps.PolynomialLibrary(degree=2)
    lhs, rhs = interop.pysindy_constraints(library, 2, iso.so(2))
    assert lhs.shape == (10, 12)
    assert not rhs.any()
    truth = np.zeros((2, 6))
    truth[0, 1:3], truth[1, 1:3] = [-0.1, -1], [1, -0.1]
    np.testing.assert_allclose(lhs @ truth.ravel(), 0, atol=1e-12)
    truth[0, 0] = 1.0
    assert np.abs(lhs @ truth.ravel()).max() > 0.1


@pytest.mark.skipif(not hasattr(ps, "ConstrainedSR3"), reason="PySINDy has no ConstrainedSR3 unless cvxpy is there")
def test_constraints_in_its_constrained_optimizer():
    library = ps.PolynomialLibrary(degree=2)
    lhs, rhs = interop.pysindy_constraints(library, 2, iso.so(2))
    optimizer = ps.ConstrainedSR3(
        reg_weight_lam=1e-3,
        regularizer="l0",
        constraint_lhs=lhs,
        constraint_rhs=rhs,
        constraint_order="target",
        equality_constraints=True,
    )
    model = ps.SINDy(feature_library=library, optimizer=optimizer).fit(X, t=T)
    np.testing.assert_allclose(lhs @ model.coefficients().ravel(), 0, atol=1e-8)
