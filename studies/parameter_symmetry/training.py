"""Does teleportation pay? Two tasks, two initialisations, six arms at equal cost."""

import math
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from regression import move_randomly
from torch import Tensor, nn

from isotropy.parameters import symmetries, teleport

TASKS = ("digits", "digits unbalanced", "diabetes", "diabetes unbalanced")
ARMS = ("none", "reset", "random", "grad_norm", "balance_grad", "balance_weight")
RATES = {"digits": (0.03, 0.1, 0.3, 1.0, 3.0), "diabetes": (0.01, 0.03, 0.1, 0.3, 1.0)}
BUDGET = 200  # gradients
MOMENT = 5
TUNING = range(100, 105)
SEEDS = range(20)


@dataclass(frozen=True)
class Data:
    """Inputs and targets for training and for testing."""

    x: Tensor
    y: Tensor
    x_test: Tensor
    y_test: Tensor


def compare(task: str, arm: str) -> dict[str, Any]:
    """Tune the learning rate on seeds of its own, then run twenty others."""
    tuned = {lr: _worth([run(task, arm, lr, seed) for seed in TUNING]) for lr in RATES[task.split()[0]]}
    best = min(tuned, key=lambda lr: tuned[lr])
    return {
        "task": task,
        "arm": arm,
        "tuned": {str(lr): value if math.isfinite(value) else None for lr, value in tuned.items()},
        "rate": best,
        "runs": [run(task, arm, best, seed) for seed in SEEDS],
    }


def run(task: str, arm: str, lr: float, seed: int) -> dict[str, Any]:
    """Full-batch SGD with momentum 0.9 until the budget is spent; one move at step 5."""
    data = load(task.split()[0])
    net = network(data, seed, unbalanced=task.endswith("unbalanced"))
    symmetry = symmetries(net, data.x[:2])

    def loss() -> Tensor:
        return criterion(net(data.x), data.y)

    optimizer, spent, cost, step, first = _fresh(net, lr), 0.0, 0.0, 0, float(loss().detach())
    start = time.process_time()
    while spent < BUDGET:
        if step == MOMENT and arm != "none":
            cost = move(net, loss, symmetry, arm, seed)
            spent += cost
            optimizer = _fresh(net, lr)  # every arm but none restarts: the control for it is "reset"
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        spent, step = spent + 1, step + 1
    seconds = time.process_time() - start
    with torch.no_grad():
        last, test = float(loss()), float(criterion(net(data.x_test), data.y_test))
    failed = not math.isfinite(last) or last > first
    ends = {"loss": None if failed else last, "test": None if failed else test}
    return {"seed": seed, **ends, "cost": round(cost, 3), "seconds": round(seconds, 4)}


def move(net: nn.Module, loss: Any, symmetry: Any, arm: str, seed: int) -> float:
    """Move the parameters; the cost in gradients."""
    if arm == "random":
        move_randomly(net, symmetry, seed)
    if arm in ("reset", "random"):
        return 0.0
    if not math.isfinite(float(loss().detach())):
        return 0.0  # diverged before: nothing can be moved
    return teleport(net, loss, symmetry, arm, cap=2.0).cost


def network(data: Data, seed: int, unbalanced: bool) -> nn.Sequential:
    """Two hidden layers of 32; unbalanced: neurons scaled by normal logarithms of deviation 1."""
    torch.manual_seed(seed)
    outputs = int(data.y.max()) + 1 if not data.y.is_floating_point() else 1
    layers = [nn.Linear(data.x.shape[1], 32), nn.LeakyReLU(0.1), nn.Linear(32, 32), nn.LeakyReLU(0.1)]
    net = nn.Sequential(*layers, nn.Linear(32, outputs))
    if unbalanced:
        move_randomly(net, symmetries(net, data.x[:2]), seed, scale=1.0)
    return net


def criterion(out: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy for classes, mean square otherwise."""
    return (out[:, 0] - y).square().mean() if y.is_floating_point() else nn.functional.cross_entropy(out, y)


@cache
def load(name: str) -> Data:
    """Standardised bundled data, split by a fixed seed; at most 600 samples for training."""
    from sklearn.datasets import load_diabetes, load_digits
    from sklearn.model_selection import train_test_split

    bunch: Any = load_digits() if name == "digits" else load_diabetes()
    x, y = torch.as_tensor(bunch.data).float(), torch.as_tensor(bunch.target)
    rows, held = train_test_split(range(len(x)), test_size=0.25, random_state=0)
    rows = rows[:600]
    scale = x[rows].std(0).clamp_min(1e-3) if name == "diabetes" else torch.full((x.shape[1],), 16.0)
    x = (x - x[rows].mean(0)) / scale
    if name == "diabetes":
        y = ((y - y[rows].mean()) / y[rows].std()).float()
    return Data(x[rows], y[rows], x[held], y[held])


def _fresh(net: nn.Module, lr: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)


def _worth(runs: list[dict[str, Any]]) -> float:
    """Median loss over tuning seeds, a failure being infinite."""
    losses = sorted(math.inf if one["loss"] is None else one["loss"] for one in runs)
    return losses[len(losses) // 2]
