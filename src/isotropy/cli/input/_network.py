"""From MODEL and DATA to a network with parameters of its own and inputs to call it on."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ...errors import DataError
from ._models import load_model


def load_network(text: str) -> tuple[nn.Module, torch.dtype]:
    """A network with parameters of its own, and the dtype of its inputs.

    Raises
    ------
    DataError
        If MODEL is none.
    """
    found, dtype = load_model(text)
    if not isinstance(found, nn.Module) or not any(True for _ in found.parameters()):
        received = "a network without parameters" if isinstance(found, nn.Module) else f"a {type(found).__name__}"
        raise DataError(
            f"MODEL {text}: expected a torch.nn.Module with parameters, received {received}; name the network itself, "
            "or export it with its weights as parameters"
        )
    return found, dtype


def network_inputs(rows: Tensor, shape: str | None, dtype: torch.dtype | None) -> Tensor:
    """Rows as inputs `(batch, *shape)` of a dtype; None makes tokens of them, which are whole numbers.

    Raises
    ------
    DataError
        If rows do not have that shape, or tokens are fractions.
    """
    if dtype is None and not bool((rows == rows.round()).all()):
        raise DataError("--tokens: expected integers in DATA, received fractions; choose the columns with --x")
    parts = [str(rows.shape[1])] if shape is None else [part.strip() for part in shape.split(",")]
    sizes = [int(part) if part.isdecimal() else 0 for part in parts]
    if math.prod(sizes) != rows.shape[1]:
        raise DataError(
            f"--shape: expected whole numbers whose product is {rows.shape[1]}, the number of columns, received "
            f"{shape!r}; write e.g. 1,8,8"
        )
    return rows.reshape(len(rows), *sizes).to(dtype or torch.long)
