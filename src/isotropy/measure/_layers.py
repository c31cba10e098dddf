"""Where in a model a symmetry is lost: the error of the map from the input to every activation."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..action._action import Action
from ..actions import Image, Trivial
from ..core._autodiff import Map, evaluating, first_usable
from ..core._checks import as_points
from ..derivative._recording import Call, recording
from ..errors import DataError, DerivativeUnavailableError, RepresentationMismatchError, SymmetryWarning
from ._report import SymmetryReport
from ._summary import level_of
from ._terms import frames, generator_names
from ._walk import Layer, walk


def layers(
    model: nn.Module,
    x: Any,
    rho_in: Action,
    *,
    actions: Mapping[str, Action] | None = None,
    level: float = 0.05,
    seed: int = 0,
    confidence: float | None = None,
) -> dict[str, SymmetryReport]:
    """Defect and effect of the map from the input to the output of every leaf module, in order of evaluation.

    The numbers are those of ``equivariance``, from gradients paired with the motions of eight other samples.

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
    level : float
        Of the bootstrap intervals: what they leave out.
    seed : int
        Of the bootstrap and of the pairs.
    confidence : float, optional
        Former word for ``1 - level``; it will go.

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
    level = level_of(level, confidence)
    points = as_points(x, "x", rho_in.event).detach()
    frames(rho_in.algebra)  # refuses an algebra without generators
    with evaluating(model), recording(model) as seen:
        plan = _plan(model, points[:1], seen, rho_in, actions or {})
        names = [layer.name for layer in plan]
        stacked = _stacked(model, seen, names)
        method = _rung(stacked, points)
        seen = walk(stacked, points, rho_in, plan, method, seed)
    described = generator_names(rho_in)
    return {name: part.report(described, method, points.dtype, level) for name, part in zip(names, seen, strict=True)}


def _plan(
    model: nn.Module, one: Tensor, seen: list[Call], rho_in: Action, actions: Mapping[str, Action]
) -> list[Layer]:
    """What there is to measure."""
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
        plan.append(Layer(name, slice(start, start + out.numel()), _action(name, out, rho_in, actions)))
        start += out.numel()
    return plan


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
