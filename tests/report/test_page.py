import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from isotropy.errors import DataError, MissingExtraError, RepresentationMismatchError
from isotropy.report import Orbits, write_report
from isotropy.report._checked import coordinates
from isotropy.report._pictures import busiest_plane

NASTY = "<script>alert('v')</script>&\"$x$"
SECTIONS = ["answer", "generators", "spectrum", "certificates", "limits", "method"]


class Outline(HTMLParser):
    """Collects tags with their attributes, and the text of scripts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.scripts = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.scripts and self.tags[-1][0] == "script":
            self.scripts[-1] += data

    def having(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def quick_pictures(monkeypatch):
    """Empty pictures, where a test is about the page around them."""
    monkeypatch.setattr("isotropy.report._page.inline_svg", lambda draw, prefix: f'<svg id="{prefix}"></svg>')


def page_of(folder, *arguments, **options):
    return write_report(folder / "report.html", *arguments, **options).read_text(encoding="utf-8")


def sections(outline):
    return [attributes["id"] for tag, attributes in outline.tags if tag in ("header", "section")]


@pytest.mark.usefixtures("quick_pictures")
def test_every_section_stands_in_order(tmp_path, answer, orbits):
    answer |= {
        "conserved": ["x*vy - y*vx"],
        "limits": ["Nothing was seen beyond r = 2."],
        "command": "isotropy discover",
    }
    page = page_of(tmp_path, answer, orbits, title="Runs of May")
    expected = ["answer", "generators", "conserved", "spectrum", "orbits", "certificates", "limits", "method"]
    assert sections(Outline(page)) == expected
    said = (
        "Runs of May",
        "so(3)",
        "x d/dz - z d/dx",
        "x*vy - y*vx",
        "r = 2",
        "FromModel",
        "isotropy discover",
        "0.1.0",
    )
    for words in said:
        assert words in page


@pytest.mark.usefixtures("quick_pictures")
def test_optional_parts_may_be_absent(tmp_path, answer, nothing):
    for key in ("seed", "method", "isotropy_version", "trivial", "tangent", "transversal", "format", "name"):
        del answer[key]
    assert sections(Outline(page_of(tmp_path, answer))) == SECTIONS
    page = page_of(tmp_path, nothing)
    assert sections(Outline(page)) == SECTIONS
    assert "What to try" in page
    assert "None" not in re.sub(r"None[: ]", "", page)


def test_an_answer_that_knows_nothing_claims_nothing(tmp_path, nothing):
    page = page_of(tmp_path, nothing | {"status": "undecided", "name": "trivial", "spectrum": []})
    assert "is it known whether" in page and "None: no direction" not in page
    assert "trivial?" not in page and "Nothing is known of any direction." in page


def test_nothing_is_fetched(tmp_path, answer, orbits):
    page = page_of(tmp_path, answer, orbits)
    addresses = re.findall(r"(.{8,16})https?://", page)
    assert all("xmlns" in before or "NS(" in before for before in addresses)
    outline = Outline(page)
    assert not outline.having("link") + outline.having("img") + outline.having("iframe") + outline.having("image")
    assert all("src" not in script for script in outline.having("script"))
    linked = [attributes.get("href") or attributes.get("xlink:href") for _, attributes in outline.tags]
    assert all(address.startswith("#") for address in linked if address)


def test_everything_from_outside_is_escaped(tmp_path, answer, orbits):
    plain = len(Outline(page_of(tmp_path, answer, orbits)).having("script"))
    fields = dict.fromkeys(("name", "candidates", "method", "seed", "isotropy_version", "command"), NASTY)
    lists = {key: [NASTY] * 3 for key in ("vector_fields", "coordinates", "conserved", "limits")}
    answer["certificates"]["gap"]["words"] = NASTY
    answer["certificates"][NASTY] = {"value": 1, "threshold": 1, "passed": True}
    nasty = Orbits([NASTY] * 3, orbits.points, orbits.times)
    page = page_of(tmp_path, answer | fields | lists, nasty, title=NASTY)
    outline = Outline(page)
    assert len(outline.having("script")) == plain == 2
    assert "<script>alert" not in page.lower()
    assert json.loads(outline.scripts[0])["names"] == [NASTY] * 3


def test_pictures_and_controls_have_words(tmp_path, answer, orbits):
    outline = Outline(page_of(tmp_path, answer, orbits))
    pictures = [attributes for _, attributes in outline.tags if attributes.get("role") == "img"]
    assert len(pictures) == 3 * 2 + 1 + 3 + 1, "heat map and flow each, spectrum, still orbits each, moving orbits"
    assert all(picture["aria-label"] for picture in pictures)
    labelled = {attributes["for"] for attributes in outline.having("label")}
    controls = outline.having("input") + outline.having("select")
    assert {control["id"] for control in controls} == labelled
    identifiers = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))


def test_pictures_take_the_ink_of_the_page(tmp_path, answer):
    page = page_of(tmp_path, answer)
    assert "currentColor" in page
    assert "#012345" not in page


@pytest.mark.usefixtures("quick_pictures")
def test_one_generator_needs_no_choice(tmp_path, answer, orbits):
    single = {key: answer[key][:1] for key in ("basis", "vector_fields")} | {"dimension": 1}
    outline = Outline(page_of(tmp_path, answer | single, Orbits(["x", "y"], orbits.points[:1, ..., :2], orbits.times)))
    assert not outline.having("select")
    assert len(outline.having("input")) == 1


@pytest.mark.usefixtures("quick_pictures")
def test_many_generators_keep_their_formulas(tmp_path, answer):
    many = {
        "basis": [np.diag(row).tolist() for row in np.eye(14)],
        "vector_fields": [f"d/dx{k}" for k in range(14)],
        "dimension": 14,
    }
    page = page_of(tmp_path, answer | many | {"candidates": "gl(14)"})
    assert page.count('class="index"') == 14
    assert page.count("Matrix of generator") == 12
    assert "first 12 generators" in page


@pytest.mark.usefixtures("quick_pictures")
def test_shifts_are_told_from_linear_moves(tmp_path, answer):
    shift = np.zeros((1, 3, 3))
    shift[0, 0, 2] = 1
    one = {"basis": shift.tolist(), "vector_fields": ["d/du"], "dimension": 1}
    named = page_of(tmp_path, answer | one | {"coordinates": ["u", "v"]})
    assert "flow in the plane of u and v" in named
    assert "flow in the plane of x and y" in page_of(tmp_path, answer | one | {"candidates": "aff(2)"})
    assert "flow in the plane of x and z" in page_of(tmp_path, answer | one)


def test_the_plane_of_a_flow_is_where_it_moves_most():
    matrix = np.zeros((4, 4))
    matrix[1, 3], matrix[3, 1], matrix[0, 1] = -2, 2, 1
    assert busiest_plane(matrix, affine=False) == (1, 3)
    matrix = np.zeros((4, 4))
    matrix[2, 3] = 1
    assert 2 in busiest_plane(matrix, affine=True)


MATRIX = {"dimension": 1, "vector_fields": ["v"], "spectrum": [0.0], "cut": 1}
TURN = [[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]
SHOWN = {
    "the same on two groups": ({"candidates": "gl(3)", "coordinates": list("abcdef")}, "abc", False),
    "the same on two points": ({"candidates": "se(2)", "coordinates": list("abcd")}, "ab", True),
    "similar": ({"candidates": "similarity(2)", "coordinates": list("abcd")}, "ab", True),
    "pictures": ({"candidates": "image(2,2,se(2))", "coordinates": list("abcd")}, "xy", True),
    "with time": ({"candidates": "gl(2)", "coordinates": ["a", "b"], "blocks": [2, 1]}, ["a", "b", "time"], False),
    "a sum on two groups": (
        {"candidates": "gl(2)+gl(1)", "coordinates": list("abcdef"), "blocks": [2, 1]},
        "abc",
        False,
    ),
}


@pytest.mark.parametrize(("change", "names", "affine"), SHOWN.values(), ids=SHOWN)
def test_a_matrix_is_drawn_on_what_it_moves(tmp_path, answer, change, names, affine):
    changed = answer | MATRIX | {"basis": TURN} | change
    assert coordinates(changed) == (list(names), affine)
    assert "<figcaption>matrix</figcaption>" in page_of(tmp_path, changed)


@pytest.mark.parametrize(
    "change",
    [
        {"basis": [[[1.0, 2.0, 0.0], [0.0, 1.0, 0.5]]], "polynomials": [2, 1], "coordinates": ["a", "b"]},
        {"basis": TURN, "blocks": [2, 1], "coordinates": ["a"], "candidates": "aff(1)"},
    ],
    ids=["polynomials", "shifts with time"],
)
def test_what_is_no_linear_motion_is_written_and_not_drawn(tmp_path, answer, change):
    page = page_of(tmp_path, answer | MATRIX | change | {"roads": []})
    assert "<figcaption>matrix</figcaption>" not in page
    assert '<pre aria-label="Matrix 1">' in page


@pytest.mark.parametrize(
    "change",
    [
        {"status": "sure"},
        {"format": 3},
        {"cut": 10},
        {"dimension": 2},
        {"vector_fields": ["x d/dy"]},
        {"basis": [[[1.0, 2.0]]] * 3},
        {"basis": [[[float("nan")]]] * 3},
        {"coordinates": ["x"]},
        {"spectrum": [0.1, 0.2, 0.3]},
    ],
)
def test_answers_that_do_not_fit_write_nothing(tmp_path, answer, change):
    with pytest.raises(DataError, match=r"expected .* got .*; "):
        write_report(tmp_path / "report.html", answer | change)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_key_is_named(tmp_path, answer):
    del answer["spectrum"]
    with pytest.raises(DataError, match="spectrum"):
        write_report(tmp_path / "report.html", answer)


def test_an_interrupted_report_leaves_the_old_one(tmp_path, nothing, monkeypatch):
    old = page_of(tmp_path, nothing)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_report(tmp_path / "report.html", nothing, title="new")
    assert [entry.read_text() for entry in tmp_path.iterdir()] == [old]


def test_the_same_answer_gives_the_same_bytes(tmp_path, answer):
    answer |= {key: answer[key][:1] for key in ("basis", "vector_fields")} | {"dimension": 1}
    assert page_of(tmp_path, answer) == page_of(tmp_path, answer)


@pytest.mark.usefixtures("quick_pictures")
def test_a_single_coordinate_has_a_matrix_and_no_plane(tmp_path, answer):
    one = {"basis": [[[1.0]]], "vector_fields": ["x d/dx"], "dimension": 1, "candidates": "gl(1)"}
    page = page_of(tmp_path, answer | one)
    assert "Matrix of generator 1" in page
    assert "Flow of generator" not in page


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_missing_packages_are_named(tmp_path, answer, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"{package}.*isotropy\[report\]"):
        write_report(tmp_path / "report.html", answer)


def test_orbits_that_do_not_fit_are_refused(tmp_path, answer, orbits):
    points, times = orbits.points, orbits.times
    for names, wrong, steps in (
        (["x", "y"], points, times),
        (["x"], points[..., :1], times),
        (["x", "y", "z"], points, times[1:]),
    ):
        with pytest.raises(RepresentationMismatchError, match="keep 2 or 3 coordinates"):
            Orbits(names, wrong, steps)
    with pytest.raises(DataError, match="finite"):
        Orbits(["x", "y", "z"], np.full_like(points, np.inf), times)
    with pytest.raises(DataError, match="increasing"):
        Orbits(["x", "y", "z"], points, times[::-1])
    with pytest.raises(RepresentationMismatchError, match="3 generators, got 2"):
        write_report(tmp_path / "report.html", answer, Orbits(["x", "y", "z"], points[:2], times))


def test_embedded_points_keep_four_digits_of_the_picture(orbits):
    tiny = Orbits(["x", "y", "z"], orbits.points * [1.0, 1e-6, 1e5] + [0.0, 3.0, 0.0], orbits.times)
    payload = tiny.payload(["", "", ""])
    error = np.abs(np.array(payload["points"]) - tiny.points).max(axis=(0, 1, 2))
    assert (error < 1e-3 * np.array(payload["half"])).all()
    assert payload["half"][1] < 1e-5
    assert payload["half"][2] > 1e4


def test_like_units_share_a_scale(orbits):
    half = orbits.payload(["", "", ""])["half"]
    assert half[0] == half[1] == half[2]
