"""Digits turned and scrambled: an L-conv whose generator was discovered on other images, beside CNN and FC."""

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

import isotropy as iso
from isotropy.datasets import bump_images

SIZE = 8
PIXELS = SIZE * SIZE
EPOCHS = 40
TURNS = 12  # of the orbit, evenly over the whole circle
MODELS = ("discovered", "other orbit", "one layer", "augmented", "learnt", "random", "cnn", "fc")
DISCOVERED = ("discovered", "other orbit", "one layer", "augmented")  # these hold a generator from elsewhere
CONDITIONS = ("plain", "turned", "turned and scrambled")


class OrbitNet(nn.Module):
    """Move an image along its orbit by the flow of an L-conv, see every place with the same filters, keep the largest.

    The generator is part of the state and counts among the parameters.
    """

    def __init__(self, generator: Tensor, filters: int) -> None:
        super().__init__()
        flow = iso.nn.LConvFlow(generator)
        times = 2 * math.pi * torch.arange(TURNS) / TURNS
        self.orbit = iso.nn.DenseGenerators(flow.matrix(times[:, None]), frozen=True)
        self.filters, self.head = nn.Linear(PIXELS, filters), nn.Linear(filters, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(batch, 10)` of images `(batch, 64)`."""
        return self.head(self.filters(self.orbit(x)).relu().amax(0))


class LayerNet(nn.Module):
    """One L-conv, ReLU, one dense layer."""

    def __init__(self, generators: iso.nn.Generators, filters: int) -> None:
        super().__init__()
        self.layer, self.head = iso.nn.LConv(1, filters, generators), nn.Linear(filters * PIXELS, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(batch, 10)` of images `(batch, 64)`."""
        return self.head(self.layer(x[:, None]).relu().flatten(1))


class AugmentedNet(nn.Sequential):
    """A dense network whose training images are moved along the orbit by random times, to a quarter turn either way."""

    def __init__(self, generator: Tensor, units: int) -> None:
        super().__init__(nn.Linear(PIXELS, units), nn.ReLU(), nn.Linear(units, 10))
        self.flow = iso.nn.LConvFlow(generator)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(batch, 10)` of images `(batch, 64)`."""
        if self.training:
            x = self.flow(x, math.pi * (torch.rand(len(x), 1) - 0.5))
        first, rectified, last = list(self)[:3]
        return last(rectified(first(x)))


def build(model: str, generator: Tensor) -> nn.Module:
    """A network with about 14 000 numbers, generators included."""
    if model in ("discovered", "other orbit"):
        return OrbitNet(generator, 132)
    if model == "one layer":
        return LayerNet(iso.nn.DenseGenerators(generator * (PIXELS**0.5 / generator.norm()), frozen=True), 15)
    if model == "augmented":
        return AugmentedNet(generator, 132)
    if model in ("learnt", "random"):
        return LayerNet(iso.nn.LowRankGenerators(PIXELS, 5, rank=6, frozen=model == "random"), 16)
    if model == "cnn":
        layers = [
            nn.Unflatten(1, (1, SIZE, SIZE)),
            nn.Conv2d(1, 38, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(38 * 36, 10),
        ]
        return nn.Sequential(*layers)
    return nn.Sequential(nn.Linear(PIXELS, 187), nn.ReLU(), nn.Linear(187, 10))


def count_numbers(model: str, network: nn.Module) -> int:
    """Parameters, and the entries of a generator that was found elsewhere."""
    return sum(p.numel() for p in network.parameters()) + (PIXELS * PIXELS if model in DISCOVERED else 0)


def scramble(condition: str) -> Tensor:
    """The order of pixels, one and the same for every image and seed."""
    mixed = torch.randperm(PIXELS, generator=torch.Generator().manual_seed(99))
    return mixed if condition == "turned and scrambled" else torch.arange(PIXELS)


@cache
def discover_generator(condition: str) -> Tensor:
    """The generator of turns of bump images, scrambled as the digits are, from pairs."""
    order = scramble(condition)
    count = 1000
    times = (2 * torch.rand(count, generator=torch.Generator().manual_seed(7), dtype=torch.float64) - 1) * math.pi / 8
    shape = {"size": SIZE, "radius": 0.8, "width": 0.3}
    x, y = bump_images(count, **shape), bump_images(count, times, **shape)
    return iso.discover.FromPairs(antisymmetric=True, resolution=1e-3).fit(x[:, order], y[:, order], times).generators_


def choose_generator(model: str, condition: str) -> Tensor:
    """The discovered generator; or another one with the same weights, in directions drawn at random."""
    if model not in DISCOVERED:
        return torch.empty(0)
    found = discover_generator(condition)
    if model != "other orbit":
        return found
    draws = torch.randn(PIXELS, PIXELS, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    frame = torch.linalg.qr(draws).Q
    return frame @ found @ frame.T


def load(condition: str, seed: int) -> tuple[Tensor, Tensor]:
    """Images `(1797, 64)` and labels under a condition."""
    import numpy
    from scipy.ndimage import rotate
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    images = bunch.images / 16 - 0.5
    if condition != "plain":
        angles = numpy.random.default_rng(seed).uniform(-90, 90, len(images))
        turned = [
            rotate(image, angle, reshape=False, mode="nearest") for image, angle in zip(images, angles, strict=True)
        ]
        images = numpy.stack(turned)
    return torch.from_numpy(images).float().flatten(1)[:, scramble(condition)], torch.from_numpy(bunch.target)


def accuracy(model: str, condition: str, seed: int) -> dict[str, Any]:
    """Accuracy on the 40 % held out after a fixed number of epochs: no epoch is chosen."""
    from sklearn.model_selection import train_test_split

    x, y = load(condition, seed)
    parts: Any = train_test_split(torch.arange(len(x)), test_size=0.4, random_state=seed, stratify=y)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = build(model, choose_generator(model, condition))
        train(network, x[parts[0]], y[parts[0]])
    network.eval()
    with torch.no_grad():
        right = (network(x[parts[1]]).argmax(1) == y[parts[1]]).double().mean()
    return {"accuracy": round(float(right), 5), "numbers": count_numbers(model, network)}


def train(network: nn.Module, x: Tensor, y: Tensor) -> None:
    """Adam on the cross entropy."""
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x)).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
            optimiser.step()
