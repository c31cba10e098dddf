"""
The equation of a field from few points
=======================================

A wave on a line steepens and fades. Its equation is found from its values and slopes at some points. Space and time
look the same everywhere, and the equation looks the same when space is stretched, time twice as much, and the field
shrunk: that leaves two terms of fifteen, so few noisy points suffice.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso

# %%
# The data
# --------
# Solutions of ``u_t = u_xx - u u_x`` in closed form, from six starts.

problem = iso.datasets.equation("burgers")
x, t = problem.grids
step, length = float(t[1] - t[0]), float(x[1] - x[0]) * len(x)
fields = problem.fields[:, 0].movedim(2, 1)  # (solutions, time, place)
jets = torch.cat([iso.dynamics.periodic_jets(u, [length], 3)[2:-2].flatten(0, 1) for u in fields])
rates = torch.cat([iso.dynamics.time_rates(u, step).flatten() for u in fields])

# %%
# A symmetry of jets
# ------------------
# ``u, u_x, u_xx, u_xxx`` scale with weights 1, 2, 3, 4 and the rate of ``u`` with 3.

scaling = iso.diagonal(5).span(torch.tensor([[1.0, 2.0, 3.0, 4.0, 3.0]], dtype=torch.float64))
rho_in = iso.Representation(scaling, scaling.basis[:, :4, :4])
rho_out = iso.Representation(scaling, scaling.basis[:, 4:, 4:])
library = iso.dictionary.polynomials(4, degree=2)
held = iso.dynamics.FieldSINDy(library, rho_in, rho_out).fit(jets, rates)
print(held.equations(["u"], ["u", "u_x", "u_xx", "u_xxx"]), held.symmetry_.dim, "of", len(library), "terms allowed")

# %%
# Fewer and fewer points, 5 % noise on jets and rates
# ---------------------------------------------------

names = library.names(["u", "u_x", "u_xx", "u_xxx"])
truth = {"u_xx", "u u_x"}


def hit(symmetric: bool, count: int, seed: int) -> bool:
    """Whether a draw gives the right terms."""
    draw = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(jets), generator=draw)[:count]
    noise = [0.05 * torch.randn(a[rows].shape, generator=draw, dtype=torch.float64) for a in (jets, rates)]
    seen, speed = jets[rows] + noise[0] * jets.std(0), rates[rows] + noise[1] * rates.std()
    actions = (rho_in, rho_out) if symmetric else (None, None)
    model = iso.dynamics.FieldSINDy(library, *actions, threshold=0.05).fit(seen, speed)
    return {names[i] for i in model.coef_[0].nonzero().flatten().tolist()} == truth


counts = [20, 50, 100, 200, 500]
figure, axes = plt.subplots(figsize=(5, 3.4))
for symmetric, label in ((True, "with the scaling"), (False, "without")):
    axes.plot(counts, [sum(hit(symmetric, n, seed) for seed in range(20)) / 20 for n in counts], "o-", label=label)
axes.set(xscale="log", xlabel="points", ylabel="share of draws with the right terms", ylim=(-0.05, 1.05))
axes.set_xticks(counts, [str(n) for n in counts])
axes.minorticks_off()
axes.legend(frameon=False, fontsize=8)
figure.tight_layout()
