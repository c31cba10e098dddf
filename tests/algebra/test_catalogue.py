"""Reading algebras by name."""

import pytest
import torch

import isotropy as iso
from isotropy.errors import DataError

NAMES = ["gl(3)", "so(3)", "so(1,3)", "sp(4)", "u(2)", "su(3)", "translation(2)", "se(3)", "similarity(2)"]
NAMES += ["aff(2)", "galilei(3)", "scaling(2)", "diagonal(4)", "sl(2)"]


@pytest.mark.parametrize("name", NAMES)
def test_names_read_back(name):
    assert iso.named(name).name == name


def test_named_equals_the_function():
    assert torch.equal(iso.named("so(1,3)").basis, iso.lorentz().basis)
    assert torch.equal(iso.named("so(1, 3)").basis, iso.so(1, 3).basis)


def test_direct_sums_by_name():
    total = iso.named("gl(3) + scaling(1)+so(2)")
    assert (total.name, total.dim, total.blocks) == ("gl(3)+scaling(1)+so(2)", 11, (3, 1, 2))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("xy(3)", "known families: gl"),
        ("gl", "expected the name"),
        ("gl(3", "expected the name"),
        ("gl(-1)", "expected the name"),
        ("", "expected the name"),
        ("gl(3)+", "expected the name"),
        ("gl(2,3)", "only so"),
        ("so(1,2,3)", "expected the name"),
        ("o(3)", "expected the name"),
        ("gl(0)", "at least 1, received 0"),
        ("so(1)", "at least 2, received 1"),
        ("sl(1)", "at least 2"),
        ("sp(3)", "even size"),
    ],
)
def test_names_that_cannot_be_read(text, message):
    with pytest.raises(DataError, match=message):
        iso.named(text)
