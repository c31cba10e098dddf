"""Every road and every kind of action keeps the whole of a symmetry, in memory, in JSON and in files."""

import json
from dataclasses import replace

import pytest
import torch

import isotropy as iso
from found import ROADS, assert_same, symmetry
from isotropy.errors import DataError, NotRecordableError, RepresentationMismatchError
from isotropy.symmetry import Domain


@pytest.mark.parametrize("name", ROADS)
def test_a_file_keeps_the_whole_of_it(name, tmp_path):
    found = symmetry(name)
    path = found.save(tmp_path / "symmetry.json")
    assert_same(found, iso.Symmetry.load(path))
    assert {file.suffix for file in tmp_path.iterdir()} == {".json", *([".safetensors"] if "latent" in name else [])}


@pytest.mark.parametrize("name", ROADS)
def test_json_is_plain_and_written_again_the_same(name, tmp_path):
    content, tensors = symmetry(name).content()
    text = json.dumps(content, allow_nan=False)
    assert content["format"] == 2
    again, weights = iso.Symmetry.load(symmetry(name).save(tmp_path / "s.json")).content()
    assert json.dumps(again, allow_nan=False) == text
    assert set(weights) == set(tensors)
    assert all(torch.equal(weights[key], tensors[key]) for key in tensors)


@pytest.mark.parametrize("name", [name for name in ROADS if "image" not in name])
def test_columns_are_matched_by_name(name):
    found = symmetry(name)
    order = list(range(len(found.columns)))[::-1]
    turned = found.on([found.columns[place] for place in order])
    assert turned.columns == found.columns[::-1]
    assert_same(found, turned, order)
    assert_same(found, turned.on(found.columns))
    assert found.on(found.columns) is found


@pytest.mark.parametrize("name", ROADS)
def test_it_prints_itself_in_under_twelve_lines(name):
    found = symmetry(name)
    lines = str(found).splitlines()
    assert len(lines) < 12
    assert found.status in lines[0].lower() or (found.status == "none" and lines[0].startswith("No "))
    assert f"{found.domain.samples} samples" in lines[-1] and found.road in lines[-1]
    assert "\n" not in repr(found) and found.status in repr(found)


def test_columns_that_do_not_fit_are_refused():
    found = symmetry("model, linear").named(["x", "y", "z"])
    with pytest.raises(DataError, match=r"expected x, y, z, .* received x, y without z; .* cut down"):
        found.on(["x", "y"])
    with pytest.raises(DataError, match=r"it says nothing about w, so leave them out"):
        found.on(["x", "y", "z", "w"])
    with pytest.raises(DataError, match=r"received q, y, z without x"):
        found.on(["q", "y", "z"])
    bare = replace(found, domain=Domain())
    with pytest.raises(DataError, match=r"expected a symmetry that knows the names of its columns"):
        bare.on(["x", "y", "z"])
    with pytest.raises(RepresentationMismatchError, match=r"expected 3 names, one for each column, received 2"):
        found.named(["x", "y"])
    with pytest.raises(DataError, match=r"expected distinct names, received x, x, z"):
        found.named(["x", "x", "z"])


def test_what_no_file_can_hold_is_refused(tmp_path):
    latent = iso.actions.LatentAction(lambda x: x, lambda z: z, iso.so(2).vector(), (2,))
    still = iso.actions.Trivial(latent.algebra, (1,))
    x = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = iso.discover.FromModel(latent, still).fit(lambda x: x.square().sum(1), x)
    with pytest.raises(NotRecordableError, match="encode"):
        found.symmetry_.save(tmp_path / "symmetry.json")
    assert list(tmp_path.iterdir()) == []


def test_a_symmetry_is_immutable():
    found = symmetry("model, linear")
    with pytest.raises(AttributeError):
        found.status = "none"
    with pytest.raises(TypeError):
        found.certificates["gap"] = None
    rows = torch.eye(3, dtype=torch.float64)[:1]
    none = iso.so(3).span(rows[:0])
    one = iso.Symmetry(iso.so(3).vector(), rows, iso.so(3).span(rows), 0 * rows, "undecided", none, none)
    rows.fill_(7.0)
    assert float(one.coefficients.sum()) == 1.0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 3}, "expected format 1 or 2, received 3"),
        ({"status": "sure"}, "damaged one .*status 'sure'"),
        ({"action": None}, "expected"),
        ({"coefficients": [[1.0]]}, "damaged"),
        ({"uncertainty": "none"}, "damaged"),
        ({"weights": "../elsewhere.safetensors"}, "expected its weights .* in the same folder"),
        ({"weights": "gone.safetensors"}, "expected its weights .* in the same folder"),
    ],
)
def test_damaged_files_give_one_line(change, reason, tmp_path):
    path = symmetry("model, linear").save(tmp_path / "symmetry.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(DataError, match=reason) as caught:
        iso.Symmetry.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "3", '{"format": 2}', "[" * 5000])
def test_other_files_are_refused(text, tmp_path):
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(DataError):
        iso.Symmetry.load(tmp_path / "s.json")
    with pytest.raises(DataError, match="expected an existing file"):
        iso.Symmetry.load(tmp_path / "none.json")


# -- format 1 --------------------------------------------------------------------------------------------------------


def old(**change):
    """A file of format 1: an so(2) in gl(2)."""
    return {
        "format": 1,
        "status": "certified",
        "candidates": "gl(2)",
        "basis": [[[0.0, 1.0], [-1.0, 0.0]]],
        "shape": [2, 2],
        "blocks": [2],
        "polynomials": None,
        "coordinates": ["u", "v"],
        "uncertainty": [[0.01, 0.02, 0.02, 0.01]],
        "spectrum": [1.0, 0.5, 0.4, 1e-3],
        "cut": 1,
        "certificates": {"gap": {"value": 400.0, "threshold": 3.0, "passed": True, "words": "far"}},
        "limits": [],
        "method": "FromModel",
        "derivative": "forward",
        "seed": 0,
        "isotropy_version": "0.1.0",
        **change,
    }


@pytest.fixture
def stored(tmp_path):
    def write(**change):
        path = tmp_path / "symmetry.json"
        path.write_text(json.dumps(old(**change)))
        return iso.Symmetry.load(path)

    return write


def test_the_first_format_is_still_read(stored):
    found = stored()
    assert (found.status, found.name, found.columns, found.dim) == ("certified", "so(2)", ["u", "v"], 1)
    assert torch.equal(found.algebra.basis[0], torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64))
    assert found.uncertainty.tolist() == [[0.01, 0.02, 0.02, 0.01]]
    assert found.on(["v", "u"]).algebra.basis.tolist() == [[[0.0, -1.0], [1.0, 0.0]]]
    assert "read from format 1" in found.limits[-1]


def test_the_first_format_acts_as_its_candidates_did(stored):
    shifted = [[[0.0, 1.0, 0.0], [-1.0, 0.0, 2.0], [0.0, 0.0, 0.0]]]
    doubt = [[0.01] * 6]
    found = stored(candidates="aff(2)", basis=shifted, shape=[3, 3], blocks=[3], uncertainty=doubt)
    moved = found.action.fields(torch.zeros(1, 2, dtype=torch.float64))
    assert moved.tolist() == [[[0.0, 2.0]]]
    twice = stored(coordinates=["a", "b", "c", "d"])
    assert twice.action.size == 4


def test_the_first_format_is_refused_where_it_forgot_the_action(stored):
    with pytest.raises(DataError, match="run the discovery again to write format 2"):
        stored(method="LaLiGAN")
    with pytest.raises(DataError, match="run the discovery again to write format 2"):
        stored(blocks=[1, 1])
