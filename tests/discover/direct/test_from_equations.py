"""Prolongation against hand-written formulas, and the six equations against their known symmetries."""

import math

import numpy as np
import pytest
import torch

from isotropy import datasets
from isotropy.actions import Prolonged
from isotropy.discover import FromEquations, sample_jets
from isotropy.errors import AmbiguousRankWarning, DataError

HEAT = Prolonged(("x", "t"), ("u",), order=2, degree=2)


def _jets(count, size, seed=0):
    return torch.randn(count, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def _draws(seed):
    return torch.Generator().manual_seed(seed)


def _asked(name, samples=1500, seed=0):
    e = datasets.equation(name, seed)
    action = Prolonged(e.independent, e.dependent, e.order, e.degree)
    z = sample_jets(action, e.fields, e.grids, periodic=e.periodic, samples=samples, seed=seed)
    found = FromEquations(action, e.lead, kinds=["polynomial"], seed=seed).fit(z)
    return e, found, action.algebra.span(torch.stack([action.generator(g) for g in e.symmetries]))


def test_names_go_by_order():
    action = Prolonged(("x", "t"), ("u", "v"), order=1, degree=1)
    assert action.names == ["x", "t", "u", "v", "u_x", "v_x", "u_t", "v_t"]


def test_prolongation_agrees_with_the_written_formula():
    """``phi_xx`` of ``xi(x, u) d/dx`` with ``xi = x u``, by hand."""
    z = _jets(20, 8)
    x, _, u, ux, ut, uxx, uxt, utt = z.T
    moved = HEAT.field(HEAT.generator({"x": {"x u": 1.0}}), z)
    slope, bend = u + x * ux, 2 * ux + x * uxx  # D_x xi and D_xx xi
    torch.testing.assert_close(moved[:, 3], -slope * ux)
    torch.testing.assert_close(moved[:, 5], -2 * slope * uxx - bend * ux)
    torch.testing.assert_close(moved[:, 4], -x * ut * ux)
    torch.testing.assert_close(moved[:, 6], -slope * uxt - (ut + x * uxt) * ux - x * ut * uxx)
    torch.testing.assert_close(moved[:, 7], -2 * x * ut * uxt - x * utt * ux)


def test_fields_and_field_agree():
    z, xi = _jets(10, HEAT.size), _jets(1, HEAT.algebra.dim, 3)[0]
    torch.testing.assert_close(HEAT.field(xi, z), torch.einsum("k,bkn->bn", xi, HEAT.fields(z)))


def test_prolongation_keeps_brackets():
    """``pr [a, b] = [pr a, pr b]`` with ``[a, b] = Da[b] - Db[a]``."""
    action = Prolonged(("x",), ("u",), order=3, degree=1)
    wide = Prolonged(("x",), ("u",), order=3, degree=1)
    a, b, z = *_jets(2, action.algebra.dim, 1), _jets(12, action.size)
    down = [
        torch.func.jvp(lambda y, v=v: action.field(v, y), (z,), (action.field(w, z),))[1] for v, w in ((a, b), (b, a))
    ]
    torch.testing.assert_close(wide.field(action.algebra.bracket(a, b), z), down[0] - down[1])


def test_a_generator_beyond_the_degree_is_refused():
    with pytest.raises(DataError, match="raise the degree"):
        HEAT.generator({"x": {"x^3": 1.0}})


def test_derivatives_of_a_wave_are_exact():
    action = Prolonged(("x", "t"), ("u",), order=3, degree=1)
    x, t = np.arange(24) * 2 * np.pi / 24, np.linspace(0, 1, 41)
    fields = np.sin(2 * x[:, None] - t)[None, None]
    z = sample_jets(action, fields, (x, t), periodic=(True, False), samples=50)
    phase = 2 * z[:, 0] - z[:, 1]
    for name, value in {"u_x": 2 * phase.cos(), "u_xx": -4 * phase.sin(), "u_xt": 2 * phase.sin()}.items():
        torch.testing.assert_close(z[:, action.names.index(name)], value, atol=1e-7, rtol=0)
    torch.testing.assert_close(z[:, action.names.index("u_xxt")], 4 * phase.cos(), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("name", "most", "samples"),
    [
        ("heat", 7e-4, 1500),
        ("burgers", 0.013, 1500),
        ("kdv", 0.005, 1500),
        ("schroedinger", 0.086, 1500),
        ("wave", 0.014, 1500),
        pytest.param("reaction-diffusion", 0.124, 3000, marks=pytest.mark.slow),
    ],
)
def test_symmetries_of_an_equation_are_found(name, most, samples):
    """At most the distances that neural prolongation was published with, the dimension found too."""
    e, found, truth = _asked(name, samples)
    assert found.status_ == "certified"
    assert found.algebra_.dim == truth.dim
    assert found.superposition_.dim == e.superposition
    assert found.algebra_.distance(truth) <= most


def test_noise_instead_of_an_equation_is_not_certified():
    found = FromEquations(HEAT, ["u_t"], kinds=["polynomial"]).fit(_jets(300, HEAT.size))
    assert found.status_ != "certified"


def test_an_equation_that_depends_on_place_loses_its_shift():
    action = Prolonged(("x", "t"), ("u",), order=2, degree=1)
    z = _jets(400, action.size)
    z[:, 4] = (1 + z[:, 0] ** 2) * z[:, 5] + z[:, 2] ** 2
    found = FromEquations(action, ["u_t"]).fit(z, lambda z: z[:, 4] - (1 + z[:, 0] ** 2) * z[:, 5] - z[:, 2] ** 2)
    assert (found.status_, found.vector_fields()) == ("certified", ["d/dt"])
    assert found.superposition_.dim == 0


def _nearly_heat(broken, seed=0, **options):
    """The heat equation with a term that keeps only shifts of time and one scaling."""
    action = Prolonged(("x", "t"), ("u",), order=2, degree=1)
    z = _jets(400, action.size, seed)
    z[:, 4] = z[:, 5] + broken * z[:, 2] ** 2 * z[:, 0]
    return FromEquations(action, ["u_t"], **options).fit(
        z, lambda z: z[:, 4] - z[:, 5] - broken * z[:, 2] ** 2 * z[:, 0]
    )


@pytest.mark.parametrize(("broken", "dim", "grade"), [(0.0, 4, "exact"), (1e-3, 6, "approximate"), (0.3, 2, "exact")])
def test_a_small_term_is_told_by_size(broken, dim, grade):
    """A term of a thousandth breaks four generators by as much, shifts of u among them; a large one leaves two."""
    found = _nearly_heat(broken)
    assert (found.status_, found.algebra_.dim, found.grade_) == ("certified", dim, grade)
    assert found.superposition_.dim == (0 if broken else 2)
    errors = [one for one in found.symmetry_.generators if one.grade == "approximate"]
    assert len(errors) == (4 if grade == "approximate" else 0)
    assert all(broken < one.error < 10 * broken and one.lower <= one.error <= one.upper for one in errors)
    assert found.ladder_[0.0] == (2 if broken else 4)
    assert found.symmetry_.tolerance == 0.05


def test_names_of_units_do_not_enter():
    """Jets in other units of x, t and u, derivatives along with them, and the equation a thousand times as large."""
    action = Prolonged(("x", "t"), ("u",), order=2, degree=1)
    length, time, size = 1e3, 1e-4, 1e5
    scale = torch.tensor([length, time, size, size / length, size / time, size / length**2, size / length / time,
                          size / time**2], dtype=torch.float64)  # fmt: skip
    z = _jets(400, action.size)
    z[:, 4] = z[:, 5] + 1e-3 * z[:, 2] ** 2 * z[:, 0]

    def f(z):
        return z[:, 4] - z[:, 5] - 1e-3 * z[:, 2] ** 2 * z[:, 0]

    plain = FromEquations(action, ["u_t"]).fit(z, f)
    other = FromEquations(action, ["u_t"]).fit(scale * z, lambda z: 1e3 * f(z / scale))
    assert (other.status_, other.algebra_.dim, other.ladder_) == (plain.status_, plain.algebra_.dim, plain.ladder_)


def test_the_error_of_a_learnt_equation_widens_the_limits():
    _, found, _ = _asked("burgers")
    error = found.surrogate_.gradient_error
    assert found.grade_ == "approximate"
    assert all(one.upper >= one.error + error for one in found.symmetry_.generators)
    assert any("learnt" in text for text in found.limits_)


def test_an_equation_that_the_samples_do_not_determine_has_no_limits():
    action = Prolonged(("x", "t"), ("u",), order=2, degree=1)
    z = _jets(200, action.size)
    z[:, 4] = z[:, 5] - z[:, 2] * z[:, 3] + 5 * torch.randn(200, dtype=torch.float64, generator=_draws(1))
    with pytest.warns(AmbiguousRankWarning, match="bring more data"):
        found = FromEquations(action, ["u_t"], rank=3, kinds=["polynomial"]).fit(z)
    assert found.status_ == "undecided" and len(found.symmetry_.generators) == 3
    assert any("do not determine the gradient" in text for text in found.limits_)
    assert all(math.isnan(one.upper) for one in found.symmetry_.generators)


def test_limits_hold_what_other_jets_say_of_the_units():
    """Of 30 draws with long tails, whose sizes differ from one to the next, at most 4 miss the defect of many jets."""
    action = Prolonged(("x", "t"), ("u",), order=2, degree=1)

    def f(z):
        return z[:, 4] - z[:, 5] + z[:, 2] * z[:, 3] - 0.2 * torch.sin(z[:, 3])

    def asked(count, seed):
        z = _jets(count, action.size, seed)
        z = z * (4 / torch.randn(count, 8, dtype=torch.float64, generator=_draws(seed)).square().sum(1, True)).sqrt()
        z[:, 4] = z[:, 4] - f(z)
        return FromEquations(action, ["u_t"], rank=4).fit(z, f).symmetry_.generators[-1]

    true = asked(20000, 99).error
    missed = [not one.lower <= true <= one.upper for one in (asked(300, seed) for seed in range(30))]
    assert sum(missed) <= 4


@pytest.mark.parametrize("name", ["tolerance", "level"])
def test_tolerance_and_level_are_fractions(name):
    with pytest.raises(DataError, match=f"{name}: expected a number between 0 and 1"):
        FromEquations(HEAT, ["u_t"], **{name: 0.0}).fit(_jets(100, HEAT.size))


@pytest.mark.parametrize(
    ("lead", "message"), [(["w_t"], "received 'w_t'"), ([], "expected names of derivatives that the equations give")]
)
def test_bad_names_are_explained(lead, message):
    with pytest.raises(DataError, match=message):
        FromEquations(HEAT, lead).fit(_jets(100, HEAT.size))


def test_bad_grids_are_explained():
    x, t = np.arange(12.0), np.linspace(0, 1, 12)
    fields = np.random.default_rng(0).normal(size=(1, 1, 12, 12))
    with pytest.raises(DataError, match="equally spaced values of t"):
        sample_jets(HEAT, fields, (x, t**2))
    with pytest.raises(DataError, match="reorder the axes"):
        sample_jets(HEAT, fields[0], (x, t))


def test_an_unknown_equation_is_refused():
    with pytest.raises(DataError, match="received 'euler'"):
        datasets.equation("euler")
