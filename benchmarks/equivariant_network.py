"""Forward and backward passes of an equivariant perceptron, beside e3nn and the torch port of the EMLP library.

Two vectors and a scalar go to a vector through gated layers of HIDDEN scalars and HIDDEN vectors, each a linear map
plus products of a few copies. For e3nn the layer is ours written in its modules (o3.Linear, a fully connected tensor
product, Gate) with as many parameters; EMLP has products of its own kind. Each peer is timed against ours in one
process, in turn, on one core and in CPU seconds. EMLP needs JAX and torch in an environment of its own; give its
interpreter, or leave it out:

    python benchmarks/equivariant_network.py --emlp-python /path/to/emlp/bin/python

Prints JSON: per pair the milliseconds (medians) and how many times longer the peer takes, the interval of that ratio
over rounds, numbers of parameters, and how far each network is from equivariance under a random group element.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import isotropy as iso

SOURCE = Path(__file__).resolve().parents[1] / "src"
GROUPS = {"so(3)": iso.so(3), "so(1,3)": iso.so(1, 3)}
PAIRED = 2  # copies that enter products, as in isotropy.nn.EMLP
COMPARISONS = [("e3nn", "so(3)"), ("emlp", "so(3)"), ("emlp", "so(1,3)")]


def make_ours(group: str, hidden: int, layers: int) -> nn.Module:
    V, one = GROUPS[group].vector(), GROUPS[group].scalar()
    return iso.nn.EMLP(2 * V + one, V, hidden=hidden, layers=layers)


def make_e3nn(group: str, hidden: int, layers: int) -> nn.Module:
    """Even parity everywhere makes its O(3) the rotations alone."""
    from e3nn import o3
    from e3nn.nn import Gate

    class Layer(nn.Module):
        def __init__(self, before: str) -> None:
            super().__init__()
            self.gate = Gate(
                f"{hidden}x0e", [torch.nn.functional.silu], f"{hidden}x0e", [torch.sigmoid], f"{hidden}x1e"
            )
            pairs = f"{PAIRED}x0e+{PAIRED}x1e"
            self.linear = o3.Linear(before, self.gate.irreps_in, biases=True)
            self.left, self.right = o3.Linear(before, pairs, biases=True), o3.Linear(before, pairs, biases=True)
            self.product = o3.FullyConnectedTensorProduct(pairs, pairs, self.gate.irreps_in)

        def forward(self, x: Tensor) -> Tensor:
            return self.gate(self.linear(x) + self.product(self.left(x), self.right(x)))

    within = f"{hidden}x0e+{hidden}x1e"
    stack = [Layer("2x1e+1x0e"), *(Layer(within) for _ in range(layers - 1))]
    return nn.Sequential(*stack, o3.Linear(within, "1x1e"))


def make_emlp(group: str, hidden: int, layers: int) -> nn.Module:
    import emlp.nn.pytorch as peer
    from emlp.groups import SO, SO13p
    from emlp.reps import T

    acting = SO(3) if group == "so(3)" else SO13p()
    return peer.EMLP(2 * T(1) + T(0), T(1), group=acting, ch=hidden * T(0) + hidden * T(1), num_layers=layers)


def compare(peer: str, group: str, hidden: int, layers: int, batch: int, repeats: int) -> dict[str, Any]:
    torch.manual_seed(0)
    make_peer = {"e3nn": make_e3nn, "emlp": make_emlp}[peer]
    networks = {"isotropy": make_ours(group, hidden, layers), peer: make_peer(group, hidden, layers)}
    size = GROUPS[group].n
    x = torch.randn(batch, 2 * size + 1)
    forward = {name: _forward(network, x) for name, network in networks.items()}
    both = {name: _backward(network, x) for name, network in networks.items()}
    return {
        "peer": peer,
        "group": group,
        "parameters": {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()},
        "equivariance_error": {name: _error(network, group, x) for name, network in networks.items()},
        "forward": _timed(forward, repeats),
        "forward_and_backward": _timed(both, repeats),
    }


def _forward(network: nn.Module, x: Tensor) -> Callable[[], Any]:
    def task() -> Any:
        with torch.no_grad():
            return network(x)

    return task


def _backward(network: nn.Module, x: Tensor) -> Callable[[], Any]:
    def task() -> None:
        network.zero_grad()
        network(x).square().mean().backward()

    return task


def _error(network: nn.Module, group: str, x: Tensor) -> float:
    """``|f(g x) - g f(x)| / |f(x)|`` for a random group element."""
    torch.manual_seed(1)
    g = torch.matrix_exp(torch.einsum("i,ijk->jk", torch.randn(GROUPS[group].dim), GROUPS[group].basis.float()) / 2)
    moved = torch.block_diag(g, g, torch.eye(1))
    with torch.no_grad():
        value = network(x)
        return float((network(x @ moved.T) - value @ g.T).norm() / value.norm())


def _timed(tasks: dict[str, Callable[[], Any]], repeats: int) -> dict[str, Any]:
    """CPU milliseconds of ours and the peer's task in turn, and the quartiles of their ratio round by round."""
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for round_ in range(repeats + 5):
        for name, task in tasks.items():
            start = time.process_time()
            task()
            if round_ >= 5:  # the first rounds warm up and compile
                taken[name].append(1e3 * (time.process_time() - start))
    ours, theirs = taken.values()
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {
        "milliseconds": {name: round(statistics.median(times), 3) for name, times in taken.items()},
        "peer_takes_times": round(middle, 2),
        "quartiles": [round(low, 2), round(high, 2)],
    }


def compare_apart(python: str, arguments: list[str]) -> dict[str, Any]:
    """One comparison in a process of its own; a failure is a row too."""
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
    environment = {
        **os.environ,
        "TQDM_DISABLE": "1",
        "JAX_PLATFORMS": "cpu",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": path,
    }
    command = [python, str(Path(__file__).resolve()), "--compare", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        return {"peer": arguments[0], "failed": (done.stderr.strip().splitlines() or ["killed"])[-1][:200]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--emlp-python")
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--compare", nargs=2, metavar=("PEER", "GROUP"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    sizes = {name: getattr(chosen, name) for name in ("hidden", "layers", "batch", "repeats")}
    if chosen.compare:
        torch.set_num_threads(1)
        if hasattr(os, "sched_setaffinity"):  # JAX takes every core it sees
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        print(json.dumps(compare(*chosen.compare, **sizes)))
        return
    pythons = {"e3nn": sys.executable, "emlp": chosen.emlp_python}
    numbers = [text for name, value in sizes.items() for text in (f"--{name}", str(value))]
    rows = [compare_apart(p, [peer, group, *numbers]) for peer, group in COMPARISONS if (p := pythons[peer])]
    print(json.dumps({"torch": torch.__version__, **sizes, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
