"""The Lie derivative: bilinear, signed as stated, the same on every rung, and never silently zero."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import isotropy as iso
from isotropy.core._autodiff import RUNGS
from isotropy.derivative import _lie_derivative as _derivative
from isotropy.errors import DataError, DerivativeUnavailableError, RepresentationMismatchError

quick = settings(deadline=None, max_examples=15, derandomize=True)
G = iso.gl(3)
V, ONE = G.vector(), G.scalar()


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


X = randn(6, 3)


def cubic(x):
    return torch.stack([x[:, 0] ** 3 + x[:, 1] * x[:, 2], x[:, 2] ** 2, x.prod(dim=1) - x[:, 0]], dim=1)


def wave(x):
    return torch.sin(x @ x.new_tensor([[1.0, 0.5, -1.0], [0.0, 2.0, 1.0], [1.0, 1.0, 0.3]]))


def relative(a, b):
    return float((a - b).norm() / b.norm())


# -- definition --------------------------------------------------------------------------------------------------


def test_by_hand():
    x = torch.tensor([[1.0, 2.0, 3.0]], dtype=torch.float64)
    found = iso.lie_derivative(lambda x: x.square().sum(1), x, V, ONE)
    assert found.shape == (1, 9, 1)
    assert torch.allclose(found[0, :, 0], 2 * torch.outer(x[0], x[0]).flatten())  # 2 x.(E_ij x) = 2 x_i x_j


@quick
@given(seed=st.integers(0, 1000), a=st.floats(-2, 2), b=st.floats(-2, 2))
def test_linear_in_the_map_and_in_the_generator(seed, a, b):
    x = randn(4, 3, seed=seed)
    first, second = iso.lie_derivative(cubic, x, V, V), iso.lie_derivative(wave, x, V, V)
    combined = iso.lie_derivative(lambda x: a * cubic(x) + b * wave(x), x, V, V)
    assert torch.allclose(combined, a * first + b * second, atol=1e-12)
    combos = randn(4, 9, seed=seed + 1)
    restricted = V.restrict(combos)
    found = iso.lie_derivative(cubic, x, restricted, restricted)
    assert torch.allclose(found, torch.einsum("jk,bko->bjo", combos, first), atol=1e-11)


def test_brackets_change_sign():
    xi, eta = randn(2, 9, seed=3)

    def derived(element, f):
        return lambda x: torch.einsum("k,bko->bo", element, iso.lie_derivative(f, x, V, V))

    commutator = derived(xi, derived(eta, cubic))(X) - derived(eta, derived(xi, cubic))(X)
    assert relative(derived(G.bracket(xi, eta), cubic)(X), -commutator) < 1e-6


EQUIVARIANT = {
    "norm": (iso.so(3), lambda V, one: (V, one), lambda x: x.norm(dim=1)),
    "radial field": (iso.so(3), lambda V, one: (V, V), lambda x: x * x.square().sum(1, keepdim=True)),
    "cross product": (
        iso.so(3),
        lambda V, one: (2 * V, V),
        lambda x: torch.linalg.cross(x[:, :3], x[:, 3:]),
    ),
    "outer product": (iso.gl(3), lambda V, one: (V, V * V), lambda x: x[:, :, None] * x[:, None]),
    "trace": (iso.gl(3), lambda V, one: (V >> V, one), lambda m: m.reshape(-1, 3, 3).diagonal(dim1=1, dim2=2).sum(1)),
    "determinant": (iso.sl(3), lambda V, one: (3 * V, one), lambda m: torch.linalg.det(m.reshape(-1, 3, 3))),
    "interval": (iso.lorentz(), lambda V, one: (V, one), lambda x: x[:, 0] ** 2 - x[:, 1:].square().sum(1)),
    "pairing": (iso.gl(3), lambda V, one: (V + V.T, one), lambda x: (x[:, :3] * x[:, 3:]).sum(1)),
}


@pytest.mark.parametrize("name", EQUIVARIANT)
@pytest.mark.parametrize(("dtype", "limit"), [(torch.float64, 1e-12), (torch.float32, 1e-4)])
def test_zero_on_equivariant_maps(name, dtype, limit):
    algebra, build, f = EQUIVARIANT[name]
    rho_in, rho_out = build(algebra.vector(), algebra.scalar())
    x = randn(7, rho_in.size).to(dtype)
    found = iso.lie_derivative(f, x, rho_in, rho_out)
    assert found.dtype == dtype
    assert float(found.abs().max()) < limit


def test_grows_linearly_with_a_planted_breaking():
    rho = iso.so(3)
    sizes = [
        float(iso.lie_derivative(lambda x, e=e: x.square().sum(1) + e * x[:, 0], X, rho.vector(), rho.scalar()).norm())
        for e in (1e-6, 1e-3, 1.0)
    ]
    assert sizes[1] / sizes[0] == pytest.approx(1e3, rel=1e-6)
    assert sizes[2] / sizes[1] == pytest.approx(1e3, rel=1e-9)


def test_vector_fields_move_by_their_tangent():
    x, action = randn(5, 2), iso.actions.PolynomialFields(2, 2)
    xi, eta = randn(2, 12, seed=1)
    found = iso.lie_derivative(lambda x: action.field(eta, x), x, action, action.tangent())
    wide = iso.dictionary.FieldBracket(action.dictionary)
    element = torch.einsum("k,knp->np", xi, action.tensor)[None], torch.einsum("k,knp->np", eta, action.tensor)[None]
    bracket = wide(element[1], element[0])[0, 0].reshape(2, -1)  # D eta[xi] - D xi[eta]
    assert torch.allclose(torch.einsum("k,bko->bo", xi, found), wide.wide.evaluate(x) @ bracket.T)


# -- rungs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("f", [cubic, wave])
def test_rungs_agree(rung, f):
    exact = iso.lie_derivative(f, X, V, V, "forward")
    assert relative(iso.lie_derivative(f, X, V, V, rung), exact) < (1e-7 if rung == "difference" else 1e-13)


@pytest.mark.parametrize("rung", RUNGS)
def test_rungs_agree_where_the_jacobian_is_not_formed(rung):
    action = iso.so(2).vector().factor_of(iso.so(2))
    big = sum([action] * 19, start=action)  # 40 coordinates, one generator
    weights = randn(40, 40)
    x = randn(3, 40)
    exact = iso.lie_derivative(lambda x: (x @ weights).tanh(), x, big, big, "jacobian")
    assert relative(iso.lie_derivative(lambda x: (x @ weights).tanh(), x, big, big, rung), exact) < 1e-7


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTM(3, 5, batch_first=True)

    def forward(self, x):
        return self.cell(x.reshape(-1, 1, 3).expand(-1, 4, 3))[0][:, -1, :3]


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads = nn.MultiheadAttention(4, 2, batch_first=True)
        self.lift = nn.Linear(1, 4)

    def forward(self, x):
        tokens = self.lift(x[:, :, None])
        return self.heads(tokens, tokens, tokens, need_weights=False)[0].sum(2)


class Distances(nn.Module):
    def forward(self, x):
        anchors = torch.arange(6, dtype=x.dtype).reshape(1, 2, 3)
        return torch.cdist(x[:, None], anchors.expand(len(x), 2, 3)).sum((1, 2))[:, None] * x


class Normalised(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Dropout(0.5), nn.Linear(8, 3))

    def forward(self, x):
        return self.layers(x)


MODULES = [Recurrent, Attention, Distances, Normalised]


@pytest.mark.parametrize("kind", MODULES)
@pytest.mark.parametrize(("dtype", "limit"), [(torch.float64, 1e-6), (torch.float32, 1e-3)])
def test_modules_climb_the_ladder(kind, dtype, limit):
    torch.manual_seed(0)
    model = kind().to(dtype)
    x = X.to(dtype)
    derivative = iso.LieDerivative(model, V, V)
    found = derivative(x)
    exact = iso.lie_derivative(model.double(), x.double(), V, V, "difference")
    assert derivative.method != "difference"
    assert relative(found.double(), exact) < limit


@pytest.mark.parametrize("kind", MODULES)
def test_modules_and_inputs_are_left_as_found(kind):
    torch.manual_seed(0)
    model, x = kind().double(), X.clone()
    model.train()
    for p in list(model.parameters())[:1]:
        p.requires_grad_(False)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    flags = [p.requires_grad for p in model.parameters()]
    iso.lie_derivative(model, x, V, V)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert [p.requires_grad for p in model.parameters()] == flags
    assert all(p.grad is None for p in model.parameters())
    assert all(m.training for m in model.modules())
    assert torch.equal(x, X) and not x.requires_grad


def frozen(x):
    with torch.no_grad():
        return cubic(x)


OPAQUE = {
    "detached": lambda x: cubic(x.detach()),
    "detached result": lambda x: cubic(x).detach(),
    "no grad": frozen,
    "numpy": lambda x: torch.from_numpy(cubic(x).detach().numpy()),
    "half detached": lambda x: cubic(x) * (x.detach() if isinstance(x, torch.Tensor) else x),
}


@pytest.mark.parametrize("name", OPAQUE)
def test_maps_without_gradients_are_never_silently_zero(name):
    reference = cubic if name != "half detached" else (lambda x: cubic(x) * x)
    exact = iso.lie_derivative(reference, X, V, V)
    derivative = iso.LieDerivative(OPAQUE[name], V, V)
    assert relative(derivative(X), exact) < 1e-7


@pytest.mark.parametrize("rung", ["forward", "jacobian", "double_backward"])
@pytest.mark.parametrize("name", ["detached", "detached result", "numpy"])
def test_a_rung_asked_for_by_name_is_not_silently_zero_either(rung, name):
    with pytest.raises(DerivativeUnavailableError, match=rung):
        iso.lie_derivative(OPAQUE[name], X, V, V, rung)


def test_a_constant_map_is_not_moved():
    found = iso.lie_derivative(lambda x: torch.ones(len(x), 3, dtype=x.dtype), X, V, V)
    assert torch.allclose(found, -V.fields(torch.ones(6, 3, dtype=torch.float64)))


# -- chunks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rung", RUNGS)
def test_chunks_equal_the_whole(monkeypatch, rung):
    whole = iso.lie_derivative(wave, X, V, V, rung)
    monkeypatch.setattr(_derivative, "_MOST_ENTRIES", 60)
    pieces = [chunk for chunk, _ in iso.LieDerivative(wave, V, V, rung).chunks(X)]
    assert len(pieces) > 2 and torch.equal(torch.cat(pieces), X)
    assert torch.allclose(iso.lie_derivative(wave, X, V, V, rung), whole, atol=1e-7)


def test_slopes_are_norms_of_the_jacobian():
    (_, terms), *_ = iso.LieDerivative(cubic, V, V).chunks(X)
    matrix = torch.func.vmap(torch.func.jacfwd(lambda p: cubic(p[None])[0]))(X)
    assert torch.allclose(terms.slope, matrix.flatten(1).norm(dim=1))
    assert torch.allclose(terms.derivative, terms.moved - terms.turned)


def test_scaled_rows_give_the_singular_values():
    derivative = iso.LieDerivative(cubic, V, V)
    rows = torch.cat([rows for _, rows, _, _ in derivative.scaled(X)])
    assert rows.shape == (18, 9)
    assert torch.allclose(derivative.singular_values(X), torch.linalg.svdvals(rows) / 6**0.5)


# -- errors ------------------------------------------------------------------------------------------------------


def test_mismatches_are_explained():
    for call, error, text in [
        (lambda: iso.LieDerivative(cubic, V, iso.so(3).vector()), RepresentationMismatchError, "dimension 9"),
        (lambda: iso.lie_derivative(cubic, X, V, ONE), RepresentationMismatchError, "on 3 outputs"),
        (lambda: iso.lie_derivative(cubic, X[:, :2], V, V), RepresentationMismatchError, r"shape \(3,\)"),
        (lambda: iso.lie_derivative(cubic, X[:0], V, V), DataError, "at least one sample"),
        (lambda: iso.lie_derivative(cubic, X * float("nan"), V, V), DataError, "sample 0"),
        (lambda: iso.lie_derivative(lambda x: x / 0, X, V, V), DataError, "f: expected finite"),
        (lambda: iso.lie_derivative(lambda x: x.sum(), X, V, V), DataError, "6 rows|1 rows"),
        (lambda: iso.lie_derivative(lambda x: (x, x), X, V, V), DataError, "tuple"),
        (lambda: iso.lie_derivative(cubic, X, V, V, "reverse"), DataError, "reverse"),
    ]:
        with pytest.raises(error, match=text):
            call()


def test_numbers_of_any_kind_are_points():
    listed = iso.lie_derivative(lambda x: x.square().sum(1), [[1, 2, 3]], V, ONE)
    assert listed.dtype == torch.float64
    assert torch.equal(listed, iso.lie_derivative(lambda x: x.square().sum(1), torch.tensor([[1, 2, 3]]), V, ONE))
