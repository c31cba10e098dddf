"""Any kind of action becomes plain data and comes back as the same thing, and hostile data are refused."""

import json

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import isotropy as iso
from actions.kinds import AFF2, EULER, GL3, KINDS, SE2, Kind, bend, layers, randn
from isotropy import actions
from isotropy.action._action import Action, RestrictedAction
from isotropy.action._recorded import KINDS as NAMES
from isotropy.action._recorded import recorded
from isotropy.actions import Affine, LatentAction, LogDensity, Points, PolynomialFields, Product, Prolonged, TimeScaled
from isotropy.actions._record import Record, read_action, record_action
from isotropy.algebra._lie_algebra import LieAlgebra
from isotropy.core._charts import Charts
from isotropy.dictionary import FieldBracket
from isotropy.discover.direct._from_equations import Scaled
from isotropy.errors import DataError, NotRecordableError

O3 = iso.o(3)
V, ONE = O3.algebra.vector(), O3.algebra.scalar()
PAIR = iso.so(3) + iso.sl(2)


def network_action(latent=None):
    return LatentAction(layers(4, 2), layers(2, 4, seed=1), latent or iso.gl(2).vector(), (4,))


def chart_action(corrections=3):
    scale = 1.0 + randn(2).abs()
    charts = Charts(
        layers(2, 2), layers(2, 2, seed=1), mean=randn(2), scale=scale, center=randn(2, seed=3),
        unit=torch.tensor(1.3, dtype=torch.float64), corrections=corrections,
    )  # fmt: skip
    return LatentAction(charts.encode, charts.decode, iso.so(2).vector(), (2,))


MORE = {
    "sum": Kind(2 * V + ONE),
    "powers": Kind(V**3 + V.T),
    "maps": Kind(V >> (V + ONE)),
    "double dual": Kind(V.T.T),
    "components": Kind(O3.vector() * O3.pseudoscalar() + 2 * O3.vector().T),
    "lazy": Kind(iso.Representation(iso.so(3), lambda: iso.so(3).basis, 3)),
    "block": Kind(PAIR.vector(0) * PAIR.vector(1)),
    "of another algebra": Kind(iso.Representation(iso.so(2) + iso.so(2), randn(2, 3, 3))),
    "nothing acts": Kind(iso.gl(2).vector().restrict(torch.zeros(0, 4))),
    "in two languages": Kind(GL3.restrict(iso.so(3).basis.flatten(1), iso.so(3))),
    "in two languages, affine": Kind(AFF2.restrict(randn(3, 6), iso.se(2))),
    "in two languages, polynomial": Kind(EULER.restrict(randn(3, 12), iso.so(3))),
    "span of fields": Kind(PolynomialFields(2, 1, iso.actions.PolynomialFields(2, 1).algebra.span(randn(2, 6)))),
    "jets": Kind(Prolonged(("x", "t"), ("u",), order=2, degree=1)),
    "jets, restricted": Kind(Prolonged(("x",), ("u", "v"), order=1, degree=1).restrict(randn(2, 12))),
    "image, named": Kind(actions.Image(["shift_x", "rotation"], 8, 6, 2, boundary="circular", gradient="spectral")),
    "image, restricted": Kind(actions.Image(iso.aff(2), 7, 7, boundary="border").restrict(randn(2, 6))),
    "networks": Kind(network_action()),
    "networks, restricted": Kind(network_action().restrict(randn(1, 4))),
    "networks, blocks": Kind(network_action(iso.gl(1).vector() + iso.gl(1).scalar())),
    "charts": Kind(chart_action()),
    "jets, scaled": Kind(Scaled(Prolonged(("x",), ("u",), 1, degree=1).restrict(randn(2, 6)), 1 + randn(3).abs())),
    "points of networks": Kind(Points(network_action(), 2)),
    "nested": Kind(TimeScaled(Points(Product(SE2, Affine(iso.se(2))), 2)).restrict(randn(2, 4))),
    "tangent of a restriction": Kind(Points(SE2, 2).restrict(randn(2, 3)).tangent()),
    "tangent, affine": Kind(AFF2.tangent()),
    "tangent, polynomial": Kind(EULER.restrict(randn(2, 12)).tangent()),
    "tangent, time-scaled": Kind(TimeScaled(AFF2).tangent()),
    "tangent, restricted time-scaled": Kind(TimeScaled(GL3).restrict(randn(3, 10)).tangent()),
    "tangent, networks": Kind(network_action().tangent()),
    "tangent, time-scaled fields": Kind(TimeScaled(Points(AFF2, 2)).tangent()),
    "density": Kind(LogDensity(AFF2)),
    "density, restricted": Kind(LogDensity(AFF2).restrict(randn(2, 6))),
}
CASES = {name: kind for name, kind in {**KINDS, **MORE}.items() if name != "latent"}


def through_files(record: Record) -> Action:
    """As a file brings it back: JSON text and safetensors bytes."""
    words = json.loads(json.dumps(record.words, allow_nan=False))
    return read_action(words, safetensors.torch.load(safetensors.torch.save(record.tensors)))


def base_points(action: Action, y: torch.Tensor) -> torch.Tensor:
    """Points where velocities and densities live; other actions do not look."""
    inner = action
    while not isinstance(inner, LogDensity) and hasattr(inner, "base"):
        inner = inner.base
    event = inner.base.event if isinstance(inner, LogDensity) else action.event
    return 0.3 * randn(len(y), *event, seed=5)


def needs_base(action: Action) -> bool:
    """Whether its points are velocities or densities at other points."""
    inner = action
    while isinstance(inner, RestrictedAction):
        inner = inner.base
    return isinstance(inner, LogDensity) or "Tangent" in type(inner).__name__


def same(first, second):
    """Bit for bit."""
    return first.dtype == second.dtype and torch.equal(first, second)


def close(first, second):
    """To rounding: learnt weights may lie in memory in another order, and so their products are summed."""
    return float((first - second).norm()) <= 1e-12 * max(1.0, float(second.norm()))


def assert_same_algebra(one, other):
    assert same(one.basis, other.basis)
    assert (one.name, one.blocks, one.polynomials) == (other.name, other.blocks, other.polynomials)
    if other.dim and one.dim <= 12:
        assert torch.allclose(one.structure_constants, other.structure_constants, atol=1e-12)


def assert_same_action(back, action, y, same=same):
    """Fields, one field, flow, tangent, divergence, words and algebra."""
    at, dim = base_points(action, y), action.algebra.dim
    assert type(back) is type(action)
    assert back.event == action.event
    assert_same_algebra(back.algebra, action.algebra)
    xi = 0.1 * torch.sin(1.0 + torch.arange(dim, dtype=torch.float64))
    assert same(back.fields(y, at), action.fields(y, at))
    assert same(back.field(xi, y, at), action.field(xi, y, at))
    assert same(back.flow(xi, y, 0.5, at), action.flow(xi, y, 0.5, at))
    assert back.describe(xi) == action.describe(xi)
    assert back.describe(xi, digits=9) == action.describe(xi, digits=9)
    if not needs_base(action):
        assert same(back.tangent().fields(y, at), action.tangent().fields(y, at))


@pytest.mark.parametrize("restricted", [False, True], ids=["plain", "restricted"])
@pytest.mark.parametrize("name", CASES)
def test_every_kind_comes_back(name, restricted):
    action, y = CASES[name].action, CASES[name].points[:2]
    if restricted:
        action = action.restrict(randn(min(2, action.algebra.dim), action.algebra.dim, seed=9))
    back = through_files(record_action(action))
    assert_same_action(back, action, y)
    again = record_action(back)
    assert again.words == record_action(action).words  # a second file says the same


def test_no_kind_is_left_out():
    """A kind that is registered is also tried."""
    tried: set[str] = set()
    for kind in CASES.values():
        tried.update(kinds_in(record_action(kind.action).words["action"]))
    assert tried == set(NAMES)


def kinds_in(words):
    """Names of all actions in nested words."""
    if isinstance(words, dict):
        yield from [words["kind"]] if "kind" in words else []
    inner = words.values() if isinstance(words, dict) else words if isinstance(words, list) else ()
    for part in inner:
        yield from kinds_in(part)


@pytest.mark.parametrize("name", CASES)
def test_words_are_plain(name):
    words = record_action(CASES[name].action).words
    assert json.loads(json.dumps(words, allow_nan=False)) == words


@pytest.mark.parametrize("name", [n for n, k in CASES.items() if isinstance(k.action, iso.Representation)])
def test_representations_keep_their_finite_elements(name):
    rho = CASES[name].action
    back = through_files(record_action(rho))
    assert (repr(back), back.shape, back.kind, len(back.parts)) == (repr(rho), rho.shape, rho.kind, len(rho.parts))
    assert (back.components is None) == (rho.components is None)
    if rho.components is not None:
        assert same(back.components, rho.components)
        assert same(back.rho(rho.components[0]), rho.rho(rho.components[0]))
    if rho._rho is not None and rho.algebra.dim:
        g = rho.algebra.exp(0.1 * torch.ones(rho.algebra.dim, dtype=torch.float64))
        assert same(back.rho(g), rho.rho(g))


def test_blocks_of_a_found_symmetry_come_back():
    """So(3) on two vectors was written as three matrices of size 3 on six columns."""
    x = randn(200, 6)
    f = lambda q: (q[:, :3] * q[:, 3:]).sum(1) + q[:, :3].square().sum(1)  # noqa: E731
    found = iso.discover.FromModel(2 * iso.gl(3).vector(), iso.gl(3).scalar()).fit(f, x)
    back = through_files(record_action(found.action_))
    assert (back.size, [part.size for part in back.parts]) == (6, [3, 3])
    assert back.algebra.identify().name == "so(3)"
    assert same(back.fields(x), found.action_.fields(x))


def test_a_learnt_latent_symmetry_comes_back():
    pytest.importorskip("lightning_fabric", reason="games are trained on lightning-fabric: isotropy[train]")
    z, turn = randn(200, 2), torch.linalg.matrix_exp(0.4 * iso.so(2).basis[0])
    curve = lambda q: torch.stack([q[:, 0], q[:, 1] + q[:, 0] ** 2], 1)  # noqa: E731
    plan = iso.discover.Plan(epochs=1, steps=3)
    found = iso.discover.LaLiGAN(hidden=16, plan=plan, polish=5, starts=1).fit(curve(z), curve(z @ turn.T))
    back, x = through_files(record_action(found.action_)), curve(z)
    assert isinstance(back, LatentAction)
    assert_same_action(back, found.action_, x[:20], close)
    assert close(back.encode(x), found.action_.encode(x))
    assert close(back.decode(z), found.action_.decode(z))
    xi = torch.ones(1, dtype=torch.float64)
    assert float((back.flow(xi, x) - x).norm()) > 0.1  # and it moves them


def test_a_learnt_latent_symmetry_of_images_comes_back():
    pytest.importorskip("lightning_fabric", reason="games are trained on lightning-fabric: isotropy[train]")
    x = randn(120, 1, 6, 6)
    plan = iso.discover.Plan(epochs=1, steps=1)
    found = iso.discover.LaLiGAN(hidden=8, layers=3, plan=plan, polish=0).fit(x, x.roll(1, 3))
    back = through_files(record_action(found.action_))
    assert_same_action(back, found.action_, x[:3], close)


def test_shared_things_are_written_once():
    twice = Product(network_action(), network_action().restrict(torch.eye(4)))
    assert len(record_action(Product(V, V, ONE)).words["algebras"]) == 1
    one = network_action()
    tensors = record_action(Product(one, one)).tensors
    assert len(tensors) == 8
    assert len(record_action(twice).tensors) == 16
    back = through_files(record_action(Product(V, ONE)))
    assert back.parts[0].algebra is back.parts[1].algebra


def test_a_record_is_a_copy():
    action = network_action()
    record = record_action(action)
    before = action.flow(torch.full((4,), 0.1), CASES["networks"].points)
    for tensor in record.tensors.values():
        tensor.zero_()
    assert same(action.flow(torch.full((4,), 0.1), CASES["networks"].points), before)
    kept = record_action(action)
    back = read_action(kept.words, kept.tensors)
    kept.tensors["network0.0.weight"].zero_()
    assert same(back.flow(torch.full((4,), 0.1), CASES["networks"].points), before)


# -- what cannot be written ------------------------------------------------------------------------------------------


class Stranger(Action):
    """Of a kind that files do not know."""

    def __init__(self):
        super().__init__(iso.scaling(1), (2,))

    def fields(self, y, at=None):
        return y[:, None]


class Crooked(FieldBracket):
    """A bracket of one's own is not the one that files name."""


def hooked():
    network = layers(4, 2)
    network[1].register_forward_hook(lambda *_: None)
    return LatentAction(network, layers(2, 4), iso.gl(2).vector(), (4,))


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (Stranger, r"expected one of affine, .*, received Stranger; give the class built_from.*or save its algebra"),
        (lambda: Points(Stranger(), 2), r"action\.action: expected one of"),
        (lambda: LatentAction(bend, bend, V, (3,)), r"action\.encode: .*received the function bend; .*build it from"),
        (lambda: LatentAction(layers(3, 3), nn.Dropout(), V, (3,)), "expected layers out of .*, received Dropout"),
        (hooked, "hooks"),
        (lambda: iso.Representation(iso.so(3), iso.so(3).basis, rho=lambda g: g), "Python function"),
        (lambda: iso.Representation(iso.so(3), iso.so(3).basis, rho=lambda g: g).T, "Python function"),
        (lambda: actions.Trivial(object(), (2,)), "expected a LieAlgebra"),
    ],
)
def test_what_files_do_not_know_is_refused(build, text):
    with pytest.raises(NotRecordableError, match=text) as refusal:
        record_action(build())
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: SE2.restrict(torch.full((1, 3), torch.nan)), "finite"),
        (lambda: Points(PolynomialFields(2, 2), 2), "lower degree"),
        (lambda: LatentAction(layers(3, 2), layers(3, 3), V, (3,)), "match"),
        (lambda: deep(20), "16 things inside one another"),
    ],
)
def test_what_could_not_be_read_is_not_written(build, text, monkeypatch):
    """Refused on the way out, not when somebody needs the file."""
    monkeypatch.setattr(iso.dictionary, "_MOST_CANDIDATES", 10)
    with pytest.raises(DataError, match=text):
        record_action(build())


def deep(count):
    action = Points(SE2, 1)
    for _ in range(count):
        action = action.restrict(torch.eye(3))
    return action


def test_a_name_has_one_owner():
    with pytest.raises(DataError, match="'points' of Points; choose another"):
        recorded("points")(Stranger)
    assert NAMES["points"] is Points
    assert recorded("points")(Points) is Points  # a module that is read again


# -- what is not read ------------------------------------------------------------------------------------------------

WHOLE = record_action(Product(Points(SE2.restrict(randn(2, 3)), 2), PolynomialFields(2, 1).restrict(randn(2, 6))))
LATENT = record_action(chart_action())
IMAGE = record_action(actions.Image(iso.se(2), 8, 8))
JETS = record_action(Prolonged(("x",), ("u",), 1, 1))
TRIVIAL = record_action(actions.Trivial(iso.so(3), (2,)))
SUM = record_action(2 * V + ONE)
HUGE = 10**400


def changed(record, path, value):
    """A copy of the words with one entry replaced; or taken away, when the value is Ellipsis."""
    words = json.loads(json.dumps(record.words))
    place = words
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return words


ENCODER = ("action", "charts", "layers", "encoder", "layers")
PART, BASIS = ("action", "parts", 0, "action"), ("algebras", 0, "basis")


@pytest.mark.parametrize(
    ("record", "path", "value", "text"),
    [
        (WHOLE, ("action",), ..., "expected 'action', received none"),
        (WHOLE, ("algebras",), ..., "expected 'algebras', received none"),
        (WHOLE, ("action",), [1, 2], "expected named parts, received a list of 2"),
        (WHOLE, ("surprise",), 1, "received also surprise"),
        (WHOLE, ("action", "kind"), "os.system", "expected one of affine, .*received 'os.system'"),
        (WHOLE, ("action", "kind"), ["affine"], "kind: expected a text, received a list of 1"),
        (WHOLE, ("action", "parts"), [], "at least one Action"),
        (WHOLE, ("action", "parts", 0, "count"), 0, "whole number from 1"),
        (WHOLE, ("action", "parts", 0, "count"), 2.0, "whole number"),
        (WHOLE, ("action", "parts", 0, "count"), True, "whole number"),
        (WHOLE, ("action", "parts", 0, "count"), 10**9, "whole number"),
        (WHOLE, ("action", "parts", 0, "count"), HUGE, "a huge number"),
        (WHOLE, ("action", "parts", 0, "extra"), 3, "received also extra"),
        (WHOLE, (*PART, "algebra"), 7, "place of one of 2 algebras, received 7"),
        (WHOLE, (*PART, "algebra"), -1, "place of one of 2 algebras"),
        (WHOLE, (*PART, "algebra"), "gl(2)", "place of one of 2 algebras"),
        (WHOLE, (*PART, "tensor", "shape"), [2, 2, 2], r"values: expected a list of 2, received a list of 3"),
        (WHOLE, (*PART, "tensor", "shape"), [2, 6], r"expected shape \(2, 'any', 'any'\)"),
        (WHOLE, (*PART, "tensor", "shape"), [10**6, 10**6, 10**6], "expected shape"),
        (WHOLE, (*PART, "tensor", "values", 0, 0), [1.0, 2.0], "a list of 3, received a list of 2"),
        (WHOLE, (*PART, "tensor", "values", 0, 0, 0), float("nan"), "a finite number, received nan"),
        (WHOLE, (*PART, "tensor", "values", 0, 0, 0), HUGE, "a finite number"),
        (WHOLE, (*PART, "tensor", "values", 0, 0, 0), "1", "a number, received '1'"),
        (WHOLE, (*PART, "tensor", "values", 0, 0, 0), True, "a number, received True"),
        (WHOLE, (*BASIS, "shape"), [2, 9, 1], "expected a list of 9"),
        (WHOLE, (*BASIS, "values", 1), [[0.0] * 3] * 3, "independent generators"),
        (WHOLE, ("algebras", 0, "blocks"), [2], "sizes that make 3"),
        (WHOLE, ("algebras", 0, "name"), 3, "name: expected a text"),
        (WHOLE, ("action", "parts", 1, "degree"), 60, "use a lower degree|expected shape|expected fields"),
        (WHOLE, ("algebras", 1, "fields", "degree"), 2, "expected shape"),
        (WHOLE, ("algebras", 1, "fields", "size"), 4000, "lower degree|expected shape"),
        (WHOLE, ("algebras", 1, "basis"), None, "expected shape|expected fields|expected actions of one algebra"),
        (JETS, ("action", "degree"), 64, "lower degree"),
        (JETS, ("action", "order"), 10**8, "whole number"),
        (JETS, ("action", "independent"), list("abcdefghijklmnop"), "derivatives|lower degree"),
        (JETS, ("action", "independent"), [], "at least one of each|variables"),
        (JETS, ("action", "dependent"), [1], "expected texts"),
        (IMAGE, ("action", "height"), 10**6, "coarser grid"),
        (IMAGE, ("action", "channels"), 10**6, "coarser grid"),
        (IMAGE, ("action", "height"), 1, "2 pixels each way"),
        (IMAGE, ("action", "boundary"), "mirror", "expected one of zeros, border, circular"),
        (IMAGE, ("action", "gradient"), "spectral", "waves need circles"),
        (TRIVIAL, ("action", "event"), [-1], "whole number"),
        (TRIVIAL, ("action", "event"), 3, "event: expected a list, received 3"),
        (LATENT, ("action", "event"), [3], "expected a mean of"),
        (LATENT, ("action", "charts", "weights"), "network7", "a tensor of weights, received none"),
        (LATENT, ("action", "charts", "layers", "corrections"), 10**6, "whole number"),
        (LATENT, (*ENCODER, 0, "out_features"), 5, "expected shape"),
        (LATENT, (*ENCODER, 1, "layer"), "Dropout", "one of Sequential, Linear"),
    ],
)  # fmt: skip
def test_hostile_words_are_refused(record, path, value, text):
    with pytest.raises(DataError, match=text) as refusal:
        read_action(changed(record, path, value), record.tensors)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 600


@pytest.mark.parametrize("words", [None, [], "action", 3, {}, {"action": None, "algebras": []}])
def test_what_is_no_record_is_refused(words):
    with pytest.raises(DataError, match="expected"):
        read_action(words, {})


def test_words_inside_words_have_an_end():
    words = changed(WHOLE, ("action",), WHOLE.words["action"]["parts"][0])
    for _ in range(5000):
        words["action"] = {"kind": "points", "action": words["action"], "count": 1}
    with pytest.raises(DataError, match="at most 16 things inside one another"):
        read_action(words, {})


def test_big_sizes_cost_no_memory():
    """A product of many parts is only as large as it is asked to be."""
    words = json.loads(json.dumps(record_action(V**2).words))
    words["action"]["parts"] *= 20  # of two factors each
    with pytest.raises(DataError, match="one that fits the matrices"):
        read_action(words, {})
    words["action"]["shape"] = [3] * 40
    with pytest.raises(DataError, match="points of at most"):
        read_action(words, {})


@pytest.mark.parametrize(
    ("name", "tensor", "text"),
    [
        ("network0.encoder.0.weight", torch.zeros(3, 2, dtype=torch.float64), "expected shape"),
        ("network0.encoder.0.weight", torch.full((8, 2), torch.nan, dtype=torch.float64), "finite weights"),
        ("network0.encoder.0.weight", torch.zeros(8, 2, dtype=torch.int64), "float32 or float64"),
        ("network0.encoder.0.weight", "weights", "a tensor of weights"),
        ("network0.mean", torch.zeros(3, dtype=torch.float64), "match|keep file"),
        ("network0.scale", torch.zeros(3, dtype=torch.float64), "one scale or one per coordinate"),
        ("network0.center", torch.zeros(2, 2, dtype=torch.float64), "a vector as center"),
        ("network0.center", torch.zeros(3, dtype=torch.float64), "center of 2"),
        ("network0.unit", torch.zeros(2, dtype=torch.float64), "expected shape"),
        ("network0.decoder.2.bias", torch.zeros(5, dtype=torch.float64), "expected shape"),
    ],
)
def test_hostile_weights_are_refused(name, tensor, text):
    with pytest.raises(DataError, match=text):
        read_action(LATENT.words, {**LATENT.tensors, name: tensor})


def places(words, path=()):
    """Paths to everything in nested words."""
    entries = words.items() if isinstance(words, dict) else enumerate(words) if isinstance(words, list) else ()
    for key, value in entries:
        yield (*path, key)
        yield from places(value, (*path, key))


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from([*NAMES, "Sequential", "Linear", HUGE, ...]),
    st.lists(st.integers(-3, 10**7), max_size=4),
    st.dictionaries(st.sampled_from(["kind", "action", "shape", "values"]), st.integers(0, 9), max_size=3),
)


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_damage_is_refused_or_harmless(data):
    """One entry of a record replaced by anything: an action comes back, or one clear line."""
    record = data.draw(st.sampled_from([WHOLE, LATENT, IMAGE, JETS, TRIVIAL, SUM]))
    words = changed(record, data.draw(st.sampled_from(list(places(record.words)))), data.draw(JUNK))
    try:
        action = read_action(words, record.tensors)
    except DataError as refusal:
        assert "expected" in str(refusal)
    else:
        y = torch.full((1, *action.event), 0.1, dtype=torch.float64)
        assert action.fields(y).shape == (1, action.algebra.dim, *action.event)


def test_a_crooked_bracket_is_not_taken_for_another():
    fields = PolynomialFields(2, 1)
    algebra = LieAlgebra(fields.algebra.basis, bracket=Crooked(fields.dictionary))
    with pytest.raises(NotRecordableError, match="matrices or polynomial fields"):
        record_action(actions.Trivial(algebra, (2,)))
