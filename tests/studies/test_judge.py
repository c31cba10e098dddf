"""The judge set of the study of claims: apart from what was tuned on, and able to run; it is not run here."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from studies.claims import families as tuned
from studies.claims import symcert
from studies.claims.judge import count, run, table, truth
from studies.claims.judge import plan as planned
from studies.claims.judge.answers import TOLERANCE
from studies.claims.judge.asks import flows, problem
from studies.claims.judge.families import densities, draws, equations, fields, laws, maps, mechanics, planted, surfaces
from studies.claims.judge.question import REHEARSAL, SEED, Run, cell_of
from studies.claims.judge.roads import GAMES, ROADS, from_samples

import isotropy as iso

REHEARSED = ["FromModel|exact|rings|latin|", "FromPoints|broken|cup|itself|0|0.003|400|"]


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
    here = {*maps.MAPS, *planted.PLANTED, *fields.NOTHING, *fields.PLANTED}
    assert not here & {*tuned.MAPS, *tuned.PLANTED, *symcert.SYSTEMS}
    assert not {*laws.LAWS} & {*tuned.LAWS}


def test_no_file_takes_anything_from_tune():
    paths = sorted(Path(run.__file__).parent.rglob("*.py"))
    assert len(paths) > 20
    for path in paths:
        within = ["judge", *path.relative_to(Path(run.__file__).parent).parts[:-1]]
        for line in path.read_text(encoding="utf-8").splitlines():
            dots = len(line.removeprefix("from ")) - len(line.removeprefix("from ").lstrip("."))
            if line.startswith("from .") and dots > len(within):
                assert dots == len(within) + 2 and ".calibration." in line


def test_seeds_are_not_those_of_tune_or_of_a_rehearsal():
    assert len({SEED, REHEARSAL, b"tune"}) == 3
    one = Run("FromModel", "nothing", "attention", "latin", 2)
    assert one.draw().normal() != one.draw(rehearsal=True).normal()
    assert one.draw().normal() == one.draw().normal()


# -- what is planned ---------------------------------------------------------------------------------------------------


def test_plan_is_as_large_as_promised(wanted):
    assert len({one.key for one in wanted}) == len(wanted) >= 3000
    assert sum(from_samples(one.road, one.variant) for one in wanted) >= 900
    assert {one.road for one in wanted} == set(ROADS)
    assert {one.part for one in wanted} == {"nothing", "exact", "broken"}
    assert {one.broken for one in wanted if one.part == "broken"} == set(planted.BREAKS)
    assert all((one.part == "broken") == (one.broken > 0) for one in wanted)


def test_cells_are_large_enough_to_show_one_in_twenty(wanted):
    sizes = Counter(one.cell for one in wanted if one.road not in GAMES)
    assert min(sizes.values()) >= 20 and 120 <= len(sizes) <= 190
    assert all(cell_of(asdict(one)) == one.cell for one in wanted)


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
@pytest.mark.parametrize("law", ["latin", "crust", "si units", "timestamp"])
def test_the_planted_algebra_is_all_that_is_kept(name, law):
    one = Run("", "exact", name, law)
    draw = one.draw(True)
    case = problem.problem(one, draw)
    parts = case.parts(case.sample(draw, 800))
    kept, silent = truth.defects(truth.forms(parts)), truth.silent(parts, case.planted)
    size, all_silent = len(case.planted) - silent, case.planted.shape[1] - len(kept)
    assert all_silent == silent and kept[size - 1] < 1e-9 and kept[size] > 1e-3


@pytest.mark.parametrize("name", planted.PLANTED)
def test_a_break_breaks_what_is_planted_by_as_much(name):
    """No motion that a map ignores is broken by as much as chance, however small the break is."""
    found = []
    for size in (0.003, 0.03):
        one = Run("", "broken", name, "latin", broken=size)
        draw = one.draw(True)
        case = problem.problem(one, draw)
        found.append(truth.worst(case.parts(case.sample(draw, 800)), case.planted))
    assert 1e-4 < found[0] < 0.02 and found[0] < found[1] < 0.2


@pytest.mark.parametrize("name", fields.PLANTED)
def test_the_planted_motions_are_all_that_a_field_keeps(name):
    draw = Run("", "exact", name).draw(True)
    system, change = fields.make(draw, "exact", name, 0.0)
    action = iso.gl(system.size).vector()
    x = laws.LAWS["latin"](draw, system.size).sample(draw, 800) @ change.T
    parts = problem.map_parts(system.field, x, action, action.tangent(), (system.size,))
    kept, size = truth.defects(truth.forms(parts)), len(system.generators)
    assert truth.worst(parts, flows.planted_in(action, system.generators)) < 1e-9
    assert kept[size - 1] < 1e-9 and kept[size] > 1e-3


@pytest.mark.parametrize("name", mechanics.MOTIONS)
def test_what_a_motion_conserves_is_all_that_it_does(name):
    draw = Run("", "exact", name).draw(True)
    moving, change = mechanics.motion(draw, name, 0.0)
    x = laws.LAWS["latin"](draw, moving.size).sample(draw, 800) @ change.T
    dictionary = iso.dictionary.polynomials(moving.size, degree=moving.degree)
    rates = torch.einsum("sdn,sn->sd", dictionary.jacobian(x), moving.field(x))
    wanted = mechanics.in_dictionary(moving, dictionary, x)
    sizes = rates.square().mean(0).sqrt().clamp_min(1e-300)
    values = torch.linalg.svdvals(rates[:, sizes > 1e-200] / sizes[sizes > 1e-200])
    assert ((rates @ wanted.T).abs() / (rates.abs() @ wanted.abs().T)).amax() < 1e-9
    assert int((values < 1e-9 * values[0]).sum()) == len(wanted)


@pytest.mark.parametrize("name", surfaces.SURFACES["planted"])
def test_the_planted_motions_are_all_that_a_surface_keeps(name):
    draw = Run("", "exact", name).draw(True)
    made = surfaces.surface(draw, name, 0.0)
    z = made.sample(draw, 800)
    fields_ = iso.gl(made.size).vector().fields(z)
    values = torch.linalg.svdvals(torch.einsum("sn,sdn->sd", made.normals(z), fields_))
    rank = made.size**2 - len(made.generators)
    assert int((values > 1e-9 * values[0]).sum()) == rank
    moved = torch.einsum("sn,kni,si->sk", made.normals(z), made.generators, z)
    assert torch.linalg.matrix_rank(made.generators.flatten(1)) == len(made.generators) and moved.abs().amax() < 1e-8


@pytest.mark.parametrize("name", equations.EQUATIONS["planted"])
def test_an_equation_is_kept_by_what_is_planted_and_nothing_else(name):
    draw = Run("", "exact", name).draw(True)
    one = equations.Equation(name, draw, 0.0)
    z = one.sample(laws.LAWS["latin"](draw, len(one.names)), draw, 800)
    rates = torch.einsum("smn,sdn->sd", draws.jacobian(one, z)[1], one.action.fields(z))
    values = torch.linalg.svdvals(rates)
    assert (rates @ one.planted.T).abs().amax() < 1e-9
    assert int((values > 1e-9 * values[0]).sum()) == rates.shape[1] - len(one.planted)


def test_densities_and_their_samples_agree():
    """Whatever is drawn from a density has ``E[score . x] = -n``, by parts."""
    for name in (*densities.DENSITIES["nothing"], *densities.DENSITIES["planted"]):
        draw = Run("", "exact", name).draw(True)
        one = densities.density(draw, name, 0.0 if name in densities.DENSITIES["nothing"] else 0.3)
        z = one.sample(draw, 20000)
        assert float((one.score(z) * z).sum(1).mean()) == pytest.approx(-one.size, rel=0.1)


def test_truth_is_what_the_definition_says():
    """Of ``x^2 + e y`` a turn changes by ``e x - 2 x y``; pairs at random by all products of slopes and motions."""
    x = torch.randn(4000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    G, e = iso.so(2), 0.3
    parts = problem.map_parts(lambda x: x[:, 0] ** 2 + e * x[:, 1], x, G.vector(), G.scalar(), (1,))
    a, b = x.T
    chance = 4 * a.square().mean() * b.square().mean() + e * e * a.square().mean() - 4 * e * a.mean() * (a * b).mean()
    expected = (e * a - 2 * a * b).square().mean() / chance
    assert truth.worst(parts, torch.ones(1, 1, dtype=torch.float64)) == pytest.approx(float(expected.sqrt()))
    assert truth.quiet(parts, 1)[0] == pytest.approx(
        float((e * a - 2 * a * b).square().mean().sqrt() / parts.values.std() / 2**0.5), rel=0.02
    )


def test_what_gets_no_response_changes_no_other_member_of_a_span():
    """Of ``x^2 + sin y`` with a third column that is not used, and with one that is used a little."""
    x = torch.randn(4000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    G = iso.gl(3)
    span = torch.zeros(2, 9, dtype=torch.float64)
    span[0, 1], span[0, 3], span[1, 6] = -1.0, 1.0, 1.0  # a turn, and z moved by x
    for share in (0.0, 1e-4):
        parts = problem.map_parts(
            lambda x, share=share: x[:, 0] ** 2 + x[:, 1].sin() + share * x[:, 2].cos(), x, G.vector(), G.scalar(), (1,)
        )
        alone, both = truth.worst(parts, span[:1]), truth.worst(parts, span)
        assert truth.silent(parts, span) == (0 if share else 1)
        assert (truth.worst(parts, span[1:]) is None) == (share == 0)
        assert both == pytest.approx(alone, rel=1e-6) if share == 0 else both >= max(0.9, alone)
        value, error = truth.quiet(parts, 3)  # the third column moved by any of the three
        assert error <= 0.1 * value and (value < 1e-12 if share == 0 else 0.1 * share < value < 2 * share)


def test_parts_of_trajectories_are_whole_ones():
    paths = torch.arange(16.0)[:, None, None].expand(16, 5, 2)
    rows = truth.by_paths(paths)
    assert rows.shape == (80, 2) and set(rows[3 :: truth.PARTS, 0].tolist()) == {3.0, 11.0}
    with pytest.raises(ValueError, match="expected a multiple of 8 trajectories, received 12"):
        truth.by_paths(paths[:12])


def test_truth_sees_no_units():
    x = torch.randn(2000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    f, scale = maps.MAPS["attention"](Run("", "", "attention").draw(True), 3), draws.tensor([1e-6, 1.0, 1e6])
    G = iso.gl(3)
    plain = problem.map_parts(f, x, G.vector(), G.scalar(), (1,))
    scaled = problem.map_parts(lambda x: f(x / scale), x * scale, G.vector(), G.scalar(), (1,))
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
    line = run.answer(Run("FromModel", "nothing", "no such family", "latin", 2), rehearsal=True)
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
        "key": f"{status}{true}{more}", "commit": "0" * 40, "rehearsal": False, "seconds": 1.0, "set": SEED.decode(),
        "road": "FromModel", "part": "broken", "family": "rings", "law": "latin", "variant": "-", "status": status,
        "dimension": 1, "numbers": [[0.02, 0.01, 0.04, "approximate", 0.1]], "spans": [[status, true, 0.001]],
        "single": [[true, 0.001]], "ignored": 0, "quiet": [None, 0.0], "planted": true, "planted_dimension": 1,
        "planted_silent": 0, "least": true,
    }  # fmt: skip
    return plain | more


def test_false_certificates_are_counted_beyond_the_error_of_the_truth():
    assert count.false(line(true=0.053)) and not count.false(line(true=0.0515)) and not count.false(line("none", 0.3))
    assert count.strictly_false(line(true=0.0515))
    told = line(ignored=1, quiet=[TOLERANCE + 0.01, 0.001])
    assert count.false(told) and count.overlooked(told)
    assert not count.false(line(ignored=1, quiet=[TOLERANCE + 0.001, 0.001]))


def test_intervals_cover_within_the_error_of_the_truth():
    assert count.covered(line(single=[[0.0419, 0.001]])) and not count.covered(line(single=[[0.0421, 0.001]]))
    assert count.covered(line(single=[[0.0081, 0.001]])) and not count.covered(line(single=[[0.0079, 0.001]]))


def test_planted_motions_that_are_ignored_may_be_counted_apart():
    ignoring = {"planted_dimension": 4, "planted_silent": 3}
    assert count.found(line(**ignoring, ignored=3)) and not count.found(line(**ignoring, ignored=2))
    assert count.found(line(**ignoring, dimension=4)) and count.missed(line(**ignoring, ignored=2))


def test_exact_is_wrong_above_the_floor_of_the_arithmetic():
    exact = {"numbers": [[0.0, 0.0, 1e-9, "exact", 0.0]]}
    assert count.called_exact(line(true=2e-5, **exact)) and not count.called_exact(line(true=0.9e-5, **exact))
    assert not count.called_exact(line(true=2e-5, part="exact", **exact))
    assert count.called_exact(line(true=2e-5, part="exact", **exact) | {"planted": 1e-6})


def test_table_counts_lines(tmp_path):
    some = [
        line(true=0.02), line(true=0.2), line("none", 0.02), line("undecided", 0.3),
        line(true=0.0, part="exact", numbers=[[0.0, 0.0, 1e-15, "exact", 0.0]]),
        {name: value for name, value in line(part="exact").items() if name in (
            "key", "commit", "set", "rehearsal", "seconds", "road", "part", "family", "law", "variant"
        )} | {"error": "E: x"},
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
    assert summary["cells"]["above"] == [["FromModel", "", "rings", "latin", 1, 5]]
    assert [entry[:2] for entry in summary["roads"]] == [["FromModel", "broken"], ["FromModel", "exact"]]
    text = paths[1].read_text()
    assert "1 of them ended in an error (1 E)" in text and "| cells above 5 % | 0 | 1 of 1 | **missed** |" in text


def test_table_refuses_lines_of_another_set(tmp_path):
    (tmp_path / "runs.jsonl").write_text(json.dumps(line(set="judge 2026-12")) + "\n")
    with pytest.raises(SystemExit, match="received some of another set"):
        table.main([str(tmp_path)])


# -- what was found: from the lines of the set once it has been asked, in studies/claims/judge/results -----------------

LINES = table.RESULTS.parent / "results"
KEPT = {key: one for path in LINES.glob("*.jsonl") for key, one in run.read(path).items()}
asked = pytest.mark.skipif(
    not any(one.get("set") == SEED.decode() for one in KEPT.values()), reason=f"{SEED.decode()} has not been asked yet"
)


@asked
def test_every_run_was_asked_at_a_commit(wanted):
    assert {one.key for one in wanted} == set(KEPT)
    assert not any(one["commit"].endswith("-dirty") or one["rehearsal"] for one in KEPT.values())


@asked
def test_the_page_is_that_of_the_lines(tmp_path):
    table.main([str(LINES), "--results", str(tmp_path / "r.json"), "--page", str(tmp_path / "p.md")])
    assert (tmp_path / "p.md").read_text() == table.PAGE.read_text()
    assert (tmp_path / "r.json").read_text() == table.RESULTS.read_text()


@asked
@pytest.mark.parametrize("road", ["FromModel", "FromDynamics.fit_field", "FromEquations", "ConservedQuantities.fit"])
@pytest.mark.parametrize("part", ["nothing", "exact", "broken"])
def test_lines_are_what_is_answered_now(wanted, road, part):
    one = next(r for r in wanted if (r.road, r.part) == (road, part))
    again = run.answer(one)
    assert [again[name] for name in ("status", "dimension")] == [
        KEPT[one.key][name] for name in ("status", "dimension")
    ]
