"""Dictionaries: frozen order and names, derivatives, and brackets of polynomial fields."""

import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import isotropy as iso
from isotropy.dictionary import FieldBracket, Polynomials
from isotropy.errors import DataError

quick = settings(deadline=None, max_examples=12, derandomize=True)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


DICTIONARIES = {
    "polynomials": iso.dictionary.polynomials(3, 3),
    "constant": iso.dictionary.polynomials(2, 0),
    "fourier": iso.dictionary.fourier(2, 3),
    "radial": iso.dictionary.radial(randn(4, 2), 0.7),
    "custom": iso.dictionary.custom(2, {"x y": lambda x: x[:, 0] * x[:, 1], "e^x": lambda x: x[:, 0].exp()}),
    "sum": iso.dictionary.polynomials(2, 2) + iso.dictionary.fourier(2, 1),
}

FROZEN = {
    "polynomials": "1|x|y|z|x^2|x y|x z|y^2|y z|z^2|x^3|x^2 y|x^2 z|x y^2|x y z|x z^2|y^3|y^2 z|y z^2|z^3",
    "constant": "1",
    "fourier": "sin(1 x)|cos(1 x)|sin(2 x)|cos(2 x)|sin(3 x)|cos(3 x)"
    "|sin(1 y)|cos(1 y)|sin(2 y)|cos(2 y)|sin(3 y)|cos(3 y)",
    "radial": "bump0|bump1|bump2|bump3",
    "custom": "x y|e^x",
    "sum": "1|x|y|x^2|x y|y^2|sin(1 x)|cos(1 x)|sin(1 y)|cos(1 y)",
}


@pytest.mark.parametrize("name", DICTIONARIES)
def test_order_and_names_are_frozen(name):
    assert "|".join(DICTIONARIES[name].names()) == FROZEN[name]
    assert len(DICTIONARIES[name]) == len(FROZEN[name].split("|"))


@pytest.mark.parametrize("name", DICTIONARIES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_jacobians_against_differences(name, dtype):
    dictionary, h = DICTIONARIES[name], 1e-5
    x = randn(5, dictionary.size)
    units = h * torch.eye(dictionary.size, dtype=torch.float64)
    slopes = [(dictionary.evaluate(x + u) - dictionary.evaluate(x - u)) / (2 * h) for u in units]
    found = dictionary.jacobian(x.to(dtype))
    assert found.dtype == dtype
    assert torch.allclose(found.double(), torch.stack(slopes, dim=2), atol=1e-8 if dtype == torch.float64 else 1e-4)


@quick
@given(size=st.integers(1, 3), degree=st.integers(0, 4), seed=st.integers(0, 1000))
def test_names_say_what_is_evaluated(size, degree, seed):
    library = iso.dictionary.polynomials(size, degree)
    x = randn(1, size, seed=seed)
    values = dict(zip("xyz"[:size], x[0].tolist(), strict=True))
    for name, value in zip(library.names(), library.evaluate(x)[0].tolist(), strict=True):
        expression = sympy.sympify(name.replace("^", "**").replace(" ", "*"))
        assert value == pytest.approx(float(expression.subs(values)))


@quick
@given(size=st.integers(1, 4), degree=st.integers(0, 5))
def test_number_of_monomials(size, degree):
    assert len(iso.dictionary.polynomials(size, degree)) == sympy.binomial(size + degree, degree)


def test_own_coordinate_names():
    assert iso.dictionary.polynomials(2, 2).names(["u", "v"]) == ["1", "u", "v", "u^2", "u v", "v^2"]
    assert iso.dictionary.polynomials(4, 1).names() == ["1", "x0", "x1", "x2", "x3"]


def test_derivative_tables():
    library = Polynomials(2, 3)
    x, c = randn(6, 2), randn(10, seed=1)
    exact = torch.einsum("t,bti->bi", c, library.jacobian(x))
    table = torch.stack([library.evaluate(x) @ (c @ d) for d in library.derivatives], dim=1)
    assert torch.allclose(table, exact)


@pytest.mark.parametrize(("size", "degree", "seed"), [(1, 3, 0), (2, 2, 1), (2, 3, 2), (3, 2, 3)])
def test_brackets_equal_sympy_exactly(size, degree, seed):
    library = Polynomials(size, degree)
    bracket = FieldBracket(library)
    generator = torch.Generator().manual_seed(seed)
    pair = torch.randint(-4, 5, (2, 1, size, len(library)), generator=generator).double()
    symbols = sympy.symbols("x:3")[:size]
    terms = [sympy.prod([s**e for s, e in zip(symbols, row, strict=True)]) for row in library.exponents.tolist()]
    a, b = ([sum(int(c) * t for c, t in zip(row, terms, strict=True)) for row in field[0].tolist()] for field in pair)
    found = bracket(*pair)[0, 0].reshape(size, -1)
    for i in range(size):
        expected = sum(sympy.diff(a[i], s) * q - sympy.diff(b[i], s) * p for s, p, q in zip(symbols, a, b, strict=True))
        polynomial = sympy.Poly(expected, *symbols)
        exact = [float(polynomial.coeff_monomial(tuple(e))) for e in bracket.wide.exponents.tolist()]
        assert found[i].tolist() == exact


@quick
@given(size=st.integers(1, 4), seed=st.integers(0, 1000))
def test_linear_fields_bracket_as_matrices(size, seed):
    a, b = randn(2, size, size, seed=seed)
    fields = torch.zeros(2, size, 1 + size, dtype=torch.float64)
    fields[:, :, 1:] = torch.stack([a, b])
    bracket = FieldBracket(Polynomials(size, 1))
    found = bracket(fields[:1], fields[1:])[0, 0].reshape(size, -1)
    assert torch.allclose(found[:, 1 : 1 + size], a @ b - b @ a)
    assert float(found[:, 0].abs().max()) == 0


def test_known_algebras_of_fields():
    line = iso.actions.PolynomialFields(1, 2).algebra  # d/dx, x d/dx, x^2 d/dx: sl(2)
    assert line.closure_defect() < 1e-14
    assert line.identify().name == "sl(2)"
    assert iso.actions.PolynomialFields(1, 3).algebra.closure_defect() > 0.1


@pytest.mark.parametrize(
    "call",
    [
        lambda: iso.dictionary.polynomials(0, 2),
        lambda: iso.dictionary.polynomials(2, -1),
        lambda: iso.dictionary.custom(2, {}),
        lambda: iso.dictionary.polynomials(2, 1) + iso.dictionary.polynomials(3, 1),
        lambda: iso.dictionary.polynomials(2, 1).evaluate(torch.ones(3, 3)),
        lambda: iso.dictionary.fourier(2, 1).evaluate(torch.ones(2)),
    ],
)
def test_errors(call):
    with pytest.raises(DataError, match="expected"):
        call()
