"""Processes under ``torchrun``, each on its part of one file, against a single process that reads it all.

Every process streams its chunks of one HDF5 file, ``gather`` merges the evidence, and each draws its own conclusion.
Process 0 then reads the file alone and prints the differences. Candidates gl(4), the map ``x^T eta x``.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

import torch
from torch import Tensor, distributed

import isotropy as iso
from isotropy.datasets import stream

METRIC = (-1.0, 1.0, 1.0, 1.0)
ROWS = 8192


def interval(x: Tensor) -> Tensor:
    """The map, invariant under so(1, 3)."""
    return x.square() @ torch.tensor(METRIC, dtype=x.dtype)


def write_points(path: Path, samples: int) -> None:
    """One file of samples `(samples, 4)`, written chunk by chunk."""
    import h5py

    generator = torch.Generator().manual_seed(0)
    with h5py.File(path, "w") as file:
        x = file.create_dataset("x", (samples, 4), "f8")
        for start in range(0, samples, ROWS):
            stop = min(start + ROWS, samples)
            x[start:stop] = torch.randn(stop - start, 4, dtype=torch.float64, generator=generator).numpy()


def estimator() -> iso.discover.FromModel:
    algebra = iso.gl(4)
    return iso.discover.FromModel(algebra.vector(), algebra.scalar())


def together(path: Path, rank: int, processes: int) -> iso.discover.FromModel:
    """What every process does."""
    found = estimator()
    for chunk in stream(path, "x", rows=ROWS, part=rank, parts=processes):
        found.partial_fit(interval, chunk)
    return iso.discover.gather(found).conclude(interval)


def spread(value: Tensor) -> float:
    """Largest difference of a tensor between processes."""
    parts = [torch.empty_like(value) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, value.contiguous())
    return max(float((part - value).abs().max()) for part in parts)


def compare(path: Path, samples: int) -> dict[str, object]:
    """Differences between processes, and to one that sees everything."""
    rank, processes = distributed.get_rank(), distributed.get_world_size()
    if rank == 0:
        write_points(path, samples)
    distributed.barrier()
    found = together(path, rank, processes)
    between = max(spread(found.spectrum_), spread(found.coefficients_))
    alone = estimator().fit(interval, stream(path, "x", rows=ROWS)) if rank == 0 else found
    return {
        "processes": processes,
        "samples": found.evidence_.samples,
        "found": f"{found.status_} {found.algebra_.identify().name}",
        "difference_between_processes": between,
        "spectrum_difference": float((found.spectrum_ - alone.spectrum_).abs().max()),
        "algebra_distance": float(found.algebra_.distance(alone.algebra_)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--samples", type=int, default=10**6)
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where the file of samples goes")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    path = Path(chosen.folder) / f"points_{os.getppid()}.h5"  # of torchrun, the same for all processes
    try:
        answer = compare(path, chosen.samples)
        if distributed.get_rank() == 0:
            print(json.dumps(answer))
    finally:
        if distributed.get_rank() == 0:
            path.unlink(missing_ok=True)
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
