"""Latent symmetries: small games, honest answers."""

import math

import pytest
import torch

import isotropy as iso
from isotropy import datasets
from isotropy.actions import LatentAction
from isotropy.core._charts import corrected
from isotropy.discover import LaLiGAN, Plan, Weights
from isotropy.discover.latent._autoencoder import Autoencoder, build
from isotropy.discover.latent._game import LatentGame, Proposer
from isotropy.discover.latent._judge import LatentJudge
from isotropy.discover.latent._polish import conserving, kept_metric
from isotropy.discover.latent._verdict import along_time, linear_step
from isotropy.errors import DataError, RepresentationMismatchError
from isotropy.testing import assert_estimator

pytest.importorskip("lightning_fabric", reason="games are trained on lightning-fabric: isotropy[train]")
TINY = Plan(epochs=2, steps=3)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def turned(x, angle):
    c, s = math.cos(angle), math.sin(angle)
    return x @ torch.tensor([[c, s], [-s, c]], dtype=torch.float64)


def bent(z):
    return torch.stack([z[:, 0], z[:, 1] + 0.3 * z[:, 0] ** 2], dim=1)


def oscillator(count=400):
    """Steps of a rotation in bent coordinates."""
    z = randn(count, 2)
    return bent(z), bent(turned(z, 0.5))


def small(**options):
    return LaLiGAN(**{"plan": TINY, "hidden": 16, "batch": 64, "polish": 3, **options})


def test_rotation_in_bent_coordinates_is_found_and_called_time_translation():
    x, y = oscillator()
    found = LaLiGAN(
        plan=Plan(epochs=4, steps=50, rates=(8e-3, 6e-3), average=0.95), hidden=24, batch=128, polish=60
    ).fit(x, y)
    assert found.verdict_.step < 0.25
    assert found.labels_ == ["time translation"]
    truth = bent(turned(torch.stack([x[:, 0], x[:, 1] - 0.3 * x[:, 0] ** 2], dim=1), 0.5))
    assert float((found.forecast(x[:50], 1)[0] - truth[:50]).norm() / truth[:50].norm()) < 0.25
    matrix = found.action_.latent.drho(torch.ones(1))
    assert float(torch.linalg.eigvals(matrix).imag.abs().min()) > 0.5  # it turns


def test_noise_is_left_undecided():
    found = small().fit(randn(200, 3), randn(200, 3, seed=1))
    assert found.status_ == "undecided"
    assert not found.certificates_["step"].passed
    assert not found.certificates_["tolerance"].passed
    assert found.upper_[0] > 0.5  # about as much as chance


def test_steps_that_are_known_have_limits():
    """Networks that do nothing, so that only the claim is asked: a rotation, and a step that it does not keep."""
    x = randn(800, 2)
    x = (x - x.mean(0)) / x.std(0)  # as an autoencoder does, one column like the other
    coder = Autoencoder(*[torch.nn.Identity(), torch.nn.Identity()], x, 2)
    turn = torch.tensor([[0.0, -1.0, 1.0, 0.0]], dtype=torch.float64)
    kept = LatentJudge(iso.gl(2).vector(), x, turned(x, 0.3), 1.0, 0).defect(coder, turn, 0.05)
    assert kept[0].lower <= kept[0].value <= kept[0].upper < 1e-6
    assert kept[1] > 100
    stretched = torch.stack([x[:, 0] * 1.2, x[:, 1] * 0.9], dim=1)
    broken = LatentJudge(iso.gl(2).vector(), x, stretched, 1.0, 0).defect(coder, turn, 0.05)[0]
    assert 0.3 < broken.lower <= broken.value <= broken.upper < 1.5


@pytest.mark.parametrize("name", ["tolerance", "level"])
def test_tolerance_and_level_are_fractions(name):
    with pytest.raises(DataError, match=f"{name}: expected a number between 0 and 1"):
        small(**{name: 1.5}).fit(*oscillator(150))


def test_points_alone_are_never_certified():
    found = small().fit(oscillator()[0])
    assert found.status_ == "undecided"
    assert any("pairs" in sentence for sentence in found.limits_)
    assert found.labels_ == [""]
    with pytest.raises(DataError, match="pairs"):
        found.forecast(oscillator()[0], 2)


def test_action_is_usable_by_the_verbs():
    x, y = oscillator()
    found = small().fit(x, y)
    report = iso.measure.equivariance(lambda x: x**2, x[:20], found.action_, found.action_)
    assert 0.0 <= report.relative_error <= 1.0
    assert torch.allclose(found.action_.flow(torch.zeros(1), x[:5]), x[:5])
    assert found.action_.field(torch.ones(1), x[:5].float()).dtype == torch.float32
    assert found.to_dict()["method"] == "LaLiGAN"
    assert "z1" in found.vector_fields()[0]


def test_fit_is_an_estimator():
    assert_estimator(lambda: small(), list(oscillator(120)))


def test_given_algebras_stay_as_they_are():
    plane = iso.so(2).vector()
    found = small(latent_dim=3, representation=plane + iso.so(2).scalar()).fit(randn(150, 4), randn(150, 4, seed=1))
    assert found.algebra_.distance(iso.so(2)) < 1e-9
    assert float(found.action_.latent.drho(torch.ones(1))[2].abs().max()) == 0.0


def test_learnt_blocks_stay_in_their_blocks():
    G = iso.gl(2)
    found = small(latent_dim=3, n_generators=2, representation=G.vector() + G.scalar()).fit(randn(150, 4))
    assert found.algebra_.dim == 2
    assert "closure" in found.certificates_


def test_threshold_leaves_no_small_entries():
    found = small(weights=Weights(threshold=0.6)).fit(*oscillator())
    coefficients = found.coefficients_[0].abs()
    kept = coefficients[coefficients > 0]
    assert float(kept.min() / kept.max()) >= 0.6 - 1e-6


@pytest.mark.parametrize("event", [(5,), (1, 20), (2, 9, 12)])
def test_networks_fit_their_points_and_start_white(event):
    x = randn(60, *event)
    coder = Autoencoder(*build("auto", event, 2, 16, 2, 0), x, 2)
    z = coder.encode(x.float()).detach()
    assert coder.decode(z).shape == x.shape
    assert float(z.mean(0).abs().max()) < 1e-4
    assert abs(float(z.square().mean()) - 1) < 1e-3
    weight = next(m for m in coder.encoder.modules() if type(m).__name__ == "ParametrizedLinear").weight.detach()
    assert torch.allclose(weight @ weight.T, torch.eye(2), atol=1e-5)


def test_latent_points_do_not_depend_on_their_batch():
    found = small().fit(*oscillator())
    x = oscillator()[0]
    whole = found.autoencoder_.encode(x)
    assert torch.allclose(whole[:3], found.autoencoder_.encode(x[:3]), atol=1e-12)


def test_gradients_of_the_players_are_apart():
    x, y = oscillator(128)
    coder = Autoencoder(*build("auto", (2,), 2, 16, 2, 0), x, 2)
    estimator = small()
    latent = iso.gl(2).vector()
    generator = estimator._generator(latent, 0)
    game = LatentGame(
        Proposer(coder, generator), latent, x, y, None, Weights(closure=0.1), batch=64, hidden=8, every=3, seed=0
    )
    round_ = game.propose(torch.Generator().manual_seed(0))
    learnt = [p for p in game.proposer.parameters() if p.requires_grad]
    slopes = torch.autograd.grad(game.adversary_loss(round_), learnt, allow_unused=True, retain_graph=True)
    assert all(slope is None for slope in slopes)
    assert torch.isfinite(game.proposer_loss(round_))


def test_networks_of_the_user_are_copied_and_checked():
    x, y = oscillator(150)
    encoder, decoder = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    before = encoder.weight.detach().clone()
    found = small(encoder=encoder, decoder=decoder).fit(x, y)
    assert torch.equal(encoder.weight, before)
    assert found.autoencoder_.encoder is not encoder
    with pytest.raises(RepresentationMismatchError, match="match them"):
        small(encoder=torch.nn.Linear(2, 3), decoder=decoder).fit(x, y)


def test_along_time_tells_rotations_from_stretches():
    z = randn(100, 2)
    w = turned(z, 0.7)
    G = iso.gl(2).vector()
    turn, stretch = torch.tensor([[0.0, -1, 1, 0]]).double(), torch.tensor([[1.0, 0, 0, 1]]).double()
    assert float(along_time(G.restrict(turn), z, w)) < 1e-6
    assert float(along_time(G.restrict(stretch), z, w)) > 0.99
    step = linear_step(G.restrict(turn), z, w)
    assert torch.allclose(z @ step.T, w)


def test_linear_step_is_the_same_in_squeezed_coordinates():
    G = iso.gl(2).vector()
    squeeze = torch.tensor([[5.0, 1.0], [0.0, 0.2]], dtype=torch.float64)
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    z = randn(300, 2)
    w = turned(z, 0.4) + 0.3 * torch.stack([z[:, 1], torch.zeros(300)], dim=1)  # no rotation: metrics disagree
    step = linear_step(G.restrict(turn.reshape(1, 4)), z, w)
    found = squeeze @ turn @ squeeze.inverse()
    other = linear_step(G.restrict(found.reshape(1, 4)), z @ squeeze.T, w @ squeeze.T)
    assert torch.allclose(other, squeeze @ step @ squeeze.inverse(), atol=1e-9)


def test_kept_metric_makes_squeezed_rotations_round():
    G = iso.gl(2).vector()
    squeezed = torch.tensor([[0.4, -1.3, 0.2, -0.4]], dtype=torch.float64)
    metric = kept_metric(G.restrict(squeezed))
    round_ = metric @ squeezed.reshape(2, 2) @ metric.inverse()
    assert torch.allclose(round_, -round_.T, atol=1e-9)
    assert float((metric.T @ metric).inverse().trace()) == pytest.approx(2.0)
    one = torch.eye(2, dtype=torch.float64)
    for others in ([[0.0, 1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0, 1.0]]):  # a boost keeps no lengths, a stretch nothing
        assert torch.equal(kept_metric(G.restrict(torch.tensor(others, dtype=torch.float64))), one)
    assert torch.allclose(kept_metric(iso.so(3).vector()), torch.eye(3, dtype=torch.float64))


@pytest.mark.parametrize(
    ("options", "x", "y", "words"),
    [
        ({"latent_dim": 3}, randn(120, 2), None, "latent_dim: expected at most 2"),
        ({"latent_dim": 0}, randn(120, 2), None, "at least 1"),
        ({"n_generators": 9}, randn(120, 2), None, "at most 4"),
        ({"network": "transformer"}, randn(120, 2), None, "network"),
        ({"network": "conv"}, randn(120, 2), None, "network"),
        ({}, torch.ones(120, 2), None, "constant"),
        ({}, randn(20, 2), None, "at least 100"),
        ({}, randn(120, 2), randn(100, 2), "120 rows"),
        ({}, randn(120, 2), randn(120, 2), "one step after"),
        ({}, randn(120, 2) / 0, None, "finite"),
    ],
)
def test_bad_input_is_refused(options, x, y, words):
    with pytest.raises(DataError, match=words):
        small(**options).fit(x, y)


def test_representation_of_another_size_is_refused():
    with pytest.raises(RepresentationMismatchError, match="representation"):
        small(representation=iso.so(3).vector()).fit(randn(120, 4))


def test_runs_go_on_from_their_state(tmp_path):
    x, y = oscillator(150)
    path = tmp_path / "run.safetensors"
    whole = small(plan=Plan(epochs=3, steps=3)).fit(x, y)
    small(plan=Plan(epochs=1, steps=3)).fit(x, y, resume=path)
    resumed = small(plan=Plan(epochs=3, steps=3)).fit(x, y, resume=path)
    assert torch.allclose(resumed.coefficients_, whole.coefficients_, atol=1e-6)
    with pytest.raises(DataError, match="same settings"):
        small(plan=Plan(epochs=3, steps=3), hidden=16, seed=1).fit(x, y, resume=path)


def test_infinite_losses_keep_the_last_good_state(tmp_path):
    x, y = oscillator(150)
    path = tmp_path / "run.safetensors"
    small(plan=Plan(epochs=1, steps=3)).fit(x, y, resume=path)
    file = tmp_path / "run.0.safetensors"
    before = file.read_bytes()

    def poisoned(epoch, most, words):
        raise AssertionError("an epoch ended")

    model = small(plan=Plan(epochs=3, steps=3))
    play = LaLiGAN._autoencoder

    class Broken(LaLiGAN):
        def _autoencoder(self, x, seed):
            coder = play(self, x, seed)
            coder.decoder.register_forward_hook(lambda module, inputs, output: output * math.nan)
            return coder

    with pytest.raises(DataError, match="finite"):
        Broken(**model.get_params()).fit(x, y, resume=path, progress=poisoned)
    assert file.read_bytes() == before


def test_damaged_states_are_refused(tmp_path):
    x, y = oscillator(150)
    (tmp_path / "run.0.safetensors").write_bytes(b"not a state")
    with pytest.raises(DataError, match="start anew"):
        small().fit(x, y, resume=tmp_path / "run.safetensors")


def test_latent_action_needs_the_right_size():
    action = LatentAction(lambda x: x, lambda z: z, iso.so(3).vector(), (2,))
    with pytest.raises(RepresentationMismatchError, match="latent"):
        action.flow(torch.ones(3), randn(4, 2))


@pytest.mark.slow
def test_pendulum():
    data = datasets.pendulum().data
    found = LaLiGAN(tolerance=0.15).fit(data.x, data.y)
    assert found.status_ == "certified"
    assert found.upper_[0] <= 0.15
    assert found.labels_ == ["time translation"]


def test_decoders_are_inverted_where_they_can_be():
    x = randn(80, 2)
    coder = Autoencoder(*build("auto", (2,), 2, 16, 2, 0), x, 2).inverted()
    near = torch.cat([x[:1] + 1e-3, x[:1]])
    rough = Autoencoder.encode(coder, near)
    shifted = corrected(coder.encode, near.flip(0), rough, coder.scale, 5)
    assert torch.allclose(shifted, near, atol=1e-9)
    assert Autoencoder(*build("auto", (4,), 2, 16, 2, 0), randn(80, 4), 2).inverted().corrections == 0


def test_growth_is_taken_out_of_a_rotation():
    G = iso.gl(2).vector()
    spiral = torch.tensor([[0.03, -1.0, 1.0, 0.03]], dtype=torch.float64)
    matrix = G.drho(conserving(G, spiral)[0])
    assert abs(float(matrix.trace())) < 1e-9
    assert float(matrix[1, 0]) == pytest.approx(1.0, abs=1e-2)
    stretch = torch.tensor([[1.0, 0.0, 0.0, 1.0]], dtype=torch.float64)
    assert torch.equal(conserving(G, stretch), stretch)
