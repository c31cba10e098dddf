"""Time and memory of streaming discovery against the arithmetic that it cannot avoid.

Candidates gl(8), the map ``|x|^2``, samples made on the fly in chunks. ``fit`` is timed against a plain loop that
makes the same samples, takes value and gradient, forms one row of 64 per sample and streams these rows through a
QR in float64. Peak memory is that of fresh processes which fit a tenth of the samples and all of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

import isotropy as iso

SIZE = 8
HEIGHT = 2048  # rows per factorization in the plain loop


def chunks(samples: int, rows: int, dtype: torch.dtype) -> Iterator[Tensor]:
    """Normal samples `(rows, 8)`, chunk by chunk, from one seeded generator."""
    generator = torch.Generator().manual_seed(0)
    for start in range(0, samples, rows):
        yield torch.randn(min(rows, samples - start), SIZE, dtype=dtype, generator=generator)


def square(x: Tensor) -> Tensor:
    """The map, invariant under so(8)."""
    return x.square().sum(1)


def discover(samples: int, rows: int, dtype: torch.dtype) -> iso.discover.FromModel:
    algebra = iso.gl(SIZE)
    model = iso.discover.FromModel(algebra.vector(), algebra.scalar())
    return model.fit(square, chunks(samples, rows, dtype))


def plain_loop(samples: int, rows: int, dtype: torch.dtype) -> Tensor:
    """The triangular factor `(64, 64)` of all rows ``Df(x)[E_k x]``, with torch alone."""
    generators = torch.eye(SIZE**2, dtype=dtype)
    factor = torch.zeros(0, SIZE**2, dtype=torch.float64)
    for x in chunks(samples, rows, dtype):
        for part in x.split(HEIGHT):
            leaf = part.requires_grad_()
            (gradient,) = torch.autograd.grad(square(leaf).sum(), leaf)
            outer = (gradient[:, :, None] * part.detach()[:, None, :]).reshape(len(part), -1)
            block = (outer @ generators).to(torch.float64)
            factor = torch.linalg.qr(torch.cat([factor, block]), mode="r").R
    return factor


def high_water() -> int:
    """Peak resident memory of this process in KiB, from Linux; ``getrusage`` would count the parent's too."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def peak_memory(samples: int, rows: int, dtype: str) -> int:
    """Peak resident memory in KiB of a fresh process that fits ``samples``."""
    command = [sys.executable, str(Path(__file__).resolve()), "--samples", str(samples), "--chunk", str(rows)]
    command += ["--dtype", dtype, "--threads", str(torch.get_num_threads()), "--memory-only"]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(json.loads(finished.stdout)["peak_kib"])


def measure(samples: int, rows: int, dtype: str) -> dict[str, object]:
    """Times, their ratio, and memory."""
    precision = getattr(torch, dtype)
    discover(rows, rows, precision)  # first calls load libraries
    start = time.perf_counter()
    found = discover(samples, rows, precision)
    middle = time.perf_counter()
    plain_loop(samples, rows, precision)
    fit, bare = middle - start, time.perf_counter() - middle
    few, many = (peak_memory(count, rows, dtype) for count in (samples // 10, samples))
    return {
        "samples": samples,
        "dtype": dtype,
        "chunk": rows,
        "threads": torch.get_num_threads(),
        "found": f"{found.status_} {found.algebra_.identify().name}",
        "fit_seconds": round(fit, 3),
        "bare_seconds": round(bare, 3),
        "ratio": round(fit / bare, 3),
        "samples_per_second": round(samples / fit),
        "peak_kib_tenth": few,
        "peak_kib": many,
        "memory_ratio": round(many / few, 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--samples", type=int, default=10**7)
    parser.add_argument("--chunk", type=int, default=65_536, help="samples per chunk that is handed to fit")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory-only", action="store_true", help="fit once and print the peak memory")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    if chosen.memory_only:
        discover(chosen.samples, chosen.chunk, getattr(torch, chosen.dtype))
        answer: dict[str, object] = {"peak_kib": high_water()}
    else:
        answer = measure(chosen.samples, chosen.chunk, chosen.dtype)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
