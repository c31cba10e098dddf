"""Cost of the Lie derivative of a convolutional classifier, in forward passes per generator.

A network of the shape of ResNet-18 with random weights classifies 3 x SIZE x SIZE images; the generators are a
rotation and both shifts. Prints JSON: seconds of a forward pass and of the Lie derivative (medians), and their ratio.

    python benchmarks/lie_derivative_of_resnet.py --size 64 --classes 1000 --batch 8 --threads 1
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

import isotropy as iso
from isotropy.actions import Image, Trivial

TARGET = 3.5  # forward passes per generator


class Block(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, wide_in: int, wide_out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(_convolution(wide_in, wide_out, stride), nn.ReLU())
        self.second = _convolution(wide_out, wide_out, 1)
        straight = stride == 1 and wide_in == wide_out
        self.shortcut = nn.Identity() if straight else _convolution(wide_in, wide_out, stride, size=1)

    def forward(self, x: Tensor) -> Tensor:
        """Add the shortcut and rectify."""
        return torch.relu(self.second(self.first(x)) + self.shortcut(x))


def make_network(classes: int) -> nn.Module:
    widths = [64, 64, 128, 256, 512]
    blocks: list[nn.Module] = []
    for k in range(4):
        blocks += [Block(widths[k], widths[k + 1], 1 if k == 0 else 2), Block(widths[k + 1], widths[k + 1], 1)]
    stem = [_convolution(3, 64, 2, size=7), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes)).eval()


def measure(size: int, classes: int, batch: int, repeats: int, method: str) -> dict[str, Any]:
    torch.manual_seed(0)
    network, images = make_network(classes), torch.randn(batch, 3, size, size)
    action = Image(iso.se(2), size, size, 3)
    derivative = iso.LieDerivative(network, action, Trivial(action.algebra, (classes,)), method=method)
    tasks: dict[str, Callable[[], Any]] = {
        "forward": lambda: _forward(network, images),
        "lie_derivative": lambda: derivative(images),
    }
    seconds = _timed(tasks, repeats)
    ratio = seconds["lie_derivative"] / seconds["forward"] / action.algebra.dim
    return {
        "question": "forward passes per generator of a Lie derivative",
        "size": size,
        "classes": classes,
        "batch": batch,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "method": derivative.method,
        "generators": action.algebra.dim,
        "seconds": seconds,
        "forward_passes_per_generator": round(ratio, 3),
        "target": TARGET,
        "met": ratio <= TARGET,
    }


def _convolution(wide_in: int, wide_out: int, stride: int, size: int = 3) -> nn.Module:
    layer = nn.Conv2d(wide_in, wide_out, size, stride, size // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(wide_out))


def _forward(network: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return network(images)


def _timed(tasks: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of each task, in turn so that a busy machine slows all alike; CPU time on one thread."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for round_ in range(repeats + 1):
        for name, task in tasks.items():
            start = clock()
            task()
            if round_:  # the first round warms up
                taken[name].append(clock() - start)
    return {name: statistics.median(times) for name, times in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--method", default="forward")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    print(json.dumps(measure(chosen.size, chosen.classes, chosen.batch, chosen.repeats, chosen.method), indent=1))


if __name__ == "__main__":
    main()
