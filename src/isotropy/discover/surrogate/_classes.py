"""The kinds of smooth logits that compete where the targets are classes.

A fitter takes standardised samples ``x (S, n)``, labels ``(S,)`` and a seed, and returns `Logits`. Only differences of
logits are seen by labels, and separable labels leave even their size open; so logits are centred over the classes and
brought to a common spread over the samples, which no symmetry notices.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import comb

import torch
from torch import Tensor
from torch.nn import functional

from isotropy.discover.surrogate._kinds import Monomials
from isotropy.discover.surrogate._networks import held_back, train_classifier

__all__ = ["ClassFitter", "Logits", "class_fitters"]

# Linear logits have the symmetries of a half-space whatever the labels say, so they do not compete.
LEAST_DEGREE, MAX_DEGREE, MAX_WEIGHTS = 2, 3, 300
PENALTIES = [10.0**-k for k in range(1, 8)]
ITERATIONS = 30


@dataclass(frozen=True)
class Logits:
    """``raw`` logits ``(..., classes)``, centred over the classes, over their ``spread``."""

    raw: Callable[[Tensor], Tensor]
    spread: Tensor

    @classmethod
    def of(cls, raw: Callable[[Tensor], Tensor], x: Tensor) -> "Logits":
        """Measure the spread on samples ``(S, n)``."""
        values = _centred(raw(x))
        spread = (values - values.mean(0)).square().mean().sqrt()
        return cls(raw, torch.where(spread > 0, spread, torch.ones_like(spread)))

    def __call__(self, x: Tensor) -> Tensor:
        return _centred(self.raw(x)) / self.spread


ClassFitter = Callable[[Tensor, Tensor, int], Logits]


def class_fitters(n_samples: int, n: int, classes: int) -> dict[str, ClassFitter]:
    """Name every kind that `n_samples` training points in `n` dimensions can support."""
    limit = min(n_samples / 4, MAX_WEIGHTS) / (classes - 1)
    degrees = [d for d in range(LEAST_DEGREE, MAX_DEGREE + 1) if comb(n + d, d) < limit]
    found: dict[str, ClassFitter] = {
        f"classifier-logistic-{d}": partial(fit_logistic, degree=d, classes=classes) for d in degrees
    }
    return found | {f"classifier-{name}": partial(_fit_network, classes=classes, **NETS[name]) for name in NETS}


# Weaker penalties saturate the logits of separable classes: their values get better and their gradients worse.
NETS = {
    "silu": {"widths": [32, 32], "activation": functional.silu, "decay": 3e-3, "smoothing": 0.1},
    "softplus": {"widths": [64], "activation": functional.softplus, "decay": 1e-3, "smoothing": 0.0},
}


def _fit_network(
    x: Tensor,
    labels: Tensor,
    seed: int,
    *,
    classes: int,
    widths: list[int],
    activation: Callable[[Tensor], Tensor],
    decay: float,
    smoothing: float,
) -> Logits:
    sizes = [x.shape[1], *widths, classes]
    return Logits.of(train_classifier(x, labels, sizes, activation, decay, smoothing, seed), x)


def fit_logistic(x: Tensor, labels: Tensor, seed: int, *, degree: int, classes: int) -> Logits:
    """Fit logits that are polynomials; the penalty on their coefficients has the least log-loss on samples held back.

    Penalties fall until the log-loss on the samples held back has risen twice.
    """
    monomials = Monomials.up_to(degree, x.shape[1], x.device)
    terms = monomials(x)[:, 1:]
    center, size = terms.mean(0), terms.std(0).clamp_min(1e-300)
    scaled = (terms - center) / size
    held, kept = held_back(len(x), seed)
    penalty = _best_penalty(scaled, labels, held, kept, classes)
    weights, shift = _logistic(scaled, labels, penalty, classes)
    weights = weights / size[:, None]
    coefficients = torch.cat([(shift - center @ weights)[None], weights])
    return Logits.of(lambda z: monomials(z) @ coefficients, x)


def _best_penalty(terms: Tensor, labels: Tensor, held: Tensor, kept: Tensor, classes: int) -> float:
    """The penalty of least log-loss on the samples held back."""
    losses: list[float] = []
    for penalty in PENALTIES:
        weights, shift = _logistic(terms[kept], labels[kept], penalty, classes)
        losses.append(float(functional.cross_entropy(terms[held] @ weights + shift, labels[held])))
        if len(losses) > 2 and all(a < b for a, b in pairwise(losses[-3:])):
            break
    return PENALTIES[min(range(len(losses)), key=losses.__getitem__)]


def _logistic(terms: Tensor, labels: Tensor, penalty: float, classes: int) -> tuple[Tensor, Tensor]:
    """Weights ``(terms, classes)`` and shifts ``(classes,)`` of least ``log-loss + penalty |weights|^2 / 2``."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1 / (penalty * len(terms)), solver="newton-cholesky", max_iter=ITERATIONS, tol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that has not converged competes like any other, by its log-loss
        model.fit(terms.cpu().numpy(), labels.cpu().numpy())
    weights = terms.new_zeros(terms.shape[1], classes)
    shift = terms.new_zeros(classes)
    seen = [int(label) for label in model.classes_]
    columns = seen if len(seen) > 2 else seen[1:]
    weights[:, columns] = torch.as_tensor(model.coef_.T).to(terms)
    shift[columns] = torch.as_tensor(model.intercept_).to(terms)
    return weights, shift


def _centred(values: Tensor) -> Tensor:
    return values - values.mean(-1, keepdim=True)
