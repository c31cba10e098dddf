"""What is printed is what was found: rounded together, and read back to the last digit."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import isotropy as iso
from isotropy.action._spanned import coordinate_names, read_field
from isotropy.actions import Affine, Trivial
from isotropy.errors import DataError
from isotropy.symmetry import bars
from isotropy.symmetry._readable import MOST_DIGITS, known_angle, metric_of, readable, rounded, turned


def draws(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def parsed(symmetry, names=None):
    """Coefficients `(k, dim)` of the printed fields; every candidate is one entry."""
    action = symmetry.candidates
    names = names or coordinate_names(action.size)
    matrices = torch.stack([read_field(text, action.feature_names(names), names) for text in symmetry.fields(names)])
    return matrices.flatten(1) @ action.tensor.flatten(1).T


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, MOST_DIGITS), st.floats(0, 12))
def test_rounded_numbers_print_as_they_are(seed, digits, decades):
    generator = torch.Generator().manual_seed(seed)
    scale = 10 ** (decades * (torch.rand(3, 4, dtype=torch.float64, generator=generator) - 0.5))
    full = scale * torch.randn(3, 4, dtype=torch.float64, generator=generator)
    short = rounded(full, digits)
    assert torch.equal(rounded(short, digits), short)
    assert [float(f"{v:.{digits}g}") for v in short.flatten().tolist()] == short.flatten().tolist()
    assert bool(((short - full).abs() <= 0.5 * 10.0 ** (1 - digits) * full.abs() * 1.0001).all())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 1e-5, 1e-3, 0.02, 0.2]), st.floats(0, 4))
def test_a_rounded_span_stays_where_it_is_known_to_be(seed, known, offset):
    """Motions of a far, narrow cloud: entries depend on one another."""
    generator = torch.Generator().manual_seed(seed)
    mean = 10**offset * torch.randn(3, dtype=torch.float64, generator=generator)
    columns = tuple(iso.symmetry.Column(mean=m, spread=1.0) for m in mean.tolist())
    metric = metric_of(Affine(iso.aff(3)), iso.symmetry.Domain(columns, 100))
    rows = torch.randn(2, 12, dtype=torch.float64, generator=generator)
    rows = torch.linalg.qr((rows @ metric.T).T).Q.T @ torch.linalg.pinv(metric).T  # which move the cloud alike
    doubt = known * torch.linalg.pinv(metric).norm(dim=1) * (rows @ metric.T).norm(dim=1, keepdim=True)
    shown, (digits, _) = readable(rows, doubt, metric)
    allowed = max(bars.PRINTED, min(known, bars.MOST_SINE)) * (1 + 1e-6)
    assert turned(shown, rows, metric) <= allowed
    assert torch.equal(rounded(shown, digits), shown)
    if digits > 1:
        plain = rows / rows.abs().amax(dim=1, keepdim=True)
        assert turned(rounded(plain, digits - 1), rows, metric) > allowed * (1 - 1e-6)


def test_units_change_no_digits():
    """Columns in units of their own: the same digits, and the same entries in those units."""
    columns = lambda units: tuple(iso.symmetry.Column(mean=2.0 * u, spread=u) for u in units.tolist())  # noqa: E731
    units, action = torch.tensor([1e6, 1.0, 1e-6]).double(), Affine(iso.aff(3))
    one = metric_of(action, iso.symmetry.Domain(columns(torch.ones(3)), 100))
    other = metric_of(action, iso.symmetry.Domain(columns(units), 100))
    rows = draws(1, 12)
    scaled = rows * (action.tensor * units[:, None] / torch.cat([units, torch.ones(1)])).flatten(1).sum(1)
    known = [
        0.01 * torch.linalg.pinv(m / m.norm(dim=0)).norm(dim=1) / m.norm(dim=0) * (r @ m.T).norm()
        for r, m in ((rows, one), (scaled, other))
    ]
    assert known_angle(rows, known[0][None], one) == pytest.approx(0.01)
    assert known_angle(scaled, known[1][None], other) == pytest.approx(0.01)
    digits = [readable(*asked)[1][0] for asked in ((rows, known[0][None], one), (scaled, known[1][None], other))]
    assert abs(digits[0] - digits[1]) <= 1


def test_metric_is_the_motion_in_standard_deviations():
    mean, spread = torch.tensor([5.0, -200.0]).double(), torch.tensor([0.1, 3.0]).double()
    x = mean + spread * draws(200_000, 2)
    columns = tuple(iso.symmetry.Column(mean=m, spread=s) for m, s in zip(mean.tolist(), spread.tolist(), strict=True))
    action, xi = Affine(iso.aff(2)), draws(6)
    truth = (action.field(xi, x) / spread).square().sum(1).mean().sqrt()
    metric = metric_of(action, iso.symmetry.Domain(columns, 100))
    assert float((metric @ xi).norm()) / 256**0.5 == pytest.approx(float(truth), rel=0.01)
    assert metric_of(action, iso.symmetry.Domain((), 100)) is None
    assert metric_of(iso.gl(3).vector(), iso.symmetry.Domain(columns, 100)) is None


def test_motions_of_time_are_printed_though_they_move_no_point():
    action = iso.actions.TimeScaled(iso.gl(2).vector())
    columns = (iso.symmetry.Column(mean=0.0, spread=1.0),) * 2
    metric = metric_of(action, iso.symmetry.Domain(columns, 100))
    row = torch.tensor([[2 / 3, 0.0, 0.0, 2 / 3, -1.0]], dtype=torch.float64)
    shown, _ = readable(row, 0 * row, metric)
    assert "t d/dt" in action.describe(shown[0])
    assert turned(shown, row, metric) <= bars.PRINTED


def vapour(z):
    """A law of temperature, humidity and pressure that no matrix leaves alone."""
    warm, damp, press = z.unbind(1)
    return 6.1 * torch.exp(17.3 * warm / (237 + warm)) * damp / 100 * (1 + 0.02 * torch.sin((press - 1000) / 5))


@pytest.fixture(scope="module")
def readings():
    """Narrow clouds far from the origin, as sensors give."""
    return torch.tensor([25.0, 50, 1013]).double() + torch.tensor([2.0, 4, 6]).double() * draws(400, 3, seed=3)


def test_printed_generators_of_far_readings_are_those_that_were_found(readings):
    """Rounded one by one, entries were printed that broke the law thirty times more than those that were found."""
    G = iso.gl(3)
    symmetry = iso.discover.FromModel(G.vector(), G.scalar(), tolerance=0.2).fit(vapour, readings).symmetry_
    assert symmetry.dim
    full, shown = (
        [iso.measure.equivariance(vapour, readings, part.vector(), part.scalar()).defect for part in spans]
        for spans in (
            [G.span(row[None]) for row in symmetry.coefficients],
            [G.span(row[None]) for row in parsed(symmetry)],
        )
    )
    assert shown == pytest.approx(full, rel=0.1, abs=5 * bars.PRINTED)


@pytest.mark.parametrize("seed", range(20))
def test_printed_fields_read_back_are_what_is_measured(seed):
    generator = torch.Generator().manual_seed(seed)
    centre = 10 ** (4 * torch.rand(1, dtype=torch.float64, generator=generator)) * draws(3, seed=seed)
    units = 10 ** (4 * torch.rand(3, dtype=torch.float64, generator=generator) - 2)
    frame = torch.linalg.qr(draws(3, 3, seed=seed)).Q * torch.tensor([1.0, 1.5, 0.7]).double()
    x = (centre + draws(300, 3, seed=seed + 100)) * units

    def f(z):
        return ((z / units - centre) @ frame).square().sum(1)

    action = Affine(iso.aff(3))
    symmetry = iso.discover.FromModel(action, Trivial(action.algebra, (1,))).fit(f, x).symmetry_
    assert (symmetry.status, symmetry.name) == ("certified", "so(3)")
    assert torch.equal(parsed(symmetry), symmetry.printed)
    printed = action.restrict(parsed(symmetry))
    assert iso.measure.equivariance(f, x, printed, Trivial(printed.algebra, (1,))).defect < 10 * bars.PRINTED


def test_a_test_that_fails_asks_for_more_digits(tmp_path):
    G, x = iso.gl(3), draws(300, 3)
    turn = torch.linalg.qr(draws(3, 3, seed=1)).Q * torch.tensor([1.0, 2.0, 3.0]).double()
    f = lambda x: (x @ turn).square().sum(1)  # noqa: E731
    symmetry = iso.discover.FromModel(G.vector(), G.scalar()).fit(f, x).symmetry_

    def within(bar):
        def passes(rows):
            part = G.span(rows)
            return iso.measure.equivariance(f, x, part.vector(), part.scalar()).defect <= bar

        return passes

    loose, tight, never = (symmetry.printed_if(test) for test in (within(0.05), within(1e-9), lambda rows: False))
    assert symmetry.digits <= tight.digits
    assert loose.digits < tight.digits < never.digits == MOST_DIGITS
    assert within(1e-9)(tight.printed) and within(1e-9)(parsed(tight))
    torch.testing.assert_close(
        never.printed, symmetry.coefficients / symmetry.coefficients.abs().amax(1, keepdim=True), rtol=1e-15, atol=1e-9
    )
    again = iso.Symmetry.load(tight.save(tmp_path / "s.json"))
    assert (again.digits, again.fields()) == (tight.digits, tight.fields())


def test_nothing_and_uncertain_things_are_short():
    nothing, (digits, _) = readable(torch.zeros(0, 4), torch.zeros(0, 4), None)
    assert (len(nothing), digits) == (0, 1)
    rough, (digits, _) = readable(
        torch.tensor([[0.0, -1.03, 0.98, 0.01]]).double(), torch.full((1, 4), 0.1).double(), None
    )
    assert (rough.tolist(), digits) == ([[0.0, -1.0, 1.0, 0.0]], 1)


@pytest.mark.parametrize(
    ("text", "matrix"),
    [
        ("0", [[0, 0, 0], [0, 0, 0]]),
        ("x d/dy - y d/dx", [[0, -1, 0], [1, 0, 0]]),
        ("-d/dx", [[0, 0, -1], [0, 0, 0]]),
        ("2.5e-07 x d/dx - 1e+06 d/dy", [[2.5e-07, 0, 0], [0, 0, -1e6]]),
    ],
)
def test_fields_are_read(text, matrix):
    assert read_field(text, ["x", "y", "1"], ["x", "y"]).tolist() == matrix


@pytest.mark.parametrize("text", ["x d/dw", "2 w d/dx", "x", "two x d/dx"])
def test_what_is_no_field_is_refused(text):
    with pytest.raises(DataError, match="expected terms such as '2 x d/dx'"):
        read_field(text, ["x", "y", "1"], ["x", "y"])
