"""From MODEL on the command line to a map of batches."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from functools import reduce
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ...core._autodiff import Map, evaluating, value_of
from ...errors import DataError, SymmetryError
from ._program import read_program

_PICKLED = (".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".bin")
_FEW = 2


def load_model(text: str) -> tuple[Map, torch.dtype]:
    """A map and the dtype of its inputs: a ``.pt2`` file, or ``module:callable`` found as Python would from here.

    Raises
    ------
    DataError
        If there is no such model, or loading it would unpickle or run what a file holds.
    """
    if text.lower().endswith(".pt2"):
        module, stand_in = read_program(Path(text))
        return module, stand_in.dtype
    if text.lower().endswith(_PICKLED):
        raise DataError(
            f"MODEL: expected a .pt2 file or module:callable, received {text!r}, which holds pickled objects that are "
            "never loaded; write it with torch.export.save"
        )
    model = imported(text)
    if isinstance(model, type) or not callable(model):
        raise DataError(
            f"MODEL: expected a function or a module that is ready to call, received {text!r}, a "
            f"{'class' if isinstance(model, type) else type(model).__name__}; name an instance"
        )
    return cast(Map, model), _dtype(model)


def outputs_of(model: Map, x: Tensor, text: str) -> int:
    """Numbers that the model returns for one sample, tried on a few of them `(batch, *event)`."""
    with calling(text), evaluating(model), torch.no_grad():
        return value_of(model, x[:_FEW])[0].numel()


@contextmanager
def calling(text: str) -> Iterator[None]:
    """Turn what a model raises into one line."""
    try:
        with aside(f"MODEL {text}"):
            yield
    except SymmetryError:
        raise
    except Exception as error:
        raise DataError(
            f"MODEL {text}: expected a map from one row per sample to one row per sample, received "
            f"{type(error).__name__} ({error}); check that --x gives the inputs it was made for"
        ) from error


@contextmanager
def aside(text: str) -> Iterator[None]:
    """Run foreign code: what it prints goes to stderr, as stdout holds the answer alone, and it may not leave."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except SystemExit as error:
        raise DataError(f"{text}: expected code that returns, received SystemExit ({error}); mend it") from error


def imported(text: str, what: str = "MODEL") -> Any:
    """The object behind ``module:name``, with the current folder on the path."""
    module, colon, name = text.partition(":")
    kind = "a .pt2 file or " if what == "MODEL" else ""
    if not colon or not all(part.isidentifier() for part in [*module.split("."), *name.split(".")]):
        raise DataError(f"{what}: expected {kind}module:callable, received {text!r}; write e.g. nets:model")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    with aside(f"{what} {text}"):
        try:
            found = importlib.import_module(module)
        except Exception as error:
            raise DataError(
                f"{what}: expected the importable module {module!r}, received {type(error).__name__} ({error}); "
                "run the command from its folder or install it"
            ) from error
    try:
        return reduce(getattr, name.split("."), found)
    except AttributeError as error:
        raise DataError(f"{what}: expected {name!r} in the module {module!r}, received none; check the name") from error


def _dtype(model: Any) -> torch.dtype:
    """Dtype of the first floating parameter; float64 for a function."""
    values = [*model.parameters(), *model.buffers()] if isinstance(model, nn.Module) else []
    return next((value.dtype for value in values if value.dtype.is_floating_point), torch.float64)
