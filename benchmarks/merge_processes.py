"""Evidence from several processes, merged, against that of one process which sees all samples.

Every process is started fresh, gathers evidence on its own samples and saves it as plain tensors; the parts are
merged here and compared with one estimator that has seen everything. Candidates gl(4), the map ``x^T eta x``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch
from torch import Tensor, multiprocessing

import isotropy as iso

METRIC = (-1.0, 1.0, 1.0, 1.0)


def interval(x: Tensor) -> Tensor:
    """The map, invariant under so(1, 3)."""
    return x.square() @ torch.tensor(METRIC, dtype=x.dtype)


def points(samples: int) -> Tensor:
    """All samples `(samples, 4)`, the same in every process."""
    return torch.randn(samples, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def estimator() -> iso.discover.FromModel:
    algebra = iso.gl(4)
    return iso.discover.FromModel(algebra.vector(), algebra.scalar())


def gather(rank: int, processes: int, samples: int, folder: str) -> None:
    """What one process does: evidence on its share of the samples, saved as plain tensors."""
    torch.set_num_threads(1)
    share = points(samples).tensor_split(processes)[rank]
    torch.save(estimator().partial_fit(interval, share).state_dict(), Path(folder) / f"{rank}.pt")


def merged(processes: int, samples: int) -> iso.discover.FromModel:
    """The conclusion from evidence that was gathered by several processes."""
    whole = estimator()
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(gather, (processes, samples, folder), nprocs=processes)
        for rank in range(processes):
            whole.merge(torch.load(Path(folder) / f"{rank}.pt", weights_only=True))
    return whole.conclude(interval)


def compare(processes: int, samples: int) -> dict[str, object]:
    """Differences between the merged answer and that of one process."""
    start = time.perf_counter()
    together = merged(processes, samples)
    seconds = time.perf_counter() - start
    alone = estimator().fit(interval, points(samples))
    return {
        "processes": processes,
        "samples": samples,
        "found": f"{together.status_} {together.algebra_.identify().name}",
        "spectrum_difference": float((together.spectrum_ - alone.spectrum_).abs().max()),
        "algebra_distance": float(together.algebra_.distance(alone.algebra_)),
        "seconds": round(seconds, 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--samples", type=int, default=10**6)
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    print(json.dumps(compare(chosen.processes, chosen.samples)))


if __name__ == "__main__":
    main()
