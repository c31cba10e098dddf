"""Class-based PCA beside its controls: frozen features, first epochs, samples needed, and what training does.

Ten splits of scikit-learn's digits, 60 % for training; where ISOTROPY_MNIST names a folder with MNIST's
files, the same on 10,000 of its images. Figures are accuracies on held-out images.
"""

from __future__ import annotations

import copy
import os
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from isotropy.datasets import mnist
from isotropy.nn.init import alignment, class_pca_, half_times, sample_convergence
from isotropy.nn.init._moments import ClassMoments
from isotropy.nn.init._passes import Batches, executed_layers, layer_inputs, still
from isotropy.nn.init._patches import WEIGHTED, layer_rows

SEEDS = 10
UNITS = (10, 20, 40, 80)
EPOCHS = 12
COUNTS = (50, 100, 200, 400)
Data = tuple[Tensor, Tensor, Tensor, Tensor]
Directions = Callable[[ClassMoments, int, torch.Generator], Tensor]


def digits_split(seed: int) -> Data:
    """Training and held-out digits `(samples, 1, 8, 8)`."""
    bunch: Any = load_digits()
    x, y = torch.tensor(bunch.data / 16, dtype=torch.float32).reshape(-1, 1, 8, 8), torch.tensor(bunch.target)
    first, second = train_test_split(range(len(y)), test_size=0.4, stratify=y, random_state=seed)
    return x[first], y[first], x[second], y[second]


def mnist_split(folder: Path, seed: int) -> Data:
    """Ten thousand training images of MNIST, drawn by the seed, and its test images."""
    train, test = mnist(folder), mnist(folder, "test")
    chosen = torch.randperm(len(train.x), generator=torch.Generator().manual_seed(seed))[:10000]
    return train.x[chosen], train.labels[chosen], test.x, test.labels


# Controls --------------------------------------------------------------------


def random_directions(moments: ClassMoments, count: int, generator: torch.Generator) -> Tensor:
    return torch.randn(count, moments.size, generator=generator, dtype=torch.float64)


def orthogonal_directions(moments: ClassMoments, count: int, generator: torch.Generator) -> Tensor:
    blocks = [
        torch.linalg.qr(torch.randn(moments.size, moments.size, generator=generator, dtype=torch.float64)).Q
        for _ in range(0, count, moments.size)
    ]
    return torch.cat(blocks)[:count]


def all_directions(moments: ClassMoments, count: int, generator: torch.Generator) -> Tensor:
    """Principal components of all rows, then their negatives, then random ones."""
    values, axes = torch.linalg.eigh(moments.summary().covariance)
    rows = axes[:, values > 1e-10 * values[-1]].T.flip(0)
    extra = random_directions(moments, max(0, count - 2 * len(rows)), generator)
    return torch.cat([rows, -rows, extra])[:count]


def within_directions(moments: ClassMoments, count: int, generator: torch.Generator) -> Tensor:
    """Principal components of each class about its own mean: the naive reading of the method."""
    summary = moments.summary()
    away = summary.means - summary.mean
    scatters = summary.seconds - away[:, :, None] * away[:, None, :]
    rows = torch.linalg.eigh(scatters).eigenvectors.mT.flip(1)[:, : -(-count // len(scatters))]
    return rows.transpose(0, 1).flatten(0, 1)[:count]


CONTROLS: dict[str, Directions] = {
    "random": random_directions,
    "orthogonal": orthogonal_directions,
    "PCA of all": all_directions,
    "class, about its own mean": within_directions,
}
WAYS = [*CONTROLS, "class, lam 0", "class, lam 1"]


@torch.no_grad()
def fill_control(net: nn.Module, x: Tensor, y: Tensor, directions: Directions, seed: int) -> None:
    """Fill all layers but the last with directions of unit variance and mean zero, as ``class_pca_`` does."""
    generator, batches = torch.Generator().manual_seed(seed), Batches(net, x, y, 512)
    with still(net):
        layers = [module for _, module in executed_layers(net, x[:2]) if isinstance(module, WEIGHTED)]
        for layer in layers[:-1]:
            moments = ClassMoments(layer.weight[0].numel())
            for h, labels in layer_inputs(net, layer, batches):
                rows = layer_rows(layer, h)[0]
                moments.update(rows.flatten(0, 1), labels.repeat_interleave(rows.shape[1]))
            found, summary = directions(moments, len(layer.weight), generator), moments.summary()
            spread = torch.einsum("ki,ij,kj->k", found, summary.covariance, found).clamp(min=1e-12).sqrt()
            weight = found / spread[:, None]
            layer.weight.copy_(weight.reshape(layer.weight.shape))
            layer.bias.copy_(-weight @ summary.mean)


def fill(net: nn.Module, x: Tensor, y: Tensor, way: str, seed: int) -> None:
    """Fill a network by a way's name; "default" leaves it alone."""
    if way in CONTROLS:
        fill_control(net, x, y, CONTROLS[way], seed)
    elif way != "default":
        class_pca_(net, x, y, lam=float(way[-1]), seed=seed)


# Networks --------------------------------------------------------------------


def dense(data: Data, units: int, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(data[0][0].numel(), units), nn.ReLU(), nn.Linear(units, 10))


def convolutions(data: Data, count: int, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for before, after in [(1, 20), (20, 40)][:count]:
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    body = nn.Sequential(*layers, nn.Flatten())
    return nn.Sequential(*body, nn.Linear(body(data[0][:1]).shape[1], 10))


def frozen_score(net: nn.Sequential, data: Data) -> float:
    """Logistic regression on what the network hands to its last layer."""
    with torch.no_grad():
        features, tests = (net[:-1](part).numpy() for part in (data[0], data[2]))
    head = LogisticRegression(max_iter=2000).fit(features, data[1].numpy())
    return float(head.score(tests, data[3].numpy()))


def score(net: nn.Module, data: Data) -> float:
    with torch.no_grad():
        return float((net(data[2]).argmax(1) == data[3]).double().mean())


def train(net: nn.Module, data: Data, epochs: int, seed: int, keep: bool = False) -> tuple[list[float], list[Any]]:
    """Held-out accuracy after each epoch of Adam, and the states where they are asked for."""
    optimizer, generator = torch.optim.Adam(net.parameters(), lr=1e-3), torch.Generator().manual_seed(seed)
    scores, states = [], [copy.deepcopy(net.state_dict())] if keep else []
    for _ in range(epochs):
        for batch in torch.randperm(len(data[0]), generator=generator).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(data[0][batch]), data[1][batch]).backward()
            optimizer.step()
        scores.append(score(net, data))
        if keep:
            states.append(copy.deepcopy(net.state_dict()))
    return scores, states


# Parts -----------------------------------------------------------------------


def frozen_dense(data: Data, seed: int) -> dict[str, float]:
    found = {}
    for units in UNITS:
        for way in WAYS:
            net = dense(data, units, seed)
            fill(net, data[0], data[1], way, seed)
            found[f"{units} {way}"] = frozen_score(net, data)
    return found


def frozen_convolutions(data: Data, seed: int) -> dict[str, float]:
    found = {}
    for count in (1, 2):
        for way in WAYS:
            net = convolutions(data, count, seed)
            fill(net, data[0], data[1], way, seed)
            found[f"{count} {way}"] = frozen_score(net, data)
    return found


def first_epochs(data: Data, seed: int) -> dict[str, list[float]]:
    """Two convolutions from each start; the two that matter most are trained longer."""
    found = {}
    for way in ("default", *WAYS):
        net = convolutions(data, 2, seed)
        fill(net, data[0], data[1], way, seed)
        found[way] = train(net, data, EPOCHS if way in ("default", "class, lam 1") else 3, seed)[0]
    return found


def samples_needed(data: Data, seed: int) -> dict[str, dict[str, float]]:
    """Filters of few samples: with all labels in the head, and with the same few."""
    x, y = torch.cat([data[0], data[2]]).flatten(1), torch.cat([data[1], data[3]])
    counts = [count for count in COUNTS if count <= len(data[0])]
    entries = sample_convergence(x, y, counts, held_out=len(data[2]) / len(x), seed=seed)
    return {str(e.samples): {"accuracy": e.accuracy, "overlap": e.overlap} for e in entries}


def few_samples(data: Data, seed: int) -> dict[str, dict[str, float]]:
    """Everything from few samples: class-based PCA with its head, and logistic regression on pixels."""
    found = {}
    for count in COUNTS:
        part = (data[0][:count], data[1][:count], data[2], data[3])
        net = dense(data, 40, seed)
        fill(net, part[0], part[1], "class, lam 1", seed)
        pixels = LogisticRegression(max_iter=2000).fit(part[0].flatten(1).numpy(), part[1].numpy())
        found[str(count)] = {
            "class-based PCA": frozen_score(net, part),
            "pixels": float(pixels.score(data[2].flatten(1).numpy(), data[3].numpy())),
        }
    return found


def training(data: Data, seed: int) -> dict[str, dict[str, float]]:
    """When each of four layers has gone half its way, and where the first weights of a small net end."""
    torch.manual_seed(seed)
    sizes, n = [64, 64, 64, 64, 10], data[0][0].numel()
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in zip([n, *sizes], sizes, strict=False):
        layers += [nn.Linear(before, after), nn.ReLU()]
    times = half_times(train(nn.Sequential(*layers[:-1]), data, 20, seed, keep=True)[1])
    net = dense(data, 40, seed)
    with torch.no_grad():
        net[1].weight.mul_(1e-2)
    train(net, data, 20, seed)
    weights = [time for name, time in times.items() if name.endswith("weight")]
    return {
        "half_times": {f"layer {i}": time for i, time in enumerate(weights, 1)},
        "alignment": alignment(net[1].weight, data[0].flatten(1), data[1]),
    }


PARTS: dict[str, Callable[[Data, int], Any]] = {
    "frozen_dense": frozen_dense,
    "frozen_convolutions": frozen_convolutions,
    "first_epochs": first_epochs,
    "samples_needed": samples_needed,
    "few_samples": few_samples,
    "training": training,
}


def tasks() -> dict[str, Callable[[], dict[str, Any]]]:
    """Every measurement by name: data set, part, seed."""
    folder = os.environ.get("ISOTROPY_MNIST")
    sets = {"digits": digits_split} | ({"mnist": partial(mnist_split, Path(folder))} if folder else {})
    return {
        f"{name}|{part}|{seed}": partial(measure, work, split, seed)
        for name, split in sets.items()
        for seed in range(SEEDS)
        for part, work in PARTS.items()
    }


def measure(work: Callable[[Data, int], Any], split: Callable[[int], Data], seed: int) -> dict[str, Any]:
    return work(split(seed), seed)


# Tables ----------------------------------------------------------------------


def mean(values: list[float]) -> str:
    """Mean and standard deviation, as in ".970 ± .006"."""
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.fmean(values):.3f} ± {spread:.3f}"


def rows(labels: list[str], columns: list[str], cell: Callable[[str, str], str]) -> str:
    return "".join(f"| {label} | " + " | ".join(cell(label, column) for column in columns) + " |\n" for label in labels)


def header(first: str, columns: list[str]) -> str:
    return f"\n| {first} | " + " | ".join(columns) + " |\n" + "|---" * (len(columns) + 1) + "|\n"


def table(results: dict[str, Any]) -> str:
    """The part of the page about class-based PCA."""
    sets: dict[str, dict[str, list[Any]]] = {}
    for key in sorted(results):
        name, part, _ = key.split("|")
        sets.setdefault(name, {}).setdefault(part, []).append(results[key])
    return HEAD + "".join(_of_set(name, parts) for name, parts in sets.items())


def _of_set(name: str, seeds: dict[str, list[Any]]) -> str:
    """Tables of one data set."""

    def pick(part: str, *path: str) -> str:
        found = seeds[part]
        for key in path:
            found = [cell[int(key) if isinstance(cell, list) else key] for cell in found]
        return mean(found)

    units, depths = [str(count) for count in UNITS], ["1", "2"]
    start = ["default", *WAYS]
    epochs = {"1": "0", "3": "2", "12": "11"}
    longest = {way: len(seeds["first_epochs"][0][way]) for way in start}
    counts = [count for count in seeds["samples_needed"][0] if count.isdigit()]
    layers, spans = list(seeds["training"][0]["half_times"]), list(seeds["training"][0]["alignment"])
    return "".join(
        [
            f"\n### {name}, {len(seeds['frozen_dense'])} splits\n",
            "\nFrozen dense layer, ReLU, logistic regression:\n",
            header("start", [f"{count} units" for count in units]),
            rows(WAYS, units, lambda way, count: pick("frozen_dense", f"{count} {way}")),
            "\nFrozen 3 by 3 convolutions (20, then 40 filters, pooled), logistic regression:\n",
            header("start", ["one layer", "two layers"]),
            rows(WAYS, depths, lambda way, depth: pick("frozen_convolutions", f"{depth} {way}")),
            "\nThe same two convolutions trained by Adam from each start:\n",
            header("start", [f"epoch {epoch}" for epoch in epochs]),
            rows(
                start,
                list(epochs),
                lambda way, e: pick("first_epochs", way, epochs[e]) if int(epochs[e]) < longest[way] else "",
            ),
            "\nFilters of few samples, the head on all of them, and everything from few samples (40 units):\n",
            header("samples", ["filters only", "overlap with all", "everything", "logistic regression on pixels"]),
            rows(
                counts,
                ["accuracy", "overlap", "class-based PCA", "pixels"],
                lambda count, what: (
                    pick("samples_needed", count, what)
                    if what in ("accuracy", "overlap")
                    else pick("few_samples", count, what)
                    if count in seeds["few_samples"][0]
                    else ""
                ),
            ),
            "\nEpochs until each weight of a net of five layers has gone half its way:\n",
            header("", layers),
            rows(["half time"], layers, lambda _, layer: pick("training", "half_times", layer)),
            "\nShare of a trained first layer's squared norm in subspaces of as many dimensions as classes:\n",
            header("", spans),
            rows(["share"], spans, lambda _, span: pick("training", "alignment", span)),
        ]
    )


HEAD = """## Class-based PCA

Published (arXiv 1703.04757, ICASSP 2019): one and two convolutional layers replaced on MNIST, CIFAR-10 and CIFAR-100,
"comparable or superior" to the same network trained by gradients, often from a fraction of the data; that lower layers
settle first. We know of no published table of figures, so the controls are the comparison. Mean and standard deviation
over splits.

Two readings of the method matter. Taken word for word, principal components of each class (`lam 0`, or about the
class's own mean) repeat for every class what all images share, and make convolutions *worse* than random filters.
Taking the covariance of all away (`lam 1`, the default) removes what is shared. The sign of a filter decides what the
rectifier keeps, which is why plain PCA does badly in a dense layer.
"""
