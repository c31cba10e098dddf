"""What every verb refuses, each with an error of its own kind that says what to do."""

import pytest
import torch
from torch import nn

import isotropy as iso
from isotropy.errors import DataError, DerivativeUnavailableError, NotClosedWarning, RepresentationMismatchError

G = iso.so(3)
V, ONE, FOUR = G.vector(), G.scalar(), iso.so(4).vector()
QUADRATICS = iso.dictionary.polynomials(3, degree=2)
X = torch.randn(20, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
Y = X.square().sum(1)


def radius(x):
    return x.square().sum(1)


def discover(rho_in=V, rho_out=ONE, f=radius, **options):
    return iso.discover.FromModel(rho_in, rho_out, **options).fit(f, X)


def enforce(rho_in=V, rho_out=ONE, y=Y, **options):
    return iso.enforce.BasisRegression(QUADRATICS, rho_in, rho_out, **options).fit(X, y)


def promote(rho_in=V, rho_out=ONE, y=Y, **options):
    return iso.promote.BasisRegression(QUADRATICS, rho_in, rho_out, **{"weight": 0.1, **options}).fit(X, y)


def penalise(rho_in=V, rho_out=ONE, f=radius, **options):
    penalty = iso.promote.LiePenalty(rho_in, rho_out, **options)
    return penalty(f, X), penalty.readout()


@pytest.mark.parametrize("verb", [discover, penalise, enforce, promote])
def test_representations_of_different_algebras(verb):
    outputs = {"y": X.new_zeros(20, 4)} if verb in (enforce, promote) else {"f": lambda x: x[:, [0, 1, 2, 2]]}
    with pytest.raises(RepresentationMismatchError, match="algebra"):
        verb(V, FOUR, **outputs)


@pytest.mark.parametrize("verb", [discover, penalise, enforce, promote])
@pytest.mark.parametrize("rank", [-1, -0.5, 1.5, float("nan"), True, "large", 11])
def test_ranks_out_of_range(verb, rank):
    with pytest.raises(DataError, match="rank: expected"):
        verb(rank=rank)


def test_generators_that_do_not_close_are_named():
    """They enforce the algebra that they generate; so two rotations of three are all three."""
    part = iso.LieAlgebra(G.basis[:2]).vector()
    with pytest.warns(NotClosedWarning, match="closure defect"):
        basis = iso.enforce.equivariant_basis(part >> part)
    assert torch.allclose(basis.abs(), iso.enforce.equivariant_basis(V >> V).abs())


def test_equalities_that_cannot_hold():
    fact = torch.zeros(1, 10)
    fact[0, 1] = 1.0  # the coefficient of x, which rotations forbid
    with pytest.raises(DataError, match="contradict the symmetry"):
        iso.enforce.BasisRegression(QUADRATICS, V, ONE).fit(X, Y, equalities=(fact, [1.0]))
    with pytest.raises(DataError, match="meets exactly"):
        promote(weight=None, y=torch.sin(5 * X[:, 0]))


class Cut(nn.Module):
    """Loses its derivative, to numbers on the way or altogether."""

    def __init__(self, outputs=1, cut=torch.detach):
        super().__init__()
        self.inner, self.cut = nn.Linear(3, outputs).double(), cut

    def forward(self, x):
        return self.cut(self.inner(x))


@pytest.mark.parametrize("verb", [discover, penalise])
def test_decisions_have_no_derivative(verb):
    with pytest.raises(DerivativeUnavailableError, match="f: expected"):
        verb(f=lambda x: x.argmax(1))


@pytest.mark.parametrize("outputs", [1, 9])
def test_a_penalty_that_cannot_train_is_refused(outputs):
    with pytest.raises(DerivativeUnavailableError, match="detach"):
        penalise(rho_out=outputs * ONE, f=Cut(outputs))
    _, read = penalise(rho_out=outputs * ONE, f=Cut(outputs, cut=torch.tanh))
    assert len(read.spectrum) == 3


def test_values_that_are_not_finite():
    for verb in (discover, penalise):
        with pytest.raises(DataError, match="finite values"):
            verb(f=lambda x: (x.sum(1) - 100).sqrt())
