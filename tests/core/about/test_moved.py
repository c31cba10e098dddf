"""Names that moved: the old place still answers, warns, and gives the very same object."""

import pytest

import isotropy as iso
from isotropy.core.about._moved import moved


@pytest.mark.parametrize("name", ["Booth", "Landscape", "PlanarLandscape", "Quadratic", "Rosenbrock"])
def test_landscapes_answer_at_their_former_place(name):
    with pytest.warns(DeprecationWarning, match=rf"expected isotropy\.datasets\.{name}, received its former place"):
        found = getattr(iso.parameters, name)
    assert found is getattr(iso.datasets, name)


def test_the_warning_points_at_who_asked():
    with pytest.warns(DeprecationWarning) as caught:
        _ = iso.parameters.Booth
    assert caught[0].filename == __file__


def test_the_page_shows_only_what_is_there():
    assert not {"moved", "Booth"} & set(dir(iso.parameters))


def test_other_names_are_missing_as_usual():
    with pytest.raises(AttributeError, match=r"module 'isotropy\.parameters' has no attribute 'Boothh'"):
        _ = iso.parameters.Boothh
    with pytest.warns(DeprecationWarning):
        assert moved("page", {"old": "math.pi"})("old") > 3
