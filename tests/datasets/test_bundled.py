"""The bundled tables are what their script makes, and carry the physics that their docstrings claim."""

import sys

import numpy as np
import pytest
import torch
from studies.bundled_data.make_ephemeris import load_erfa, main, make_files

from isotropy.datasets import load, names, path, read_table
from isotropy.datasets.bundled._bundled import LOADERS
from isotropy.errors import DataError, MissingExtraError

ROTATIONS = np.array(
    [
        [[0, 0, 0], [0, 0, -1], [0, 1, 0]],
        [[0, 0, 1], [0, 0, 0], [-1, 0, 0]],
        [[0, -1, 0], [1, 0, 0], [0, 0, 0]],
    ]
).reshape(3, 9) / np.sqrt(2)
TRACELESS = np.linalg.svd(np.eye(3).reshape(1, 9))[2][1:]


def largest_angle(basis: np.ndarray) -> float:
    """Return the largest principal angle with so(3), in degrees."""
    return float(np.degrees(np.arccos(min(1.0, np.linalg.svd(basis @ ROTATIONS.T)[1][-1]))))


def test_script_makes_the_same_tables():
    pytest.importorskip("erfa")
    for name, content in make_files().items():
        stored = path(name.split(".")[0]).read_bytes()
        assert len(stored) < 400_000
        if name.endswith(".csv"):
            assert stored.splitlines()[:12] == content.splitlines()[:12]


def test_script_makes_the_same_numbers(tmp_path, monkeypatch):
    pytest.importorskip("erfa")
    monkeypatch.setattr(sys, "argv", ["make_ephemeris", "--out", str(tmp_path)])
    main()
    for name in ("planets", "moon", "stars"):
        made, stored = read_table(tmp_path / path(name).name), read_table(path(name))
        assert made.names == stored.names
        numbers = [column for column in made.names if made.columns[column].dtype.kind == "f"]
        np.testing.assert_allclose(made.select(numbers), stored.select(numbers), rtol=1e-10, atol=1e-12)


def test_script_wants_an_existing_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["make_ephemeris", "--out", str(tmp_path / "none")])
    with pytest.raises(DataError, match="an existing folder for --out"):
        main()


def test_every_loader_has_its_entry_in_the_table():
    assert tuple(LOADERS) == names()


def test_missing_erfa_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "erfa", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'isotropy\[astronomy\]'"):
        load_erfa()


@pytest.mark.parametrize("name", names())
def test_every_name_loads(name):
    problem = load(name)
    assert problem.name == name
    parts = problem.data.states if problem.kind in ("dynamics", "mechanics") else (problem.data.x, problem.data.y)
    assert all(part.dtype == torch.float64 and torch.isfinite(part).all() for part in parts)


@pytest.mark.parametrize("ask", [load, path])
def test_unknown_name_lists_the_known_ones(ask):
    with pytest.raises(DataError, match=r"one of planets, moon, stars.*, received 'pluto'"):
        ask("pluto")


def test_digits_have_no_file():
    with pytest.raises(DataError, match="received 'digits'"):
        path("digits")
    assert load("digits").data.x.shape == (1797, 64)


def test_planets_determine_the_angular_momenta_in_sl3():
    blocks = []
    for state in load("planets").data.states:
        x, v = state.numpy()[:, :3], state.numpy()[:, 3:]
        moments = np.einsum("ni,nj->nij", x, v).reshape(-1, 9)
        moments -= moments.mean(0)
        blocks.append(moments @ TRACELESS.T / np.linalg.norm(moments))
    _, values, rows = np.linalg.svd(np.concatenate(blocks))
    assert values[4] / values[5] > 50
    assert largest_angle(rows[-3:] @ TRACELESS) < 0.5


def test_planets_obey_the_third_law():
    data = load("planets").data
    for name, state, time in zip(data.labels, data.states, data.times, strict=True):
        x, v = state[:, :3], state[:, 3:]
        axis = 1 / (2 / x.norm(dim=1) - (v**2).sum(1) / (4 * np.pi**2))
        period = float(time[-1] - time[0]) / 3
        assert abs(float(axis.mean()) ** 1.5 / period - 1) < 0.01, name


def test_moon_points_to_rotations_in_sl3_but_not_in_gl3():
    data = load("moon").data
    x, a = (part.numpy() / np.sqrt((part.numpy() ** 2).mean()) for part in (data.x, data.y))
    powers = np.array([p for p in np.ndindex(4, 4, 4) if sum(p) <= 3])
    basis = np.prod(x[:, None, :] ** powers, axis=2)
    weights, *_ = np.linalg.lstsq(basis, a, rcond=None)
    fit = basis @ weights
    assert 0.005 < np.linalg.norm(fit - a) / np.linalg.norm(a) < 0.02
    lowered = [np.maximum(powers - unit, 0) for unit in np.eye(3, dtype=int)]
    slopes = [powers[:, k] * np.prod(x[:, None, :] ** low, axis=2) @ weights for k, low in enumerate(lowered)]
    slope = np.stack(slopes, 2)
    units = np.eye(9).reshape(9, 3, 3)
    columns = np.stack([(np.einsum("nij,nj->ni", slope, x @ u.T) - fit @ u.T).ravel() for u in units], 1)
    _, values, rows = np.linalg.svd(columns @ TRACELESS.T, full_matrices=False)
    assert values[4] / values[5] > 7
    assert largest_angle(rows[-3:] @ TRACELESS) < 6
    general = np.linalg.svd(columns, compute_uv=False)
    assert general[5] / general[6] < 2


def test_moon_acceleration_is_the_slope_of_its_velocity():
    table = read_table(path("moon"))
    time, v, a = table.select("time")[:, 0], table.select("vx,vy,vz"), table.select("ax,ay,az")
    near = np.flatnonzero(np.diff(time) < 0.2)
    mean = (a[near] + a[near + 1]) / 2 * (time[near + 1] - time[near])[:, None]
    step = v[near + 1] - v[near]
    assert len(near) > 50
    assert np.linalg.norm(step - mean) / np.linalg.norm(step) < 1e-3


def test_stars_turn_once_in_a_sidereal_day():
    data = load("stars").data
    starts, ends = (torch.stack([state[k] for state in data.states]) for k in (0, -1))
    left, _, right = torch.linalg.svd(ends.T @ starts)
    turn = left @ right
    assert (turn @ starts.T - ends.T).norm() < 1e-6
    angle = torch.atan2(turn[0, 1], turn[0, 0])
    assert abs(1 + float(angle) / (2 * np.pi) - 1.00273781) < 1e-7
    assert abs(float(turn[2, 2]) - 1) < 1e-9
    assert all(((state.norm(dim=1) - 1).abs() < 1e-11).all() for state in data.states)
