"""Pairs without a common motion: how often ``FromPairs`` certifies a generator that is not there."""

import math
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from isotropy.datasets import bump_images
from isotropy.discover import FromPairs
from isotropy.errors import DataError

SEEDS = 10
KINDS = {
    "independent points in space": "y has nothing to do with x, 3 numbers",
    "independent points": "y has nothing to do with x, 6 numbers",
    "steps at random": "y is x and a random step of a third of its size",
    "a turn of its own for each pair": "y is x turned in a plane of its own",
    "other images": "pairs of different images of bumps, in 12 components",
    "shuffled pairs": "turned images, given to other images than their own",
}
Draw = Callable[..., Tensor]


def pairs(kind: str, seed: int) -> tuple[Tensor, Tensor]:
    """120 pairs `(120, n)`: points of 3 or 6 numbers, or images of 121."""
    generator = torch.Generator().manual_seed(seed)
    normal: Draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    if kind == "independent points in space":
        return normal(120, 3), normal(120, 3)
    x = normal(120, 6)
    if kind == "independent points":
        return x, normal(120, 6)
    if kind == "steps at random":
        return x, x + normal(120, 6) / 3
    if kind == "a turn of its own for each pair":
        half = normal(120, 6, 6)
        return x, torch.einsum("bij,bj->bi", torch.linalg.matrix_exp((half - half.mT) / 10), x)
    if kind == "other images":
        return bump_images(120, seed=2 * seed), bump_images(120, seed=2 * seed + 1)
    turned = bump_images(120, normal(120) / 5, seed=seed)
    return bump_images(120, seed=seed), turned[torch.randperm(120, generator=generator)]


def ask(kind: str, known: bool, seed: int) -> dict[str, Any]:
    """What ``FromPairs`` says of them, with times drawn at random or none."""
    x, y = pairs(kind, seed)
    times = (
        torch.randn(120, generator=torch.Generator().manual_seed(900 + seed), dtype=torch.float64) if known else None
    )
    try:
        found = FromPairs(resolution="auto" if x.shape[1] < 10 else 0.1).fit(x, y, times)
    except DataError:
        return {"status": "refused"}
    evidence = {name: round(certificate.value, 4) for name, certificate in found.certificates_.items()}
    return {"status": found.status_, **evidence}


def tasks() -> dict[str, Callable[[], dict[str, Any]]]:
    """Every question by name."""
    return {
        f"chance|{kind}|{word}|{seed}": partial(ask, kind, word == "known", seed)
        for kind in KINDS
        for word in ("known", "unknown")
        for seed in range(SEEDS)
    }


def table(results: dict[str, Any]) -> str:
    """The part of the page on pairs without a common motion."""
    lines = []
    for kind, words in KINDS.items():
        for word in ("known", "unknown"):
            rows = [row for name, row in results.items() if name.startswith(f"chance|{kind}|{word}|")]
            if rows:
                said = ", ".join(
                    f"{status} {count}" for status, count in sorted(Counter(r["status"] for r in rows).items())
                )
                least = min((row["held_out"] for row in rows if "held_out" in row), default=math.nan)
                lines.append(f"| {kind}: {words} | {word} | {len(rows)} | {said} | {least:.2f} |")
    return "\n".join([HEAD, *lines, ""])


HEAD = """### Pairs without a common motion

What `FromPairs` says where nothing is to be found; "known" means that random times were given as if they were known.
"Refused" means an error that says that no common motion was found. A free time for each pair explains some of it by
chance, the more the fewer numbers a point has, which is why such pairs are often undecided.
The last column is the least part of the displacement that generators from other pairs leave unexplained; certified
generators leave at most 0.2.

| pairs | times | runs | said | least left |
|---|---|---|---|---|"""
