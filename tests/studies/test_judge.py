"""The judge set of the study of claims: apart from what was tuned on, and able to run; it is not run here."""

import json
from pathlib import Path

import pytest
import torch
from studies.claims import families, symcert
from studies.claims.judge import ask_flows, ask_maps, ask_shapes, count, draws, laws, maps, planted, run, table, truth
from studies.claims.judge import plan as planned
from studies.claims.judge.question import REHEARSAL, SEED, Run
from studies.claims.judge.roads import ROADS, from_samples

import isotropy as iso

REHEARSED = ["FromModel|exact|disc|ball|", "FromPoints|broken|circle|itself|0|0.003|400|"]


@pytest.fixture(autouse=True)
def threads():
    """The study sets one thread; give the others back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def wanted():
    return list(planned.runs())


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    """A folder with a few rehearsed runs."""
    folder = tmp_path_factory.mktemp("rehearsal")
    for only in REHEARSED:
        assert run.main(["--out", str(folder), "--only", only, "--limit", "1", "--rehearse"]) == 0
    return folder


def lines(folder):
    return list(run.read(folder / "runs.jsonl").values())


# -- apart from the other set ------------------------------------------------------------------------------------------


def test_families_and_laws_are_not_those_of_tune():
    here = {*maps.MAPS, *planted.PLANTED, *planned.FIELDS, *planned.KEPT_FIELDS}
    assert not here & {*families.MAPS, *families.PLANTED, *symcert.SYSTEMS}
    assert not {*laws.LAWS} & {*families.LAWS}


def test_no_file_takes_anything_from_tune():
    for path in Path(maps.__file__).parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "families import" not in text and "..run" not in text.replace("...calibration.run", "")


def test_seeds_are_not_those_of_tune_or_of_a_rehearsal():
    assert len({SEED, REHEARSAL, b"tune"}) == 3
    one = Run("FromModel", "nothing", "hill", "ball", 2)
    assert one.draw().normal() != one.draw(rehearsal=True).normal()
    assert one.draw().normal() == one.draw().normal()


# -- what is planned ---------------------------------------------------------------------------------------------------


def test_plan_is_as_large_as_promised(wanted):
    assert len({one.key for one in wanted}) == len(wanted) >= 3000
    assert sum(from_samples(one.road, one.variant) for one in wanted) >= 600
    assert {one.road for one in wanted} == set(ROADS)
    assert {one.part for one in wanted} == {"nothing", "exact", "broken"}
    assert {one.broken for one in wanted if one.part == "broken"} == set(planted.BREAKS)
    assert all((one.part == "broken") == (one.broken > 0) for one in wanted)


def test_shards_share_the_runs(wanted):
    parts = [{one.key for one in run.chosen_runs("", f"{i}/3", None)} for i in range(3)]
    assert set().union(*parts) == {one.key for one in wanted} and sum(map(len, parts)) == len(wanted)


def test_shards_that_are_none_are_refused():
    with pytest.raises(SystemExit, match="--shard: expected I/N with 0 <= I < N, received 2/2"):
        run.chosen_runs("", "2/2", None)


# -- what is true ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", maps.MAPS)
def test_maps_differ_from_draw_to_draw(name):
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    first, second = (maps.MAPS[name](Run("", "", name, seed=seed).draw(True), 3)(x) for seed in (0, 1))
    assert first.shape == (50,) and torch.isfinite(first).all() and not torch.allclose(first, second)


@pytest.mark.parametrize("name", planted.PLANTED)
@pytest.mark.parametrize("law", ["ball", "scales"])
def test_the_planted_algebra_is_all_that_is_kept(name, law):
    one = Run("", "exact", name, law)
    draw = one.draw(True)
    problem = ask_maps.problem(one, draw)
    kept = truth.defects(truth.forms(problem.parts(problem.sample(draw, 800))))
    size = len(problem.planted)
    assert kept[size - 1] < 1e-9 and kept[size] > 1e-3


@pytest.mark.parametrize("name", planned.KEPT_FIELDS)
def test_the_planted_motions_are_all_that_a_field_keeps(name):
    draw = Run("", "exact", name).draw(True)
    system, change = ask_flows.make(draw, "exact", name, 0.0)
    action = iso.gl(system.size).vector()
    x = laws.LAWS["ball"](draw, system.size).sample(draw, 800) @ change.T
    parts = ask_maps.map_parts(system.field, x, action, action.tangent(), (system.size,))
    kept = truth.defects(truth.forms(parts))
    assert kept[len(system.generators) - 1] < 1e-9 and kept[len(system.generators)] > 1e-3


def test_densities_and_their_samples_agree():
    """Whatever is drawn from a density has ``E[score . x] = -n``, by parts."""
    for name in ("spindle", "thin ball", "waves", "skew product"):
        draw = Run("", "exact", name).draw(True)
        one = ask_shapes.density(draw, name, 0.0)
        z = one.sample(draw, 20000)
        assert float((one.score(z) * z).sum(1).mean()) == pytest.approx(-one.size, rel=0.1)


def test_truth_is_what_the_definition_says():
    """Of ``x^2 + e y`` a turn changes by ``e x - 2 x y``; pairs at random by all products of slopes and motions."""
    x = torch.randn(4000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    G, e = iso.so(2), 0.3
    parts = ask_maps.map_parts(lambda x: x[:, 0] ** 2 + e * x[:, 1], x, G.vector(), G.scalar(), (1,))
    a, b = x.T
    chance = 4 * a.square().mean() * b.square().mean() + e * e * a.square().mean() - 4 * e * a.mean() * (a * b).mean()
    expected = (e * a - 2 * a * b).square().mean() / chance
    assert truth.worst(parts, torch.ones(1, 1, dtype=torch.float64)) == pytest.approx(float(expected.sqrt()))
    assert truth.effect(parts, torch.ones(1, 1, dtype=torch.float64)) == pytest.approx(
        float((e * a - 2 * a * b).square().mean().sqrt() / parts.values.std() / 2**0.5), rel=0.02
    )


def test_truth_sees_no_units():
    x = torch.randn(2000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    f, scale = maps.MAPS["hill"](Run("", "", "hill").draw(True), 3), draws.tensor([1e-6, 1.0, 1e6])
    G = iso.gl(3)
    plain = ask_maps.map_parts(f, x, G.vector(), G.scalar(), (1,))
    scaled = ask_maps.map_parts(lambda x: f(x / scale), x * scale, G.vector(), G.scalar(), (1,))
    assert torch.allclose(*(truth.defects(truth.forms(parts)) for parts in (plain, scaled)), rtol=1e-6, atol=1e-9)


# -- the runner and the table ------------------------------------------------------------------------------------------


def test_runner_writes_whole_lines_and_skips_finished_runs(rehearsed):
    before = (rehearsed / "runs.jsonl").read_text()
    assert run.main(["--out", str(rehearsed), "--only", REHEARSED[0], "--limit", "1", "--rehearse"]) == 0
    assert (rehearsed / "runs.jsonl").read_text() == before
    found = lines(rehearsed)
    assert len(found) == len(REHEARSED)
    for line in found:
        assert "error" not in line and line["rehearsal"] and len(line["commit"].split("-")[0]) == 40
        assert len(line["numbers"]) == len(line["single"]) == line["dimension"]


def test_errors_are_lines_of_their_own():
    line = run.answer(Run("FromModel", "nothing", "no such family", "ball", 2), rehearsal=True)
    assert line["error"] == "KeyError: 'no such family'"


def test_a_folder_that_is_no_checkout_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(run, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="expected a checkout of the repository"):
        run.commit()


def test_table_refuses_a_rehearsal(rehearsed):
    with pytest.raises(SystemExit, match="received some of a rehearsal"):
        table.main([str(rehearsed)])


def line(status="certified", true=0.0, **more):
    """One line by hand: a broken symmetry of one generator whose interval is 0.01 to 0.04."""
    plain = {
        "key": f"{status}{true}{more}", "commit": "0" * 40, "rehearsal": False, "seconds": 1.0, "road": "FromModel",
        "part": "broken", "family": "disc", "law": "ball", "variant": "-", "status": status, "dimension": 1,
        "numbers": [[0.02, 0.01, 0.04, "approximate", 0.1]], "spans": [[status, true, 0.001, None]], "single": [true],
        "ignored": 0, "without_effect": 0, "planted": true, "planted_dimension": 1, "least": true,
    }  # fmt: skip
    return plain | more


def test_false_certificates_are_counted_beyond_the_error_of_the_truth():
    assert count.false(line(true=0.053)) and not count.false(line(true=0.0515)) and not count.false(line("none", 0.3))
    assert count.strictly_false(line(true=0.0515))
    assert count.false(line(spans=[["certified", None, 0.0, 0.06]])) and count.false(line(ignored=1))


def test_table_counts_lines(tmp_path):
    some = [
        line(true=0.02), line(true=0.2), line("none", 0.02), line("undecided", 0.3),
        line(true=0.0, part="exact", numbers=[[0.0, 0.0, 1e-15, "exact", 0.0]]),
        {name: value for name, value in line(part="exact").items() if name in (
            "key", "commit", "rehearsal", "seconds", "road", "part", "family", "law", "variant")} | {"error": "E: x"},
    ]  # fmt: skip
    (tmp_path / "runs.jsonl").write_text("".join(json.dumps(one) + "\n" for one in some))
    paths = [tmp_path / "results.json", tmp_path / "page.md"]
    assert table.main([str(tmp_path), "--results", str(paths[0]), "--page", str(paths[1])]) == 0
    summary = json.loads(paths[0].read_text())
    assert summary["whole"]["false certificates"] == [1, 5]
    assert summary["whole"]["planted exact, from maps: certified, dimension right"] == [1, 2]
    assert summary["whole"]["broken: the interval of the worst generator covers"] == [2, 4]
    assert summary["whole"]["missed below half the tolerance, from maps"] == [1, 3]
    assert summary["whole"]["none, although something is within half the tolerance"] == [1, 1]
    assert summary["cells"]["above"] == [["disc", "ball", 1, 5, ["FromModel"]]]
    assert "1 of them ended in an error (1 E)" in paths[1].read_text()


LINES = table.RESULTS.parent / "results"


def test_the_page_is_that_of_the_lines(tmp_path):
    table.main([str(LINES), "--results", str(tmp_path / "r.json"), "--page", str(tmp_path / "p.md")])
    assert (tmp_path / "p.md").read_text() == table.PAGE.read_text()
    assert (tmp_path / "r.json").read_text() == table.RESULTS.read_text()


def test_lines_about_maps_are_what_is_answered_now():
    """One run of every part, asked again."""
    kept = run.read(LINES / "judge_0_1.jsonl")
    for part in ("nothing", "exact", "broken"):
        one = next(r for r in planned.runs() if (r.road, r.part) == ("FromModel", part))
        again = run.answer(one)
        assert [again[name] for name in ("status", "dimension")] == [
            kept[one.key][name] for name in ("status", "dimension")
        ]
