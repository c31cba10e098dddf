"""Equations of latent coordinates: the wave is an oscillator, and its forecast lasts."""

import pytest
import torch

import isotropy as iso
from isotropy.dynamics import LatentEquations, Modes, SINDy, WeakSINDy
from isotropy.errors import DataError, RepresentationMismatchError

STEP, TRAINED, AHEAD = 0.05, 600, 500


@pytest.fixture(scope="module")
def waves():
    """Settled spiral waves of reaction and diffusion, one field in a row."""
    return iso.datasets.reaction_diffusion(size=16, samples=1100, step=STEP, settle=40.0).data.x


def clock(count):
    return torch.arange(count, dtype=torch.float64) * STEP


def off(found, truth):
    return float((found - truth).norm() / truth.norm())


@pytest.mark.parametrize("kind", [SINDy, WeakSINDy])
def test_a_spiral_wave_is_a_linear_oscillator_and_its_forecast_lasts(kind, waves):
    model = kind(iso.dictionary.polynomials(2, 2), iso.so(2), threshold=0.05)
    latent = LatentEquations(model).fit([waves[:TRAINED]], [clock(TRAINED)])
    first, second = latent.model_.coef_
    assert (first != 0).nonzero().flatten().tolist() == [2] and (second != 0).nonzero().flatten().tolist() == [1]
    assert float(first[2] + second[1]) == pytest.approx(0, abs=1e-12)
    later = waves[TRAINED : TRAINED + AHEAD]
    modes = latent.autoencoder_
    projected = modes.decode(modes.encode(later))
    assert off(latent.forecast(later[0], clock(AHEAD)), later) < 1.02 * off(projected, later)
    assert latent.lost_ < 0.25


def test_modes_are_orthonormal_and_in_units_of_their_size(waves):
    modes = Modes(3).fit(waves)
    torch.testing.assert_close(modes.modes_ @ modes.modes_.T, torch.eye(3, dtype=torch.float64))
    z = modes.encode(waves)
    torch.testing.assert_close(z.square().mean(0), torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(modes.encode(modes.decode(z)), z)
    assert 0.9 < modes.share_ < 1
    shaped = Modes(3).fit(waves.reshape(-1, 16, 16))
    assert shaped.decode(z[:2]).shape == (2, 16, 16)
    assert Modes(3, center=False).fit(waves).mean_.abs().max() == 0


def test_any_encoder_and_decoder_will_do():
    class Warp:
        def encode(self, x):
            return torch.stack([x[:, 0], x[:, 1] - x[:, 0] ** 2 / 2], dim=1)

        def decode(self, z):
            return torch.stack([z[:, 0], z[:, 1] + z[:, 0] ** 2 / 2], dim=1)

    t = torch.linspace(0, 10, 200, dtype=torch.float64)
    seen = Warp().decode(torch.exp(-t / 10)[:, None] * torch.stack([t.cos(), t.sin()], dim=1))
    model = SINDy(iso.dictionary.polynomials(2, 2), iso.so(2), threshold=0.05)
    latent = LatentEquations(model, Warp()).fit([seen], [t])
    assert latent.equations() == ["x' = -0.1 x - y", "y' = x - 0.1 y"]
    torch.testing.assert_close(latent.forecast(seen[0], t), seen, atol=1e-3, rtol=0)
    assert latent.lost_ < 1e-12
    assert not hasattr(model, "coef_")


def test_a_learnt_autoencoder_will_do():
    pytest.importorskip("lightning_fabric", reason="trains an autoencoder")
    t = torch.linspace(0, 12, 240, dtype=torch.float64)
    ring = torch.stack([t.cos(), t.sin()], dim=1)
    seen = torch.cat([ring, 0.3 * ring[:, :1] ** 2], dim=1)
    plan = iso.discover.Plan(epochs=2)
    found = iso.discover.LaLiGAN(2, hidden=16, plan=plan, polish=200).fit(seen[:-1], seen[1:])
    model = SINDy(iso.dictionary.polynomials(2, 2), found.action_.latent, threshold=0.05)
    latent = LatentEquations(model, found.autoencoder_).fit([seen], [t])
    ahead = latent.forecast(seen[0], t)
    assert ahead.shape == seen.shape
    assert off(ahead, seen) < 0.5


def test_bad_latents_are_refused():
    x, t = torch.ones(20, 3, dtype=torch.float64), torch.arange(20.0)
    model = SINDy(iso.dictionary.polynomials(2, 2))
    with pytest.raises(DataError, match="count: expected 1 to 1"):
        LatentEquations(model).fit([x], [t])
    with pytest.raises(RepresentationMismatchError, match="as the model has 2 coordinates"):
        LatentEquations(model, Modes(1, center=False).fit(x)).fit([x], [t])
    with pytest.raises(DataError, match="at least one trajectory"):
        LatentEquations(model).fit([], [])
    with pytest.raises(DataError, match="trajectory 0: expected finite values"):
        LatentEquations(model).fit([x * float("nan")], [t])
