"""What the penalty does to the test error of a small network whose target is symmetric, or nearly so."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

import isotropy as iso

STEPS, SAMPLES, NOISE = 1000, 60, 0.05


@dataclass(frozen=True)
class Training:
    """Target ``sin(2 |x|) + breaking x_1`` in three dimensions, with the weight of the penalty."""

    breaking: float
    weight: float

    @property
    def label(self) -> str:
        """Such as ``breaking 0.5 weight 0.1``."""
        return f"breaking {self.breaking:g} weight {self.weight:g}"


def train(case: Training, seed: int, steps: int = STEPS) -> dict[str, Any]:
    """Test error of 3-64-64-1 tanh after Adam, and what the penalty found."""
    torch.manual_seed(seed)
    x, fresh = torch.randn(SAMPLES, 3), torch.randn(2000, 3)
    y = target(x, case.breaking) + NOISE * torch.randn(SAMPLES)
    layers = [nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1), nn.Flatten(0)]
    net, G = nn.Sequential(*layers), iso.so(3)
    penalty = iso.promote.LiePenalty(G.vector(), G.scalar())
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    start = time.process_time()
    for _ in range(steps):
        loss = (net(x) - y).square().mean()
        if case.weight:
            loss = loss + case.weight * penalty(net, torch.randn(SAMPLES, 3))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        error = float((net(fresh) - target(fresh, case.breaking)).square().mean())
    found = read(net, penalty, fresh) if case.weight else None
    return {
        **asdict(case),
        "seed": seed,
        "test_error": error,
        "dimension": found.algebra.dim if found else None,
        "status": found.status if found else None,
        "spectrum": found.spectrum.tolist() if found else None,
        "relative": found.relative.tolist() if found else None,
        "cpu_seconds": time.process_time() - start,
    }


def read(net: nn.Module, penalty: Any, points: Tensor) -> Any:
    """What the finished network keeps; the running mean of training still remembers the last moving steps."""
    last = iso.promote.LiePenalty(penalty.rho_in, penalty.rho_out, decay=0.0)
    last(net, points)
    return last.readout()


def target(x: Tensor, breaking: float) -> Tensor:
    return torch.sin(2 * x.norm(dim=1)) + breaking * x[:, 0]
