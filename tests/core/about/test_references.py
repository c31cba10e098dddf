"""Citations: exactly the papers behind what was used, and every key has its entry."""

import inspect
import pkgutil
import re
from importlib import import_module

import pytest
import torch

import isotropy as iso
from isotropy.core.about._references import _entries, reference_keys
from isotropy.errors import DataError


def keys(text):
    return re.findall(r"^@\w+\{(\w+),$", text, re.MULTILINE)


def test_cite_gives_exactly_the_papers_used():
    assert keys(iso.cite(iso.discover.FromNoether)) == ["noether1918"]
    assert keys(iso.cite(iso.discover.FromNoether, iso.discover.FromModel)) == ["noether1918", "otto2023unified"]
    assert keys(iso.cite(iso.discover.FromModel, iso.LieDerivative)) == ["otto2023unified"]
    assert iso.cite() == iso.cite(iso.LieAlgebra) == ""
    assert "Invariante Variationsprobleme" in iso.cite(iso.discover.FromNoether)
    assert "235--257" in iso.cite(iso.discover.FromNoether)


def test_instances_and_subclasses_count_as_their_class():
    class Mine(iso.discover.FromNoether):
        """Without references of its own."""

    road = iso.discover.FromModel(iso.gl(2).vector(), iso.gl(2).scalar()).fit(lambda x: x[:, 0], torch.randn(30, 2))
    assert keys(iso.cite(road)) == ["otto2023unified"]
    assert keys(iso.cite(Mine, Mine(iso.so(2).vector()))) == ["noether1918"]


@pytest.mark.parametrize("stranger", [3, "otto2023unified", torch.nn.Linear(2, 2), print])
def test_strangers_are_refused(stranger):
    with pytest.raises(DataError, match="of isotropy, received"):
        iso.cite(stranger)


def test_every_key_has_an_entry_and_every_road_a_key():
    modules = [
        import_module(m.name) for m in pkgutil.walk_packages(iso.__path__, "isotropy.") if "__main__" not in m.name
    ]
    things = [
        thing
        for module in modules
        for thing in vars(module).values()
        if (inspect.isclass(thing) or inspect.isfunction(thing)) and thing.__module__ == module.__name__
    ]
    named = {key for thing in things for key in reference_keys(thing)}
    assert named <= set(_entries())
    assert {"otto2023unified", "noether1918"} <= named
    roads = [thing for name, thing in vars(iso.discover).items() if name.startswith("From")]
    assert all(reference_keys(road) for road in [*roads, iso.discover.ConservedQuantities])


def test_a_section_holds_keys_alone():
    """A key with a typing error would otherwise drop out of the section unseen."""
    for road in vars(iso.discover).values():
        text = inspect.cleandoc(getattr(road, "__doc__", "") or "")
        if "References\n---" in text:
            section = text.split("References\n")[1].split("\n\n")[0].splitlines()[1:]
            assert section == reference_keys(road)


def test_every_entry_is_whole():
    for key, entry in _entries().items():
        assert entry.count("{") == entry.count("}"), key
        for field in ("title", "year"):
            assert re.search(rf"^  {field} = \{{.+\}},$", entry, re.MULTILINE), (key, field)
