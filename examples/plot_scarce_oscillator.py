"""
Equations from one noisy trajectory
===================================

A damped oscillator, a hundred samples, 20 % noise. Without further knowledge the data allow several equations. Knowing
that no direction of the plane is special leaves two numbers to find.
"""

import matplotlib.pyplot as plt
import numpy as np

import isotropy as iso

# %%
# The data
# --------

draw = np.random.default_rng(3)
t = np.linspace(0, 20, 100)
clean = 1.5 * np.exp(-t / 10)[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1)
x = clean + 0.2 * clean.std(axis=0) * draw.normal(size=clean.shape)

# %%
# Two fits
# --------
# Both use the weak form and all terms up to degree two; the second one only those that rotations allow.

library = iso.dictionary.polynomials(2, degree=2)
free = iso.dynamics.WeakSINDy(library).fit([x], [t])
held = iso.dynamics.WeakSINDy(library, iso.so(2)).fit([x], [t])
print("free:     ", free.equations())
print("symmetric:", held.equations())

# %%
# How sure are the terms?
# -----------------------

share = {
    "free": iso.dynamics.Ensemble(iso.dynamics.WeakSINDy(library), n_models=60).fit([x], [t]),
    "symmetric": iso.dynamics.Ensemble(iso.dynamics.WeakSINDy(library, iso.so(2)), n_models=60).fit([x], [t]),
}

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
left.plot(*x.T, ".", color="0.6", label="data")
times = np.linspace(0, 40, 400)
left.plot(*held.simulate(clean[0], times).T, label="symmetric")
left.plot(*free.simulate(clean[0], times).T, "--", label="free")
left.set(xlabel="x", ylabel="y", aspect="equal", title="twice as long as the data")
left.legend(frameon=False, fontsize=8)

names = library.names(["x", "y"])
labels = [f"{name} in {c}'" for c in "xy" for name in names]
for offset, (name, model) in zip((-0.2, 0.2), share.items(), strict=True):
    right.barh(np.arange(12) + offset, model.inclusion_probabilities_.flatten(), 0.4, label=name)
right.set(yticks=range(12), yticklabels=labels, xlabel="inclusion probability")
right.invert_yaxis()
right.legend(frameon=False, fontsize=8)
figure.tight_layout()
