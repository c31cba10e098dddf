"""
Fewer samples than unknowns
===========================

A quantity in five dimensions depends on a point's distance from the origin and on its height along one tilted axis,
and nobody told us. A quadratic has 21 coefficients, and we have 18 samples. Of all quadratics that fit them,
``promote`` takes one that breaks few of the ten rotations, which is a convex problem.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso

# %%
# The data
# --------

generator = torch.Generator().manual_seed(0)


def normal(*shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


axis = torch.nn.functional.normalize(torch.arange(1.0, 6.0, dtype=torch.float64), dim=0)


def truth(x):
    height = x @ axis
    return 1 + height + x.square().sum(1) - 2 * height**2


x, fresh = normal(18, 5), normal(2000, 5)


def error(values):
    return float((values - truth(fresh)).square().mean().sqrt())


# %%
# Without noise: all of it
# ------------------------
# With no weight the samples are met exactly and the nuclear norm of the Lie derivative alone is minimised. It finds
# the six rotations that leave the axis alone, and with them the function. Least squares of smallest norm, which meets
# the samples as well, has no reason to.

G = iso.so(5)
library = iso.dictionary.polynomials(5, degree=2)
model = iso.promote.BasisRegression(library, G.vector(), G.scalar())
exact = model.fit(x, truth(x))
plain = torch.linalg.lstsq(library.evaluate(x), truth(x)[:, None], driver="gelsd").solution[:, 0]
print(exact.status_, exact.algebra_.identify().name, f"{error(exact.predict(fresh)):.1e}")
print(f"least squares: {error(library.evaluate(fresh) @ plain):.2f}")

# %%
# With noise: a path
# ------------------
# The path starts at the weight from which on every rotation is kept. The four singular values that have to break rise
# first; the other six stay ten times smaller, though not exactly zero. The error on fresh points has its
# minimum in between; the dotted line is least squares on the same noisy samples.

y = truth(x) + 0.05 * normal(18)
path = model.set_params(tolerance=1e-7).path(x, y, count=25, smallest=1e-4)
weights = [fit.weight for fit in path]
spectra = torch.stack([fit.spectrum_ for fit in path])
plain = torch.linalg.lstsq(library.evaluate(x), y[:, None], driver="gelsd").solution[:, 0]

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
left.loglog(weights, spectra.clamp_min(1e-4), marker=".")
left.set(xlabel="weight", ylabel="singular values of the Lie derivative")
right.loglog(weights, [error(fit.predict(fresh)) for fit in path], marker=".")
right.axhline(error(library.evaluate(fresh) @ plain), linestyle=":", color="grey")
right.set(xlabel="weight", ylabel="error on fresh points")
figure.tight_layout()

# %%
# From promoted to enforced
# -------------------------
# The step in the spectrum says how many rotations to keep. Given that number, the fit hands them over as a hard
# constraint: least squares among the functions they leave alone, without any shrinkage.

soft = model.set_params(weight=0.02, rank=6).fit(x, y)
hard = soft.enforced()
print(f"promoted {error(soft.predict(fresh)):.2f}, then enforced {error(hard.predict(fresh)):.2f}")
