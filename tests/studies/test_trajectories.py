"""The study of noisy trajectories: its tracks, its truth, and its lines, some of which are asked again."""

import json

import pytest
import torch
from studies.claims import trajectories, trajectories_table
from studies.claims.symcert import SYSTEMS, box

import isotropy as iso


def by_key(name):
    return {line["key"]: line for line in trajectories_table.lines_of(trajectories.RESULTS) if name in line["key"]}


def test_tracks_are_those_of_the_field_and_stay_in_the_box():
    run = trajectories.Run("Hopf", "states", 0.01, 10000)
    paths, seen = trajectories.draw(run)
    for path, noisy in zip(paths, seen, strict=True):
        assert trajectories.SHORTEST <= len(path) <= 200 and float(path.abs().amax()) <= 1
        assert float((noisy - path).std()) == pytest.approx(
            0.01 * float(torch.cat(paths).square().mean().sqrt()), rel=0.3
        )
        radius, angle = path.norm(dim=1), torch.atan2(path[:, 1], path[:, 0])
        times = trajectories.STEP * torch.arange(len(path), dtype=torch.float64)
        torch.testing.assert_close(
            radius, (1 + (1 / radius[0] ** 2 - 1) * torch.exp(-2 * times)).rsqrt(), atol=1e-9, rtol=0
        )
        torch.testing.assert_close((angle - angle[0] - times).cos(), torch.ones_like(times), atol=1e-9, rtol=0)


def test_truth_knows_turns_and_their_breaking():
    candidates = iso.aff(2).basis.flatten(1)
    turn = torch.linalg.lstsq(candidates.T, _turn().flatten()[:, None]).solution.T
    points = box(2, 1.0)
    assert trajectories.true_defect(SYSTEMS["Hopf"], turn, *points) < 1e-7
    assert trajectories.true_defect(SYSTEMS["Van der Pol"], turn, *points) > 0.3
    assert trajectories.true_defect(SYSTEMS["Hopf"], torch.eye(6, dtype=torch.float64)[:1], *points) > 0.3
    assert trajectories.true_defect(SYSTEMS["Hopf"], turn[:0], *points) == 0.0


def _turn():
    turn = torch.zeros(3, 3, dtype=torch.float64)
    turn[0, 1], turn[1, 0] = -1.0, 1.0
    return turn


@pytest.mark.parametrize("system", trajectories.NAMES)
def test_lines_of_the_study_are_what_is_answered_today(system):
    key = f"{system}|states|0.05|0"
    stored = by_key(key)[key]
    again = trajectories.answer(trajectories.Run(system, "states", 0.05, 0))
    for name in ("status", "dimension", "states", "tracks", "false", "detected"):
        assert again[name] == stored[name]
    assert again["upper"] == pytest.approx(stored["upper"], rel=1e-3)
    assert again["defect"] == pytest.approx(stored["defect"], rel=1e-3, abs=1e-6)


def test_the_page_is_that_of_the_lines(tmp_path):
    trajectories_table.write_page(trajectories.RESULTS, tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text() == trajectories_table.PAGE.read_text()


def test_turns_are_found_where_they_were_asked_to_be():
    """At SymCert's noise of 0.01 and 0.05, and at 1 % of the states, most turns are found, and no claim is false."""
    lines = trajectories_table.lines_of(trajectories.RESULTS)
    assert not any(line["false"] for line in lines)
    for scale, noise in (("step", 0.01), ("step", 0.05), ("states", 0.01)):
        asked = [x for x in lines if (x["system"], x["scale"], x["noise"]) == ("Hopf", scale, noise)]
        assert len(asked) >= 50
        assert sum(line["detected"] for line in asked) >= 0.5 * len(asked)


def test_runs_are_shared_and_resumed(tmp_path):
    arguments = ["--out", str(tmp_path), "--runs", "1", "--first-seed", "10000", "--only", "Duffing|step"]
    assert trajectories.main([*arguments, "--shard", "0/2"]) == 0
    assert trajectories.main([*arguments, "--shard", "1/2"]) == 0
    lines = [json.loads(line) for path in sorted(tmp_path.glob("*.jsonl")) for line in path.read_text().splitlines()]
    assert [line["status"] for line in lines] == ["none", "none"]
    assert trajectories.main(arguments) == 0
    assert not (tmp_path / "trajectories_0_1.jsonl").exists()
