"""
A fit that shows its symmetry, and a better fit
===============================================

Sixty noisy samples of a potential are fitted by a polynomial. The fit is not symmetric, but nearly so; the search finds
what it nearly keeps, and a second fit keeps that exactly, with three coefficients in place of thirty-five.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import viz

# %%
# Least squares over all polynomials
# ----------------------------------

generator = torch.Generator().manual_seed(0)
x, fresh = (torch.randn(count, 3, dtype=torch.float64, generator=generator) for count in (60, 1000))


def truth(x):
    square = x.square().sum(1)
    return 1 + 2 * square - 0.3 * square**2


y = truth(x) + 0.05 * torch.randn(60, dtype=torch.float64, generator=generator)
library = iso.dictionary.polynomials(3, degree=4)
free = torch.linalg.lstsq(library.evaluate(x), y[:, None]).solution


def polynomial(x):
    return library.evaluate(x) @ free


# %%
# Discover
# --------
# Nine linear motions are candidates. The three smallest values are as large as the noise has made them.

G = iso.gl(3)
found = iso.discover.FromModel(G.vector(), G.scalar(), rank=3).fit(polynomial, x)
print(found.identify().name, f"off by {found.algebra_.distance(iso.so(3)):.1e}")

# %%
# Enforce
# -------
# The name is clear, so the second fit takes the textbook's algebra, in the kernel of the Lie derivative.

so3 = iso.so(3)
model = iso.enforce.BasisRegression(library, so3.vector(), so3.scalar()).fit(x, y)
print(model.equations())


def error(values):
    return float((values.flatten() - truth(fresh)).square().mean().sqrt())


errors = {
    f"free, {len(library)} terms": error(polynomial(fresh)),
    f"so(3), {model.basis_.dim} terms": error(model.predict(fresh)),
}

figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.2))
viz.spectrum(found.spectrum_, found.algebra_.dim, ax=left)
right.bar(list(errors), list(errors.values()), color=[viz.OTHER_COLOUR, viz.NULL_COLOUR])
right.set(ylabel="error on fresh points", yscale="log")
figure.tight_layout()
