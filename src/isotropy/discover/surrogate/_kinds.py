"""The kinds of smooth model that compete to stand in for a map known only by samples.

A fitter takes standardised samples ``x (S, n)``, ``y (S, m)`` and a seed, and returns a `Model`: a function
from ``(..., n)`` to ``(..., m)`` in plain torch arithmetic, so that every derivative exists, with its
estimate of the variance of the noise in the targets (nan where it has none).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import combinations_with_replacement
from math import comb, sqrt
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from isotropy.discover.surrogate._networks import fit_network

__all__ = ["Fitter", "Model", "fitters"]


class Model(Protocol):
    """A smooth function with an estimate of the variance of the noise."""

    @property
    def noise(self) -> float: ...

    def __call__(self, x: Tensor, /) -> Tensor: ...


Fitter = Callable[[Tensor, Tensor, int], Model]

MAX_DEGREE = 5
MAX_TERMS = 1000
BLOCK = 8192
KERNEL_SAMPLES = 1000
LENGTH_SAMPLES = 300


def fitters(n_samples: int, n: int) -> dict[str, Fitter]:
    """Name every kind that `n_samples` training points in `n` dimensions can support."""
    limit = min(n_samples / 2, MAX_TERMS)
    degrees = [d for d in range(1, MAX_DEGREE + 1) if comb(n + d, d) < limit]
    found: dict[str, Fitter] = {f"polynomial-{d}": partial(fit_polynomial, degree=d) for d in degrees}
    found |= {f"kernel-{name}": partial(fit_kernel, kernel=kernel) for name, kernel in KERNELS.items()}
    return found | {f"network-{name}": partial(fit_network, activation=f) for name, f in ACTIVATIONS.items()}


@dataclass(frozen=True)
class Monomials:
    """All monomials up to a degree, each the product of a shorter one and one coordinate."""

    steps: tuple[tuple[Tensor, Tensor], ...]

    @classmethod
    def up_to(cls, degree: int, n: int, device: torch.device) -> "Monomials":
        """List, per degree, the parent monomial and the coordinate that extends it."""
        steps: list[tuple[Tensor, Tensor]] = []
        parents: dict[tuple[int, ...], int] = {(): 0}
        for d in range(1, degree + 1):
            words = list(combinations_with_replacement(range(n), d))
            parent = torch.tensor([parents[word[:-1]] for word in words], device=device)
            steps.append((parent, torch.tensor([word[-1] for word in words], device=device)))
            parents = {word: k for k, word in enumerate(words)}
        return cls(tuple(steps))

    def __call__(self, x: Tensor) -> Tensor:
        """Evaluate ``(..., n)`` to ``(..., terms)``, the constant first."""
        levels = [torch.ones_like(x[..., :1])]
        for parent, last in self.steps:
            levels.append(levels[-1][..., parent] * x[..., last])
        return torch.cat(levels, dim=-1)


@dataclass(frozen=True)
class Polynomial:
    """``monomials(x) @ coefficients``."""

    monomials: Monomials
    coefficients: Tensor
    noise: float

    def __call__(self, x: Tensor) -> Tensor:
        return self.monomials(x) @ self.coefficients


def fit_polynomial(x: Tensor, y: Tensor, seed: int, *, degree: int) -> Polynomial:
    """Fit a ridge polynomial by streamed QR; the penalty is chosen per output by generalised validation.

    With ``R`` the triangular factor of ``[1, terms, y]``, dropping the first row and column centres terms and
    targets, and the last columns hold ``Q^T y`` and the residual: no second pass over the data is needed.
    """
    monomials = Monomials.up_to(degree, x.shape[1], x.device)
    factor = x.new_zeros(0, 0)
    for xs, ys in zip(x.split(BLOCK), y.split(BLOCK), strict=True):
        block = torch.cat([monomials(xs), ys], dim=1)
        stacked = block if factor.numel() == 0 else torch.cat([factor, block])
        factor = torch.linalg.qr(stacked, mode="r").R
    terms = factor.shape[1] - y.shape[1]
    design, target, rest = factor[1:terms, 1:terms], factor[1:terms, terms:], factor[terms:, terms:]
    size = torch.linalg.vector_norm(design, dim=0)
    size = torch.where(size > 0, size, torch.ones_like(size))
    weights, noise = _ridge(design / size, target, rest.square().sum(0), len(x))
    weights = weights / size[:, None]
    constant = (factor[:1, terms:] - factor[:1, 1:terms] @ weights) / factor[0, 0]
    return Polynomial(monomials, torch.cat([constant, weights]), noise)


def _ridge(design: Tensor, target: Tensor, rest: Tensor, count: int) -> tuple[Tensor, float]:
    """Solve ridge for every penalty on a grid and keep, per output, the one of least GCV score.

    The noise is the residual sum of squares over the degrees of freedom that are left.
    """
    u, s, vt = torch.linalg.svd(design, full_matrices=False)
    z = u.T @ target
    penalty = torch.logspace(-14, 1, 46, dtype=design.dtype, device=design.device)[:, None]
    kept = s.square() / (s.square() + penalty)
    residual = rest + ((1 - kept)[..., None] * z).square().sum(1)
    variance = residual / (count - 1 - kept.sum(1, keepdim=True))
    best = (variance.square() / residual.clamp_min(1e-300)).argmin(0)
    inverse = torch.where(s > s[0] * 1e-14, 1 / s, torch.zeros_like(s))
    noise = float(variance.gather(0, best[None]).mean())
    return vt.T @ (kept[best].T * inverse[:, None] * z), noise


def _gaussian(square: Tensor) -> Tensor:
    """``exp(-r^2 / 2)`` from the squared distance."""
    return torch.exp(-square / 2)


def _matern(square: Tensor) -> Tensor:
    """Matern-5/2 of ``sqrt(r^2 + 1e-6)``: still a mixture of Gaussians, and smooth at r = 0 too."""
    r = torch.sqrt(5 * (square + 1e-6))
    return (1 + r + r * r / 3) * torch.exp(-r)


KERNELS = {"gaussian": _gaussian, "matern": _matern}
ACTIVATIONS = {"tanh": torch.tanh, "silu": functional.silu}


def _squares(x: Tensor, centers: Tensor) -> Tensor:
    """Squared distances ``(..., centers)`` without a ``(..., centers, n)`` intermediate."""
    return (x * x).sum(-1, keepdim=True) + (centers * centers).sum(-1) - 2 * x @ centers.T


@dataclass(frozen=True)
class KernelModel:
    """``kernel(|x - centers|^2 / length^2) @ weights`` plus a linear trend."""

    kernel: Callable[[Tensor], Tensor]
    centers: Tensor
    length: float
    weights: Tensor
    trend: Polynomial
    noise: float

    def __call__(self, x: Tensor) -> Tensor:
        return self.kernel(_squares(x, self.centers) / self.length**2) @ self.weights + self.trend(x)


def fit_kernel(x: Tensor, y: Tensor, seed: int, *, kernel: Callable[[Tensor], Tensor]) -> KernelModel:
    """Fit the mean of a Gaussian process around a linear trend; length and noise by marginal likelihood.

    Above ``KERNEL_SAMPLES`` points a random subset carries the kernel; the length is found on a smaller one.
    """
    trend = fit_polynomial(x, y, seed, degree=1)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).to(x.device)
    few, many = order[:LENGTH_SAMPLES], order[:KERNEL_SAMPLES]
    rest = y - trend(x)
    length = _length(kernel, x[few], rest[few])
    gram = kernel(_squares(x[many], x[many]) / length**2)
    w, u, z = _spectrum(gram, rest[many])
    _, nugget = _likelihood(w, z)
    weights = z / (w + nugget)[:, None]
    noise = nugget * float((z * weights).mean())
    return KernelModel(kernel, x[many], length, u @ weights, trend, noise)


def _length(kernel: Callable[[Tensor], Tensor], x: Tensor, y: Tensor) -> float:
    """Length scale of highest likelihood: a coarse grid over two decades and a half, then a fine one."""
    square, best, step = _squares(x, x), sqrt(x.shape[1]), 10 ** (1 / 4)
    for grid in (range(-5, 6), (-0.5, 0.0, 0.5)):
        lengths = [best * step**k for k in grid]
        best = max(lengths, key=lambda a: _likelihood(*_spectrum(kernel(square / a**2), y)[::2])[0])
    return best


def _spectrum(gram: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Eigenvalues (clipped at zero), eigenvectors and the targets in that basis."""
    w, u = torch.linalg.eigh(gram)
    return w.clamp_min(0), u, u.T @ y


def _likelihood(w: Tensor, z: Tensor) -> tuple[float, float]:
    """Highest marginal likelihood over the nugget, the amplitude solved exactly, and that nugget."""
    nugget = torch.logspace(-11, 1, 49, dtype=w.dtype, device=w.device)[:, None]
    spread = w + nugget
    power = (z.square().sum(1) / spread).mean(1) / z.shape[1]
    value = -(power.clamp_min(1e-300).log() + spread.log().mean(1)) / 2
    best = int(value.argmax())
    return float(value[best]), float(nugget[best])
