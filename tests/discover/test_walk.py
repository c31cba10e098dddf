"""How samples walk through a discovery: docs/how_a_discovery_runs.md tells it, and this follows them."""

import re
import runpy
from pathlib import Path

import pytest
import torch

import isotropy as iso
from walking import walk

PAGE = Path(__file__).parents[2] / "docs" / "how_a_discovery_runs.md"
# Functions that are asked for their value at points, and checks: they answer at once and hand nothing on.
ASKED = ("core.", "action.", "actions.", "discover.surrogate._cross_fit")


@pytest.fixture(scope="module")
def doors():
    x = torch.randn(40, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    scalar = iso.gl(2).scalar()
    road = iso.discover.FromData(iso.gl(2).vector(), scalar, kinds=["polynomial"])
    return walk(x, lambda: road.fit(x, x.square().sum(1)))


def test_samples_are_handed_through_few_modules_and_never_to_and_fro(doors):
    stations = {module: callers for module, callers in doors.items() if not module.startswith(ASKED)}
    claim = [module for module in stations if module.startswith("symmetry.learnt.")]
    assert len(claim) <= 5 and len(stations) - len(claim) <= 12  # the room that draws the limits, and the way through
    assert {module: callers for module, callers in stations.items() if len(callers) > 2} == {}
    assert len(doors) <= 22  # with what is only asked


def test_the_picture_of_the_rooms_is_the_one_that_the_rows_give():
    drawn = runpy.run_path(str(PAGE.parent / "draw_rooms.py"))
    assert drawn["PICTURE"].read_text(encoding="utf-8") == drawn["draw"]()


def test_the_page_tells_the_walk_as_it_is(doors):
    stations = [module for module in doors if not module.startswith(ASKED)]
    told = re.findall(r"^\| \d+ \| `([\w.]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert told == stations
