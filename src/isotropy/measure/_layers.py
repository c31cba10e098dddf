"""Where in a model a symmetry is lost: the error of the map from the input to every activation."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..action._action import Action
from ..actions import Image, Trivial
from ..core._autodiff import Map, along, evaluating, first_usable
from ..core._checks import as_points, require_fraction
from ..derivative._recording import Call, recording
from ..errors import DataError, DerivativeUnavailableError, RepresentationMismatchError, SymmetryWarning
from ..symmetry import bars
from ._report import SymmetryReport
from ._summary import Noise, summarise
from ._terms import frames, generator_names, term_squares

_PROBES = 16  # random directions that estimate |Df| of every layer at once
_MOST_ENTRIES = 2**24


@dataclass(frozen=True)
class _Layer:
    """One activation: its name, its columns among all activations, and how it should move."""

    name: str
    columns: slice
    action: Action


def layers(
    model: nn.Module,
    x: Any,
    rho_in: Action,
    *,
    actions: Mapping[str, Action] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, SymmetryReport]:
    """Equivariance error of the map from the input to the output of every leaf module, in order of evaluation.

    An activation should move by ``actions[name]``; else like the input if it has its shape; else, under an
    ``Image`` action, like an image that covers the same square; else not at all (invariance). A module called
    again appears again as ``name#2``. All layers share the same forward-mode passes.

    Parameters
    ----------
    model : nn.Module
        Evaluated in eval mode and left as it was found, hooks included.
    x : array_like
        `(batch, *event)` points.
    rho_in : Action
        Action on inputs.
    actions : mapping of str to Action, optional
        Actions on the outputs of named modules.
    confidence : float
        Of the bootstrap intervals.
    seed : int
        Of the bootstrap and of the directions that estimate ``|Df|``.

    Raises
    ------
    DataError
        If ``actions`` names no leaf module, or no leaf module is called.
    RepresentationMismatchError
        If an action does not fit an activation.
    DerivativeUnavailableError
        If no method can differentiate the model.

    Warns
    -----
    SymmetryWarning
        If outputs that are no tensor with a row per sample are left out; the message names them.
    """
    require_fraction(confidence, "confidence")
    points = as_points(x, "x", rho_in.event).detach()
    with evaluating(model), recording(model) as seen:
        plan, total = _plan(model, points[:1], seen, rho_in, actions or {})
        names = [layer.name for layer in plan]
        stacked = _stacked(model, seen, names)
        method = _rung(stacked, points)
        squares = _all_squares(stacked, points, rho_in, plan, total, method, seed)
    floor = bars.ROUNDINGS * torch.finfo(points.dtype).eps ** (2 / 3 if method == "difference" else 1.0)
    described = generator_names(rho_in)
    rules: dict[str, Any] = {"method": method, "dtype": points.dtype, "confidence": confidence, "seed": seed}
    return {
        name: summarise(part, described, noise=Noise(floor), **rules) for name, part in zip(names, squares, strict=True)
    }


def _plan(
    model: nn.Module, one: Tensor, seen: list[Call], rho_in: Action, actions: Mapping[str, Action]
) -> tuple[list[_Layer], int]:
    """What there is to measure, and how many numbers that is per sample."""
    with torch.no_grad():
        model(one)
    usable = [(name, out) for name, _, _, out in seen if isinstance(out, Tensor) and out.ndim > 1 and len(out) == 1]
    left_out = [call.name for call in seen if call.name not in dict(usable)]
    seen.clear()
    unknown = sorted(set(actions) - {name for name, _ in usable})
    if unknown or not usable:
        raise DataError(
            f"actions: expected names out of {[name for name, _ in usable]}, received {unknown}; "
            "name leaf modules whose output has a row per sample"
        )
    if left_out:
        warnings.warn(SymmetryWarning(f"left out, as their output is no tensor of samples: {left_out}"), stacklevel=3)
    plan, start = [], 0
    for name, out in usable:
        plan.append(_Layer(name, slice(start, start + out.numel()), _action(name, out, rho_in, actions)))
        start += out.numel()
    return plan, start


def _action(name: str, out: Tensor, rho_in: Action, actions: Mapping[str, Action]) -> Action:
    """How the output `(1, *event)` of one module should move."""
    event = tuple(out.shape[1:])
    if name in actions:
        if actions[name].size != out.numel():
            raise RepresentationMismatchError(
                f"actions[{name!r}]: expected an action on {out.numel()} numbers (shape {event}), received one on "
                f"{actions[name].size}; match the output of the module"
            )
        return actions[name]
    if event == rho_in.event:
        return rho_in
    if isinstance(rho_in, Image) and len(event) == 3 and min(event[1:]) > 1:
        return rho_in.on_grid(*event)
    return Trivial(rho_in.algebra, event)


def _stacked(model: nn.Module, seen: list[Call], names: list[str]) -> Map:
    """The map from inputs to all activations side by side, `(batch, total)`."""

    def stacked(x: Tensor) -> Tensor:
        seen.clear()
        model(x)
        outputs = {call.name: call.output for call in seen}
        seen.clear()
        return torch.cat([outputs[name].flatten(1) for name in names], dim=1)

    return stacked


def _rung(stacked: Map, points: Tensor) -> str:
    """The first method that works without a pass per output; a layered model has far too many outputs."""
    rung, failures = first_usable(stacked, points, ("forward", "double_backward", "difference"))
    if rung is not None:
        return rung
    raise DerivativeUnavailableError(
        f"model: expected one that can be differentiated, received failures ({failures}); "
        "check that it is smooth and finite near the data"
    )


def _all_squares(
    stacked: Map, points: Tensor, rho_in: Action, plan: list[_Layer], total: int, method: str, seed: int
) -> list[Tensor]:
    """Squares `(3, samples, dim + 1)` of every layer."""
    dim, frame = rho_in.algebra.dim, frames(rho_in.algebra)
    generator = torch.Generator().manual_seed(seed)
    parts: list[list[Tensor]] = [[] for _ in plan]
    for chunk in points.split(max(1, _MOST_ENTRIES // (total * (2 * dim + _PROBES)))):
        fields = rho_in.fields(chunk)
        probes = torch.randn((_PROBES, *chunk.shape), generator=generator, dtype=torch.float64).to(chunk)
        value, slopes = along(stacked, chunk, torch.cat([fields.transpose(0, 1), probes]), method)
        for layer, squares in zip(plan, parts, strict=True):
            moved, probed = slopes[..., layer.columns].split([dim, _PROBES])
            slope = probed.square().sum(2).mean(0).sqrt()
            event = value[:, layer.columns].reshape(-1, *layer.action.event)
            turned = layer.action.fields(event, at=chunk).flatten(2)
            squares.append(term_squares(fields.flatten(2), slope, moved.transpose(0, 1), turned, frame))
    return [torch.cat(squares, dim=1) for squares in parts]
