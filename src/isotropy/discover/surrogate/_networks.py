"""Small smooth networks: stand-ins for maps of many variables, and logits for classes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import nan, sqrt

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Network", "fit_network", "held_back", "train_classifier"]

WIDTHS = [32, 32]
ROUNDS, STEPS, PATIENCE = 20, 10, 4
HELD_BACK = 0.15
MAX_SAMPLES = 4096
REGRESSION_DECAY = 2e-4

Activation = Callable[[Tensor], Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Network:
    """A fully connected network as a plain function ``(..., n) -> (..., m)``; its noise is not known."""

    layers: tuple[tuple[Tensor, Tensor], ...]
    activation: Activation
    noise: float = nan

    def __call__(self, x: Tensor) -> Tensor:
        for weight, bias in self.layers[:-1]:
            x = self.activation(x @ weight + bias)
        weight, bias = self.layers[-1]
        return x @ weight + bias


def fit_network(x: Tensor, y: Tensor, seed: int, *, activation: Activation) -> Network:
    """Fit ``y (S, m)`` by least squares."""
    start = _initial([x.shape[1], *WIDTHS, y.shape[1]], x, activation, seed)
    return _train(start, x, y, functional.mse_loss, REGRESSION_DECAY, seed)


def train_classifier(
    x: Tensor, labels: Tensor, sizes: list[int], activation: Activation, decay: float, smoothing: float, seed: int
) -> Network:
    """Fit logits to ``labels (S,)``; smoothed labels and weight decay keep them from saturating.

    Saturated logits are flat, and a flat map is symmetric under everything.
    """
    loss = partial(functional.cross_entropy, label_smoothing=smoothing)
    return _train(_initial(sizes, x, activation, seed), x, labels, loss, decay, seed)


def held_back(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Samples that judge a fit and samples that it sees, at most ``MAX_SAMPLES`` together."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))[:MAX_SAMPLES]
    held, kept = order.tensor_split([max(1, int(HELD_BACK * len(order)))])
    return held, kept


def _initial(sizes: list[int], like: Tensor, activation: Activation, seed: int) -> Network:
    """Random weights scaled by the fan in, zero biases."""
    generator = torch.Generator().manual_seed(seed)
    layers = []
    for a, b in pairwise(sizes):
        weight = torch.randn(a, b, generator=generator, dtype=like.dtype).to(like.device) / sqrt(a)
        layers.append((weight.requires_grad_(), torch.zeros_like(weight[0]).requires_grad_()))
    return Network(tuple(layers), activation)


def _frozen(network: Network) -> Network:
    """Copy the weights away from the optimizer and the graph."""
    layers = tuple((w.detach().clone(), b.detach().clone()) for w, b in network.layers)
    return Network(layers, network.activation)


def _train(network: Network, x: Tensor, y: Tensor, loss: Loss, decay: float, seed: int) -> Network:
    """Minimise ``loss + decay |weights|^2 / 2`` by L-BFGS; keep the round best on samples held back."""
    held, kept = (part.to(x.device) for part in held_back(len(x), seed))
    parameters = [p for layer in network.layers for p in layer]
    optimizer = torch.optim.LBFGS(parameters, max_iter=STEPS, history_size=20, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        penalty = torch.stack([weight.square().sum() for weight, _ in network.layers]).sum()
        value = loss(network(x[kept]), y[kept]) + decay * penalty / 2
        value.backward()
        return value

    best, chosen, since = float("inf"), _frozen(network), 0
    for _ in range(ROUNDS):
        optimizer.step(closure)  # pyright: ignore[reportArgumentType]
        with torch.no_grad():
            now = float(loss(network(x[held]), y[held]))
        since += 1
        if now < best:
            best, chosen, since = now, _frozen(network), 0
        if since > PATIENCE:
            break
    return chosen
