"""Adversarial discovery: small games find what is there, and say what they cannot know."""

import json
import math
import os
import subprocess
import sys

import pytest
import torch

import isotropy as iso
from found import with_status
from isotropy import datasets
from isotropy.core._linalg import principal_angles
from isotropy.discover import LieGAN
from isotropy.discover.games._adversary import Plan
from isotropy.errors import DataError, MissingExtraError, RepresentationMismatchError
from isotropy.testing import assert_estimator

pytest.importorskip("lightning_fabric", reason="games are trained on lightning-fabric: isotropy[train]")
TINY = Plan(epochs=2, steps=4)
SHORT = Plan(epochs=6, steps=50)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def swirl(count=300, seed=0):
    """An equivariant map of the plane, in any basis of rotations."""
    x = randn(count, 2, seed=seed)
    radius = x.norm(dim=1, keepdim=True)
    return x, torch.cat([x[:, :1] - radius * x[:, 1:], x[:, 1:] + radius * x[:, :1]], dim=1)


def game(**options):
    V = iso.gl(2).vector()
    return LieGAN(
        V, V, **{"plan": TINY, "batch": 64, "hidden": 8, "kinds": ["polynomial"], "conditional": False, **options}
    )


def test_rotation_is_proposed_and_certified():
    x, y = swirl()
    found = game(plan=SHORT, hidden=32, tolerance=0.3).fit(x, y)
    assert found.proposal_.distance(iso.so(2)) < 0.1
    assert (found.status_, found.algebra_.dim) == ("certified", 1)
    assert found.algebra_.distance(iso.so(2)) < 0.1
    assert found.coefficients_.shape == (1, 4)
    assert found.action_.algebra.dim == 1
    assert found.to_dict()["method"] == "LieGAN"


def test_a_gradient_that_is_hardly_known_certifies_nothing_within_less():
    x, y = swirl()
    found = game(plan=SHORT, hidden=32).fit(x, y)
    error = found.surrogate_.gradient_error
    (generator,) = found.symmetry_.generators
    assert (found.status_, found.grade_) == ("undecided", "")
    assert generator.upper >= generator.error + error > 0.05
    assert generator.lower <= max(generator.error - error, 0)
    assert [name for name, check in found.certificates_.items() if not check.passed] == ["tolerance"]
    assert found._convinced  # no reason to play longer


def test_the_kept_epoch_is_that_of_the_best_held_out_score():
    x, y = swirl()
    outcome = game(plan=Plan(epochs=6, steps=20)).fit(x, y).outcomes_[0]
    assert outcome.score <= min(outcome.history)
    assert outcome.best == 0 or outcome.score == outcome.history[outcome.best - 1]


def test_start_at_the_direct_road_stays_there():
    x, y = swirl()
    found = game(start="direct").fit(x, y)
    assert found.proposal_.distance(iso.so(2)) < 0.15
    assert game(start="direct", plan=Plan(epochs=1, steps=1)).fit(x, y).proposal_.distance(iso.so(2)) < 0.05


@pytest.mark.parametrize("conditional", [False, True])
def test_wrong_proposals_are_not_certified(conditional):
    x = randn(400, 2)
    y = torch.sin(2 * x[:, :1]) * x[:, 1:] + x[:, :1] ** 2 + 0.3 * x[:, 1:] ** 3
    G = iso.gl(2)
    plan = Plan(epochs=3, steps=30)
    found = LieGAN(
        G.vector(), G.scalar(), plan=plan, batch=64, hidden=8, conditional=conditional, kinds=["polynomial"]
    ).fit(x, y)
    assert found.status_ in ("none", "undecided")


@pytest.mark.filterwarnings("ignore::isotropy.errors.SymmetryWarning")
def test_noise_certifies_nothing():
    x, y = randn(300, 2), randn(300, 2, seed=1)
    assert game(plan=Plan(epochs=2, steps=20)).fit(x, y).status_ != "certified"


def test_fit_is_an_estimator():
    x, y = swirl(100)
    assert_estimator(lambda: game(), [x, y])


def test_loader_of_batches_gives_the_same_answer():
    x, y = swirl(100)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=30)
    assert torch.equal(game().fit(loader).coefficients_, game().fit(x, y).coefficients_)


def test_masked_candidates_stay_in_their_blocks():
    data = datasets.two_body(trajectories=20).data
    G = iso.gl(2) + iso.gl(2) + iso.gl(2) + iso.gl(2)
    V = iso.Representation(G, G.basis)
    found = LieGAN(V, V, plan=TINY, batch=64, hidden=8, kinds=["polynomial"]).fit(data.x, data.y)
    outside = torch.block_diag(*[torch.ones(2, 2)] * 4) == 0
    assert float(found.proposal_.basis[:, outside].abs().max()) == 0.0


def test_matrices_that_vanish_on_the_data_are_not_proposed():
    data = datasets.two_body(trajectories=20).data
    V = iso.gl(8).vector()
    found = LieGAN(V, V, plan=TINY, batch=64, hidden=8, kinds=["polynomial-1"]).fit(data.x, data.y)
    off = torch.tensor([1.0, 0, 0, 0, 1.0, 0, 0, 0], dtype=torch.float64)  # q1 = q2 does not occur
    assert float((found.proposal_.basis[0] @ off).norm()) < 1e-6 * float(found.proposal_.basis[0].norm())


def test_channels_one_after_the_other_keep_the_first():
    x, y = swirl()
    one = game(n_generators=1, incremental=True).fit(x, y)
    two = game(n_generators=2, incremental=True).fit(x, y)
    assert len(two.lengths_) == 2
    assert two.proposal_.dim == 2
    assert one.proposal_.dim == 1


def test_subgroup_of_a_known_group():
    x = randn(600, 3)
    y = torch.stack([x[:, :2].square().sum(1), x[:, 2]], dim=1)
    G = iso.so(3)
    found = LieGAN(
        G.vector(),
        2 * G.scalar(),
        subgroup=True,
        width=0.5,
        plan=Plan(epochs=12, steps=50),
        batch=128,
        kinds=["polynomial"],
    ).fit(x, y)
    turn = torch.tensor([[[0.0, -1, 0], [1, 0, 0], [0, 0, 0]]], dtype=torch.float64)
    assert found.algebra_.dim == 1
    assert found.algebra_.distance(iso.LieAlgebra(turn)) < 0.2


def test_cloud_without_outputs_is_left_open_where_it_fills_the_plane():
    x = randn(400, 2)
    found = LieGAN(iso.gl(2).vector(), plan=Plan(epochs=3, steps=30), hidden=16).fit(x)
    assert found.status_ == "undecided"
    assert any("no proof" in sentence for sentence in found.limits_)
    assert found.identify() is not None


def test_order_of_elements():
    from isotropy.discover.games._proposal import order_of

    for order in (2, 3, 7, 12):
        angle = 1.004 * 2 * math.pi / order
        c, s = math.cos(angle), math.sin(angle)
        assert order_of(torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])) == order
    assert order_of(torch.eye(3)) == 0
    assert order_of(2 * torch.eye(2)) == 0


def test_best_step_is_the_smallest_turn_that_fits():
    from isotropy.actions import Trivial
    from isotropy.discover.games._judge import ElementJudge

    data = datasets.discrete_rotation(k=5, samples=3000).data
    G = iso.gl(3)
    judge = ElementJudge(G.vector(), Trivial(G, (1,)), data.x, data.y)
    turn = torch.zeros(9, dtype=torch.float64)
    turn[3], turn[1] = 1.0, -1.0
    assert judge.best_step(turn) == pytest.approx(2 * math.pi / 5, rel=0.02)
    tilted = 2 * math.pi / 5 * (turn + 0.1 * randn(9))
    before, after = (float(xi @ turn / xi.norm() / turn.norm()) for xi in (tilted, judge.polished(tilted)))
    assert before < 0.99 < 0.995 < after


def test_a_start_that_is_clearly_behind_stops():
    from isotropy.discover.games._adversary import Outcome, race

    class Runner:
        plan = Plan(epochs=10)

        def __init__(self, pace):
            self.outcome, self.pace = Outcome(), pace

        @property
        def stopped(self):
            return self.outcome.epoch < self.plan.epochs

        def run(self, epochs):
            self.outcome.epoch, self.outcome.score = epochs, self.pace**epochs

        def finish(self):
            return self.outcome

    runners = [Runner(0.5), Runner(0.55), Runner(0.9)]
    assert [outcome.epoch for outcome in race(runners, 4)] == [10, 8, 4]
    assert [outcome.epoch for outcome in race(runners, 10)] == [10, 10, 10]


@pytest.mark.filterwarnings("ignore::isotropy.errors.SymmetryWarning")
def test_both_kinds_are_played_to_the_end_where_nothing_is_certified(monkeypatch):
    monkeypatch.setattr("isotropy.discover.games._adversary._BEHIND", 1.0)
    x, y = randn(300, 2), randn(300, 2, seed=1)
    found = game(conditional="auto", plan=Plan(epochs=6, steps=5)).fit(x, y)
    assert found.status_ != "certified"
    assert [outcome.epoch for outcome in found.outcomes_] == [6, 6]


@pytest.mark.parametrize(
    ("answers", "taken"),
    [
        ({0: ("certified", 2), 1: ("undecided", 3), 2: ("certified", 2)}, 2),
        ({0: ("certified", 3), 1: ("certified", 1), 2: ("certified", 2)}, 0),
        ({0: ("undecided", 3), 1: ("undecided", 1), 2: ("none", 0)}, 1),
    ],
)
def test_the_start_of_which_evidence_confirms_most_is_taken(monkeypatch, answers, taken):
    from isotropy.discover.games._adversary import Outcome

    found, settled = game(), []

    def settle(self, games, index, samples, judge, question):
        settled.append(index)
        self.symmetry_ = with_status(*answers[index])

    monkeypatch.setattr(LieGAN, "_settle", settle)
    found.outcomes_ = [Outcome(score=score) for score in (0.3, 0.1, 0.2)]
    found._settle_most([], None, None, None)
    assert settled == [1, 2, 0, taken]


@pytest.mark.filterwarnings("ignore::isotropy.errors.SymmetryWarning")
def test_a_start_that_stalled_gets_a_second_chance_with_more_patience(monkeypatch):
    from isotropy.discover.games._adversary import Training

    x, y = randn(300, 2), randn(300, 2, seed=1)
    plan, epochs = Plan(epochs=60, steps=2, patience=1), []
    for _ in range(2):
        epochs += [outcome.epoch for outcome in game(conditional=False, plan=plan).fit(x, y).outcomes_]
        monkeypatch.setattr(Training, "revive", lambda self: None)
    assert epochs[1] < epochs[0]


# -- bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"law": "cauchy"}, "law: expected one of normal, uniform, integer, received 'cauchy'"),
        ({"law": "integer", "width": 1.5}, "whole for law 'integer', received 1.5"),
        ({"law": "integer", "width": 2, "subgroup": True}, "to be learnt, received 'integer'"),
        ({"start": "warm"}, "start: expected 'random' or 'direct', received 'warm'"),
        ({"conditional": "yes"}, "conditional: expected True, False or 'auto'"),
        ({"anti_identity": "none"}, "anti_identity: expected one of motion, unit, cosine or None"),
        ({"n_generators": 0}, "expected at least 1, received 0, 1"),
        ({"n_generators": 5}, "n_generators: expected at most 4"),
    ],
)
def test_bad_options(options, words):
    x, y = swirl(60)
    with pytest.raises(DataError, match=words.replace("(", r"\(")):
        game(**options).fit(x, y)


def test_one_class_only():
    G = iso.gl(2)
    for labels in (torch.ones(50), torch.zeros(50, dtype=torch.int64), ["top"] * 50):
        with pytest.raises(DataError, match="at least two classes, received one only"):
            LieGAN(G.vector(), plan=TINY).fit(randn(50, 2), labels)


def test_constant_target():
    G = iso.gl(2)
    with pytest.raises(DataError, match="targets that vary, received a constant"):
        LieGAN(G.vector(), G.scalar(), plan=TINY).fit(randn(50, 2), torch.full((50,), 0.5))


def test_wrong_lengths_shapes_and_values():
    x, y = swirl(60)
    with pytest.raises(DataError, match="expected 60 rows as in x, received 59"):
        game().fit(x, y[1:])
    with pytest.raises(RepresentationMismatchError, match="expected an action on 3 outputs"):
        game().fit(x, randn(60, 3))
    with pytest.raises(DataError, match="y: expected finite values"):
        game().fit(x, y * torch.tensor([1.0, float("nan")]))
    with pytest.raises(DataError, match="received an empty loader"):
        game().fit([])


def test_not_finite_in_training_keeps_the_last_good_state(tmp_path, monkeypatch):
    from isotropy.discover.games import _pair_game as _pairs

    x, y = swirl(100)
    path, calls, fool = tmp_path / "run.safetensors", [], _pairs.fool

    def breaking(logits):
        calls.append(1)
        return fool(logits) * (float("nan") if len(calls) > 10 else 1.0)

    monkeypatch.setattr(_pairs, "fool", breaking)
    with pytest.raises(DataError, match="received nan for the proposer in epoch 3; the state after epoch 2 is kept"):
        game(plan=Plan(epochs=5, steps=5)).fit(x, y, resume=path)
    monkeypatch.setattr(_pairs, "fool", fool)
    resumed = game(plan=Plan(epochs=5, steps=5)).fit(x, y, resume=path)
    straight = game(plan=Plan(epochs=5, steps=5)).fit(x, y)
    assert resumed.outcomes_[0].history == straight.outcomes_[0].history
    assert torch.equal(resumed.coefficients_, straight.coefficients_)


def test_not_finite_without_a_file_says_so(monkeypatch):
    x, y = swirl(60)
    monkeypatch.setattr("isotropy.discover.games._pair_game.tell", lambda a, b: (a.sum() + b.sum()) * float("inf"))
    with pytest.raises(DataError, match="for the adversary in epoch 1; no state was kept, as no file was named"):
        game().fit(x, y)


def test_resume_refuses_what_it_cannot_use(tmp_path):
    x, y = swirl(60)
    path, state = tmp_path / "run.safetensors", tmp_path / "run.0.safetensors"
    game().fit(x, y, resume=path)
    with pytest.raises(DataError, match="state of a run with settings"):
        game(seed=1).fit(x, y, resume=path)
    with pytest.raises(DataError, match="state of a run with settings"):
        game().fit(2 * x, y, resume=path)
    content = state.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"not a state"):
        state.write_bytes(damaged)
        with pytest.raises(DataError, match=r"run\.0\.safetensors: expected a state of training .* remove the file"):
            game().fit(x, y, resume=path)
    with pytest.raises(DataError, match=r"a name ending in \.safetensors, received 'run\.pt'"):
        game().fit(x, y, resume=tmp_path / "run.pt")


def test_missing_lightning_fabric_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    x, y = swirl(60)
    with pytest.raises(MissingExtraError, match=r"pip install 'isotropy\[train\]'"):
        game().fit(x, y)


def test_progress_shows_the_held_out_error():
    x, y = swirl(60)
    seen = []
    game().fit(x, y, progress=lambda done, total, what: seen.append((done, total, what)))
    assert [done for done, _, what in seen if what.startswith("held-out error")] == [1, 2]


# -- targets -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_two_body(seed):
    data = datasets.two_body(seed).data
    G = iso.gl(2) + iso.gl(2) + iso.gl(2) + iso.gl(2)
    V = iso.Representation(G, G.basis)
    found = LieGAN(V, V, tolerance=0.1, seed=seed).fit(data.x, data.y)
    J = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    angle = principal_angles(found.proposal_.basis.flatten(1), torch.block_diag(J, J, J, J)[None].flatten(1))
    assert float(angle.cos()) >= 0.9995
    assert (found.status_, found.grade_) == ("certified", "approximate")
    assert any(text.startswith("4 components of the outputs") for text in found.limits_)  # two bodies about one centre


@pytest.mark.slow
def test_seven_fold_rotation():
    data = datasets.discrete_rotation(k=7).data
    found = LieGAN(iso.gl(3).vector(), law="integer", width=3).fit(data.x, data.y)
    matrix = found.proposal_.basis[0]
    steps = abs(float(matrix[1, 0] - matrix[0, 1])) / 2 / (2 * math.pi / 7)
    assert abs(steps / round(steps) - 1) < 0.005
    assert found.orders_ == [7]


@pytest.mark.slow
def test_two_processes_reach_the_quality_of_one(tmp_path):
    script = tmp_path / "both.py"
    script.write_text(
        "import json, os, sys, torch\n"
        "import isotropy as iso\n"
        "from isotropy.discover import LieGAN\n"
        "x = torch.randn(300, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)\n"
        "r = x.norm(dim=1, keepdim=True)\n"
        "y = torch.cat([x[:, :1] - r * x[:, 1:], x[:, 1:] + r * x[:, :1]], dim=1)\n"
        "V = iso.gl(2).vector()\n"
        "found = LieGAN(V, V, conditional=False, kinds=['polynomial'], hidden=32).fit(x, y)\n"
        "if os.environ['RANK'] == '0':\n"
        "    open(sys.argv[1], 'w').write(json.dumps(found.proposal_.distance(iso.so(2))))\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", str(script), str(tmp_path / "d")]
    subprocess.run(command, check=True, capture_output=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert json.loads((tmp_path / "d").read_text()) < 0.1
