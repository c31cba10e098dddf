"""What a teleport costs, in gradients of the same loss on the same batch.

Two networks, a perceptron with three hidden layers of 1024 and a decoder with rotary positions, grouped queries and
gated units. Three figures each, medians over rounds in which both sides are timed one after the other: one
teleport by rescaling (``balance_grad``, from the first pass to the check of the loss), one step of the Lie gradient
with its product with the Hessian over all groups, and following one call to find the symmetries.

    python benchmarks/teleport_cost.py
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from networks import Transformer
from torch import Tensor, nn
from torch.nn import functional

from isotropy.parameters import ParameterSymmetry, lie_gradient, symmetries, teleport

Case = tuple[nn.Module, Tensor, Callable[[], Tensor]]
TARGETS = {"rescaling_teleport": 2.0, "lie_gradient_step": 4.0}


def perceptron(width: int, batch: int) -> Case:
    layers: list[nn.Module] = [nn.Linear(784, width), nn.ReLU()]
    for _ in range(2):
        layers += [nn.Linear(width, width), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(width, 10))
    x, y = torch.randn(batch, 784), torch.randint(0, 10, (batch,))
    return model, x[:2], lambda: functional.cross_entropy(model(x), y)


def decoder(width: int, batch: int) -> Case:
    model = Transformer(vocabulary=512, width=width, heads=8, groups=2, hidden=3 * width, layers=4)
    tokens = torch.randint(0, 512, (batch, 65))

    def loss() -> Tensor:
        return functional.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())

    return model, tokens[:1, :8], loss


def lie_step(model: nn.Module, loss: Callable[[], Tensor], found: ParameterSymmetry) -> None:
    """One gradient, one product with the Hessian, its pairing with all generators, and the move."""
    owners = dict(model.named_parameters())
    slope = lie_gradient(model, loss, found)
    values = {name: p.detach() for name, p in owners.items()}
    for block, own in zip(found.blocks, found.parts(0.01 * slope / slope.norm()), strict=True):
        block.act_(block.exp(own), values)


def gradient(model: nn.Module, loss: Callable[[], Tensor]) -> None:
    torch.autograd.grad(loss(), list(model.parameters()))


def measure(
    name: str, make: Callable[[], tuple[nn.Module, Tensor, Callable[[], Tensor]]], rounds: int
) -> dict[str, Any]:
    torch.manual_seed(0)
    model, example, loss = make()
    start = time.perf_counter()
    found = symmetries(model, example)
    seconds = time.perf_counter() - start
    scales = found.select("scaling")
    report = teleport(model, loss, scales, "balance_grad")
    tasks: dict[str, Callable[[], Any]] = {
        "gradient": lambda: gradient(model, loss),
        "rescaling_teleport": lambda: teleport(model, loss, scales, "balance_grad"),
        "lie_gradient_step": lambda: lie_step(model, loss, found),
    }
    times: dict[str, list[float]] = {task: [] for task in tasks}
    for _ in range(rounds):
        for task, run in tasks.items():
            begin = time.process_time()
            run()
            times[task].append(time.process_time() - begin)
    base = statistics.median(times["gradient"])
    ratios = {task: statistics.median(times[task]) / base for task in TARGETS}
    return {
        "network": name,
        "parameters": sum(p.numel() for p in model.parameters()),
        "dimension": found.dim,
        "scales": scales.dim,
        "gradient_seconds": base,
        "find_symmetries_in_gradients": seconds / base,
        "in_gradients": ratios,
        "teleport_accepted": report.accepted,
        "loss_change": report.loss_change,
        "met": all(ratios[task] <= most for task, most in TARGETS.items()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--decoder-width", type=int, default=256)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    results = [
        measure("perceptron", lambda: perceptron(chosen.width, chosen.batch), chosen.rounds),
        measure("decoder", lambda: decoder(chosen.decoder_width, max(1, chosen.batch // 32)), chosen.rounds),
    ]
    print(json.dumps({"targets": TARGETS, "threads": torch.get_num_threads(), "results": results}, indent=1))


if __name__ == "__main__":
    main()
