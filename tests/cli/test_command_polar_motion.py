"""What the commands say of the Earth's pole: the wobble turns evenly, the untreated record does not."""

import json

import numpy as np
import torch

import isotropy as iso


def test_equations_turn_in_chandlers_period_with_a_doubt(command):
    done = command("equations", "example:polar_motion", "--json")
    answer = json.loads(done.out)
    assert done.code == 1 and answer["status"] == "undecided"
    assert answer["symmetry"]["chosen"] == "so(2)" and answer["free_parameters"] == 1
    rates = np.array(answer["coefficients"])
    assert 430 < 2 * np.pi * 365.25 / rates[0, 2] < 436
    np.testing.assert_allclose(rates[:, [0, 3, 4, 5]], 0, atol=1e-12)
    assert len(answer["doubts"]) == 1 and "1 of 12 simulations leave their trajectory" in answer["doubts"][0]


def test_discovery_finds_what_a_linear_turn_keeps_and_says_how_well(command):
    """Fourteen stretches do not tell that it is kept to 5 %, but that it is to 20 %."""
    strict = json.loads(command("discover", "example:polar_motion", "--json").out)
    assert (strict["status"], strict["name"]) == ("undecided", "so(2)")
    assert strict["generators"][0]["lower"] == 0.0 < 0.05 < strict["generators"][0]["upper"] < 0.2
    done = command("discover", "example:polar_motion", "--tolerance", "0.2", "--json")
    answer = json.loads(done.out)
    expected = iso.datasets.load("polar_motion").expected
    assert done.code == 0 and (answer["status"], answer["dimension"]) == ("certified", expected.dimension)
    turned = iso.LieAlgebra(torch.tensor(answer["basis"], dtype=torch.float64))
    commuting = torch.tensor([[[0.0, -1.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]], dtype=torch.float64)
    assert turned.distance(iso.LieAlgebra(commuting)) < 0.02


def test_discovery_certifies_nothing_in_the_untreated_record(command):
    done = command("discover", iso.datasets.path("polar_motion"), "--time", "mjd", "--state", "x,y", "--json")
    answer = json.loads(done.out)
    assert answer["status"] in ("none", "undecided") and answer["dimension"] == 0
