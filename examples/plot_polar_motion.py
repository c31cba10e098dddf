"""
The wobble of the Earth's pole
==============================

The pole of rotation wanders through the Arctic on a spiral some ten metres wide. A measured record, an equation, and
the symmetry that it bears.
"""

import matplotlib.pyplot as plt
import numpy as np

import isotropy as iso

# %%
# The record
# ----------
# Positions of the pole every ten days since 1962, as the Earth rotation service (IERS) publishes them. The pole drifts,
# follows the seasons, and wobbles. The loader takes the six-year mean and the yearly ellipse away and cuts what is left
# into stretches of four years.

record = iso.datasets.read_table(iso.datasets.path("polar_motion"))
runs = iso.datasets.load("polar_motion").data
states, times = list(runs.states), list(runs.times)
print(len(record.columns["mjd"]), "days;", len(states), "stretches from", runs.labels[0], "on")

# %%
# Which symmetry can it bear?
# ---------------------------
# Rotations, scalings and shifts are tried on held-out stretches.

library = iso.dictionary.polynomials(2, degree=2)
model = iso.dynamics.SINDy(library, threshold=0.0, select="evidence")
found = iso.dynamics.choose_symmetry(model, states, times)
print(*found.reasons[:2], sep="\n")
print("with the rotation:", found.model.equations(["x", "y"]))
print("without:          ", found.free.equations(["x", "y"]))
print(f"one turn in {2 * np.pi / float(found.model.coef_[0, 2]) * 365.25:.0f} days; Chandler's wobble takes 433")

# %%
# From four years, the next four
# ------------------------------
# The rotation is worth most where little is known. From one stretch and terms up to the third degree most fits find the
# same equation with and without it; the stretch from 1989 is one of those that lead the free fit astray.

cubic = iso.dictionary.polynomials(2, degree=3)
known, ahead = runs.labels.index("1989"), runs.labels.index("1993")
paths = {}
for name, symmetry in (("with the rotation", iso.so(2)), ("free", None)):
    fit = iso.dynamics.SINDy(cubic, symmetry, threshold=0.0, select="evidence")
    fit.fit([states[known]], [times[known]])
    print(name, fit.equations(["x", "y"]))
    paths[name] = fit.simulate(states[ahead][0], times[ahead])

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11, 3.8))
x, y = record.select("x,y").T
left.plot(x, -y, color="0.5", linewidth=0.5)
left.set(title="the pole since 1962", xlabel="towards Greenwich, arcsec", ylabel="towards 90° east, arcsec")
left.set_aspect("equal")
for state, time in zip(states[:4], times[:4], strict=True):
    middle.plot(*(state.numpy() * [1, -1]).T, ".", markersize=3, color="0.6")
    middle.plot(*(found.model.simulate(state[0], time).numpy() * [1, -1]).T, linewidth=1)
middle.set(title="wobble 1965-1981 and the equation", xlabel="arcsec", aspect="equal")
right.plot(times[ahead], states[ahead][:, 0], ".", color="0.6", label="record")
for (name, path), style in zip(paths.items(), ("-", "--"), strict=True):
    right.plot(times[ahead], path[:, 0], style, label=name)
right.set(title="x, from the four years before", xlabel="year", ylabel="arcsec", ylim=(-0.35, 0.45))
right.legend(frameon=False, fontsize=8)
figure.tight_layout()
