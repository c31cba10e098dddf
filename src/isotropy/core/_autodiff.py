"""Derivative of a batched map along directions: a ladder of methods, and the name of the rung that worked.

Rungs, best first: ``forward`` (forward mode, directions together), ``jacobian`` (one reverse pass per output),
``double_backward`` (reverse mode twice, for operators without a forward rule such as LSTM or cdist) and
``difference`` (central differences in float64). Exact rungs are believed unless differences that agree with
themselves say otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..errors import DataError, DerivativeUnavailableError
from . import bars
from ._differences import central_differences, checked_difference, column_spread

Map = Callable[[Tensor], Tensor]
RUNGS = ("forward", "jacobian", "double_backward", "difference")
_CHECKED = 4  # samples on which a rung is compared with central differences
_TOGETHER = 8  # directions that share one forward-mode pass


@contextmanager
def evaluating(f: Any) -> Iterator[None]:
    """Put a module into eval mode with its parameters frozen in value, and restore every flag on exit."""
    modes = [(m, m.training) for m in f.modules()] if isinstance(f, nn.Module) else []
    for module, _ in modes:
        module.training = False
    try:
        with sdpa_kernel(SDPBackend.MATH):  # the only attention kernel with forward and second derivatives
            yield
    finally:
        for module, training in modes:
            module.training = training


def value_of(f: Map, x: Tensor) -> Tensor:
    """The value `(batch, *out)` of ``f`` at ``x``, checked to be one finite tensor with a row per sample."""
    y = f(x)
    if not isinstance(y, Tensor) or y.ndim == 0 or y.shape[0] != x.shape[0]:
        received = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
        raise DataError(
            f"f: expected a tensor with {x.shape[0]} rows (one per sample), received {received}; "
            "wrap the map so that it takes and returns batches"
        )
    if not torch.isfinite(y).all():
        raise DataError("f: expected finite values, received NaN or infinity; check the map on these samples")
    return y


def along(f: Map, x: Tensor, directions: Tensor, method: str) -> tuple[Tensor, Tensor]:
    """Value `(batch, *out)` and derivative `(q, batch, *out)` along directions `(q, batch, *event)`."""
    return _ALONG[method](f, x, directions)


def jacobian(f: Map, x: Tensor, method: str) -> tuple[Tensor, Tensor]:
    """Value `(batch, out)` and Jacobian `(batch, out, n)` with events and outputs flattened."""
    if method == "jacobian":
        return _reverse_jacobian(f, x)
    size = x[0].numel()
    units = torch.eye(size, dtype=x.dtype, device=x.device).reshape(size, 1, *x.shape[1:])
    y, columns = along(f, x, units.expand(size, *x.shape), method)
    return y.reshape(len(x), -1), columns.reshape(size, len(x), -1).permute(1, 2, 0)


def traced_along(f: Map, x: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """As ``along`` by forward mode, with the graph of the parameters of ``f`` kept, so that losses can use it."""
    return _pushed(f, x, directions)


def traced_jacobian(f: Map, x: Tensor) -> tuple[Tensor, Tensor]:
    """As ``jacobian`` by one reverse pass per output, with the graph of the parameters of ``f`` kept."""
    return _reverse_jacobian(f, x, traced=True)


def choose_rung(f: Map, x: Tensor, preferred: str, method: str = "auto") -> str:
    """The first rung, starting from ``preferred``, that runs and agrees with central differences.

    Raises
    ------
    DerivativeUnavailableError
        If no rung works; the message carries what each one said.
    """
    if method not in ("auto", *RUNGS):
        raise DataError(f'method: expected "auto" or one of {RUNGS}, received {method!r}; use "auto" if unsure')
    tried = (preferred, *RUNGS) if method == "auto" else (method,)
    rung, failures = first_usable(f, x, tried)
    if rung is None:
        raise DerivativeUnavailableError(
            "expected a map that can be differentiated, received one on which every method failed "
            f"({failures}); check that it is smooth and finite near the data"
        )
    return rung


def first_usable(f: Map, x: Tensor, rungs: Sequence[str]) -> tuple[str | None, str]:
    """The first of the rungs that can be used at points `(batch, *event)`, if any, and what the others said."""
    few, spread = x[:_CHECKED].detach(), column_spread(x)
    # In spreads of the columns: else those in large units would not be checked at all.
    direction = torch.randn(few.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    direction = direction.to(few) * spread
    failures: list[str] = []
    for rung in dict.fromkeys(rungs):
        reason = _failure(f, few, direction, spread, rung)
        if reason is None:
            return rung, "; ".join(failures)
        failures.append(f"{rung}: {reason}")
    return None, "; ".join(failures)


def _failure(f: Map, few: Tensor, direction: Tensor, spread: Tensor, rung: str) -> str | None:
    """Why a rung cannot be used here, or None."""
    try:
        slope = _slope(f, few, direction[None], rung)[0]
    except (RuntimeError, NotImplementedError, TypeError, AttributeError) as error:
        return str(error).split("\n")[0][:200] or type(error).__name__
    if not torch.isfinite(slope).all():
        return "gave NaN or infinity"
    if rung == "difference":
        return None
    reference, doubt = checked_difference(f, few, direction, spread)
    reference = reference.to(slope)
    if (
        doubt > bars.MOST_DISAGREEMENT / 2 and slope.any()
    ):  # no two steps agree, as at a kink: the exact rung knows better
        return None
    if (slope - reference).norm() <= bars.MOST_DISAGREEMENT * reference.norm() + 1e-6 * slope.norm():
        return None
    return "disagrees with central differences"


def _slope(f: Map, few: Tensor, direction: Tensor, rung: str) -> Tensor:
    """Derivative along one direction by any rung."""
    if rung != "jacobian":
        return along(f, few, direction, rung)[1]
    _, matrix = _reverse_jacobian(f, few)
    return torch.einsum("bon,bn->bo", matrix, direction[0].flatten(1)).reshape(1, *value_of(f, few).shape)


def _forward(f: Map, x: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Forward mode without a graph, which would cost as much again."""
    with torch.no_grad():
        return _pushed(f, x, directions)


def _pushed(f: Map, x: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """The value once and all directions together, or a pass each where a map cannot be batched so."""

    def push(v: Tensor) -> tuple[Tensor, Tensor]:
        value, slope = torch.func.jvp(f, (x,), (v,))[:2]
        return value, slope

    moving = directions.to(x)
    try:
        values, slopes = torch.func.vmap(push, chunk_size=_TOGETHER)(moving)
        return values[0], slopes
    except (RuntimeError, ValueError, NotImplementedError):
        pairs = [push(v) for v in moving]
        return pairs[0][0], torch.stack([slope for _, slope in pairs])


def _double_backward(f: Map, x: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Reverse mode twice: the pullback is linear in its cotangent, so its own pullback is the derivative."""
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        y = f(leaf)
        cotangent = torch.zeros_like(y, requires_grad=True)
        (pulled,) = torch.autograd.grad(y, leaf, cotangent, create_graph=True)
        slopes = [torch.autograd.grad(pulled, cotangent, v, retain_graph=True)[0] for v in directions.to(x)]
    return y.detach(), torch.stack(slopes)


def _reverse_jacobian(f: Map, x: Tensor, traced: bool = False) -> tuple[Tensor, Tensor]:
    """One reverse pass per output; samples do not interact, so a sum over the batch separates them."""
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        flat = f(leaf).reshape(len(x), -1)
        rows = [
            torch.autograd.grad(
                flat[:, j].sum(), leaf, retain_graph=traced or j + 1 < flat.shape[1], create_graph=traced
            )[0]
            for j in range(flat.shape[1])
        ]
    return flat if traced else flat.detach(), torch.stack([row.flatten(1) for row in rows], dim=1)


_ALONG = {"forward": _forward, "double_backward": _double_backward, "difference": central_differences}
