"""
A spiral wave is an oscillator
==============================

Two chemicals react and diffuse; one of them is filmed. The film has hundreds of pixels, but two modes carry most of
it. Their amplitudes obey equations that a rotation of the plane leaves as they are: the phase of the wave runs evenly.
These equations forecast the film.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso

# %%
# The data
# --------
# A settled spiral wave, 24 pixels each way. The first 30 units of time are for the fit, the next 25 for the forecast.

step, trained, ahead = 0.05, 600, 500
film = iso.datasets.reaction_diffusion(size=24, samples=1100, step=step, settle=40.0).data.x
t = torch.arange(1100, dtype=torch.float64) * step

# %%
# Two fits in the space of the two largest modes
# ----------------------------------------------

library = iso.dictionary.polynomials(2, degree=2)
fits = {
    "symmetric": iso.dynamics.LatentEquations(iso.dynamics.SINDy(library, iso.so(2), threshold=0.02)),
    "free": iso.dynamics.LatentEquations(iso.dynamics.SINDy(library, threshold=0.02)),
}
for name, latent in fits.items():
    latent.fit([film[:trained]], [t[:trained]])
    print(f"{name}: {latent.equations()}")

# %%
# The forecast
# ------------
# The dashed line is what two modes cannot show at all: no forecast in them is better.

later, clock = film[trained : trained + ahead], t[:ahead]
modes = fits["symmetric"].autoencoder_
size = later.norm(dim=1).mean()

figure, (first, second, last) = plt.subplots(1, 3, figsize=(10, 3.2), width_ratios=(1, 1, 1.6))
forecasts = {name: latent.forecast(later[0], clock) for name, latent in fits.items()}
for axes, picture, title in ((first, later[-1], "seen"), (second, forecasts["symmetric"][-1], "forecast")):
    axes.imshow(picture.reshape(24, 24), cmap="RdBu", vmin=-1, vmax=1)
    axes.set(xticks=[], yticks=[], title=f"{title}, 25 later")
for name, forecast in forecasts.items():
    last.plot(clock, (forecast - later).norm(dim=1) / size, label=name)
last.plot(clock, (modes.decode(modes.encode(later)) - later).norm(dim=1) / size, "k--", linewidth=1, label="two modes")
last.set(xlabel="time ahead", ylabel="relative error", ylim=(0, None))
last.legend(frameon=False, fontsize=8)
figure.tight_layout()
