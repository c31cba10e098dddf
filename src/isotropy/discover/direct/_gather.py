"""Evidence of several processes, brought together on all of them."""

from __future__ import annotations

import torch
from torch import Tensor, distributed

from ...errors import DataError
from ..evidence._evidence_file import decode, encode
from ._from_model import FromModel


def gather(found: FromModel) -> FromModel:
    """Merge the evidence of all processes of a ``torch.distributed`` run, on each of them, and return ``found``.

    Every process calls it once, after its own ``partial_fit``; a process without samples joins too. All end with equal
    evidence, so ``conclude`` gives the same answer everywhere. What travels are plain tensors.

    Raises
    ------
    DataError
        No process group is there, the processes have different candidates.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        raise DataError(
            "gather: expected an initialised torch.distributed, received none; call init_process_group first, or use "
            "merge"
        )
    found._start()
    own = encode(found.state_dict(), found.rho_in, found.rho_out)
    device = found._device if found.evidence_.samples else None
    states = [
        decode(data, f"gather: process {rank}", found.rho_in, found.rho_out)[0]
        for rank, data in enumerate(_all_bytes(own))
    ]
    found._reset()
    for state in states:
        if state["method"]:  # a process without samples has none, and its empty points have no type
            found.merge(state)
    found._device = device or found._device
    return found


def _all_bytes(own: bytes) -> list[bytes]:
    """The bytes of every process, in the order of their ranks."""
    device = torch.device("cuda" if distributed.get_backend() == "nccl" else "cpu")
    lengths = [int(length) for length in _all(torch.tensor([len(own)], device=device))]
    padded = torch.zeros(max(lengths), dtype=torch.uint8)
    padded[: len(own)] = torch.frombuffer(bytearray(own), dtype=torch.uint8)
    parts = _all(padded.to(device))
    return [part[:length].cpu().numpy().tobytes() for part, length in zip(parts, lengths, strict=True)]


def _all(own: Tensor) -> list[Tensor]:
    """Tensors of one shape from every process."""
    parts = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
    distributed.all_gather(parts, own)
    return parts
