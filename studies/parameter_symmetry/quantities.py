"""Conserved quantities: drift along flows and in steps, at initialisation, and sharpness at fixed function."""

import math
from typing import Any

import torch
from torch import nn

from isotropy.parameters import (
    NeuronLaw,
    conserved_quantities,
    gradient_flow,
    sharpness_along,
    symmetries,
)
from isotropy.parameters.laws._primitives import ACTIVATIONS, primitive

M, H, N = 3, 4, 5
FLOWS = ("identity", "cube", "tanh", "sigmoid", "sin", "arctan")
SHAPES = ((100, 100, 100), (100, 200, 100), (200, 100, 100))


def drifts() -> dict[str, Any]:
    """Drift of the laws of single neurons along RK45 flows to time 2, and the error of the exact law of SGD."""
    found = {}
    for name in FLOWS:
        square = torch.linalg.qr(_normal(N, N, seed=4)).Q
        found[name] = {"orthonormal": _flow_drift(name, square), "generic": _flow_drift(name, _normal(7, N, seed=4))}
    steps = {f"{lr:g}": _discrete(lr) for lr in (0.1, 0.03, 0.01, 0.003)}
    return {"flows": found, "steps": steps}


def initialisation() -> dict[str, Any]:
    """Total of the values when U has variance 1 / h and V variance 1 / n, over 100 draws, and in closed form."""
    rows = {}
    for m, h, n in SHAPES:
        for name in ("identity", "relu", "tanh", "sigmoid"):
            law = NeuronLaw("V", "U", name, torch.eye(n, dtype=torch.float64))
            shapes = {"U": torch.zeros(m, h), "V": torch.zeros(h, n)}
            mean, deviation = law.at_start(shapes, {"U": h**-0.5, "V": n**-0.5})
            totals = torch.stack(
                [
                    law.values({"U": _normal(m, h, seed=s) / h**0.5, "V": _normal(h, n, seed=500 + s) / n**0.5}).sum()
                    for s in range(100)
                ]
            )
            rows[f"{name} {m},{h},{n}"] = {
                "mean": float(totals.mean()),
                "deviation": float(totals.std()),
                "closed mean": float(mean.sum()),
                "closed deviation": float(deviation.square().sum().sqrt()),
            }
    return {"rows": rows}


def isolated() -> dict[str, Any]:
    """Largest Hessian eigenvalue against the conserved quantity, moved along the orbit of one trained network."""
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)).double(), _normal(40, 4, seed=1)
    y = torch.sin(x[:, :3])

    def loss(p: Any) -> torch.Tensor:
        return (torch.func.functional_call(net, p, (x,)) - y).square().mean()

    optimizer = torch.optim.LBFGS(
        net.parameters(), lr=1.0, max_iter=3000, tolerance_grad=1e-9, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = (net(x) - y).square().mean()
        value.backward()
        return value

    optimizer.step(closure)
    symmetry = symmetries(net, x)
    point = {name: value.detach() for name, value in net.named_parameters()}
    times = [-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0]
    points = sharpness_along(loss, symmetry, point, torch.ones(symmetry.dim, dtype=torch.float64), times)
    return {"points": [vars(one) for one in points]}


def _flow_drift(name: str, x: torch.Tensor) -> float:
    """Largest change of the candidate quantities of single neurons."""
    sigma = ACTIVATIONS[name][0]
    y, start = _normal(len(x), M, seed=3), {"V": 0.5 * _normal(H, N, seed=1), "U": 0.5 * _normal(M, H, seed=2)}

    def loss(p: Any) -> torch.Tensor:
        return 0.5 * (sigma(x @ p["V"].T) @ p["U"].T - y).square().sum()

    def values(p: Any) -> torch.Tensor:
        return 0.5 * p["U"].square().sum(0) - primitive(name)(x @ p["V"].T).sum(0)

    end = gradient_flow(loss, start, [0.0, 2.0], tolerance=1e-9 if len(x) <= N else 1e-6)[-1]
    return float((values(end) - values(start)).abs().max())


def _discrete(lr: float) -> dict[str, float]:
    """Largest violation of the exact law per step, and the total drift, at equal time."""
    torch.manual_seed(0)
    net, x, y = (
        nn.Sequential(nn.Linear(N, H), nn.LeakyReLU(0.1), nn.Linear(H, M)).double(),
        _normal(9, N),
        _normal(9, M),
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    laws = conserved_quantities(net, symmetries(net, x))
    before = laws.values()
    with laws.track(optimizer) as tracker:
        for _ in range(round(5 / lr)):
            optimizer.zero_grad()
            (net(x) - y).square().mean().backward()
            optimizer.step()
    drift = max(float((value - before[name]).abs().max()) for name, value in laws.values().items())
    return {"violation": tracker.worst.violation if tracker.worst else math.nan, "drift": drift}


def _normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
