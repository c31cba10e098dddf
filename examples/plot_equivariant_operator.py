r"""
An integral operator that commutes with dilation
================================================

An operator on fields, ``(T u)(y) = int K(y, x) u(x) dx``, commutes with a motion of the points when its kernel obeys

.. math:: K(g y, g x)\\,|\\det Dg(x)| = K(y, x).

The determinant is easily forgotten. A dilation ``x -> c x`` stretches ``dx`` by ``c``, so the kernel has to be
homogeneous of degree -1; a kernel of degree 0, though invariant as a function of both points, does not commute.
"""

from dataclasses import replace

import matplotlib.pyplot as plt
import torch

import isotropy as iso

# %%
# Candidates are all ``y^a x^b / (x^2 + y^2)`` with exponents up to 2. Among their combinations we look for kernels
# under the dilations of the half-line, once as kernels and once, wrongly, as mere functions of two points.

dilations = iso.scaling(1)
move, one = dilations.vector(), dilations.scalar()
terms = {
    f"y^{a} x^{b} / r^2": lambda p, a=a, b=b: p[:, 0] ** a * p[:, 1] ** b / p.square().sum(1)
    for a in range(3)
    for b in range(3)
}
dictionary = iso.dictionary.custom(2, terms)
pairs = torch.rand(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.3

kernels = iso.enforce.equivariant_kernels(dictionary, move, one, one, points=pairs)
functions = iso.enforce.equivariant_functions(dictionary, iso.actions.Product(move, move), one, points=pairs)
print("kernels:  ", kernels.equations())
print("functions:", functions.equations())

# %%
# The operators are modules whose only parameters are the coefficients of the kernels. Fields live on points that are
# even in ``log x``, with the weights of that quadrature. ``on`` samples the same operator elsewhere.

s = torch.linspace(-12, 12, 1201, dtype=torch.float64)
x, weights = s.exp()[:, None], (s[1] - s[0]) * s.exp()
seed = torch.Generator().manual_seed(1)
right = iso.nn.IntegralOperator(kernels, x, weights, generator=seed)
wrong = iso.nn.IntegralOperator(replace(functions, event=(1, 1)), x, weights, generator=seed)


def field(points):
    return torch.exp(-points.log().square()) * (1 + points)


factor = 1.7
y = torch.linspace(-2, 2, 120, dtype=torch.float64).exp()[:, None]
figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharex=True)
for axis, operator, title in zip(axes, (right, wrong), ("degree -1: a kernel", "degree 0: a function"), strict=True):
    with torch.no_grad():
        moved_first = operator.on(x, weights, y)(field(factor * x)[None])[0, :, 0]
        moved_last = operator.on(x, weights, factor * y)(field(x)[None])[0, :, 0]
    error = float((moved_first - moved_last).abs().max() / moved_last.abs().max())
    axis.semilogx(y[:, 0], moved_last, label="apply, then dilate", lw=4, alpha=0.4)
    axis.semilogx(y[:, 0], moved_first, label="dilate, then apply", lw=1.5, color="k")
    axis.set(title=f"{title}; difference {error:.1g}", xlabel="y")
    axis.minorticks_off()
    axis.legend(frameon=False)
figure.tight_layout()
plt.show()
