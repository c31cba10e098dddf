"""One walk over the samples that measures every activation of a map at once, by directions instead of Jacobians."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..action._action import Action
from ..core._autodiff import Map, along, jacobian, value_of
from ..symmetry.claims import bars
from ..symmetry.claims._rows import output_blocks
from ._floor import by_output, uncancelled
from ._gathered import Gathered
from ._metric import Metric, Spreads
from ._shuffles import Block, Pairing, Shuffles, pairing_of
from ._terms import frames, term_squares

_PROBES = 16  # random directions that estimate |Df| of every layer at once
_MOST_ENTRIES = 2**24


@dataclass(frozen=True)
class Layer:
    """One activation: its name, its columns among all activations, and how it should move."""

    name: str
    columns: slice
    action: Action


def walk(f: Map, points: Tensor, rho_in: Action, plan: Sequence[Layer], method: str, seed: int) -> list[Gathered]:
    """Measure a map to `(batch, total)`, the activations of ``plan`` side by side, at points `(batch, *event)`."""
    dim, samples, total = rho_in.algebra.dim, len(points), plan[-1].columns.stop
    pairing = pairing_of(samples, seed)
    directions = dim * (1 + len(pairing.partners)) + _PROBES
    rows = max(1, _MOST_ENTRIES // (max(total, rho_in.size, dim**2) * directions))
    metrics, inputs, squares = _metrics(f, points, rho_in, plan, rows)
    some = points[:: max(1, samples // bars.PARTNERS)]
    motions = inputs(_precise(rho_in.fields(some)).flatten(2))
    sums = [Shuffles(dim, pairing, outputs, inputs, motions, seed) for outputs in metrics]
    terms = [torch.zeros(3, dim + 1, dtype=torch.float64) for _ in plan]
    generator, frame = torch.Generator().manual_seed(seed), frames(rho_in.algebra)
    for index in torch.arange(samples).split(rows):
        chunk = points[index]
        fields = rho_in.fields(chunk)
        probes = torch.randn((_PROBES, *chunk.shape), generator=generator, dtype=torch.float64).to(chunk)
        asked = torch.cat([fields.transpose(0, 1), probes, _partner_fields(rho_in, points, pairing, index)])
        value, slopes = _slopes(f, chunk, asked, method)
        for layer, part, sizes in zip(plan, sums, terms, strict=True):
            moved, probed, paired = _precise(slopes[..., layer.columns]).split(
                [dim, _PROBES, len(asked) - dim - _PROBES]
            )
            event = value[:, layer.columns].reshape(-1, *layer.action.event)
            turned = _precise(layer.action.fields(event, at=chunk).flatten(2))
            moved = moved.transpose(0, 1)
            block = Block(
                index=index,
                points=_precise(chunk.flatten(1)),
                fields=_precise(fields.flatten(2)),
                value=_precise(value[:, layer.columns]),
                moved=moved,
                turned=turned,
                paired=paired.reshape(len(pairing.partners), dim, len(chunk), -1).transpose(1, 2),
            )
            part.update(block)
            slope = probed.square().sum(2).mean(0).sqrt()
            sizes += term_squares(block.fields, slope, moved, turned, frame).sum(1) / samples
    rounded = uncancelled(lambda x, v: _slopes(f, x, v, method), points, rho_in)
    return [
        Gathered(part, outputs, sizes, square, by_output(rounded[..., layer.columns], outputs))
        for layer, part, outputs, sizes, square in zip(plan, sums, metrics, terms, squares, strict=True)
    ]


def _metrics(
    f: Map, points: Tensor, rho_in: Action, plan: Sequence[Layer], rows: int
) -> tuple[list[Metric], Metric, list[Tensor]]:
    """Scales of every activation and of the points, and mean squares of the values; the map only runs forward."""
    samples = len(points)
    seen = [Spreads(output_blocks(layer.action), samples) for layer in plan]
    squares = [torch.zeros(sum(output_blocks(layer.action)), dtype=torch.float64) for layer in plan]
    inputs = Spreads((rho_in.size,), samples)
    with torch.no_grad():
        for chunk in points.split(rows):
            value = _precise(value_of(f, chunk).reshape(len(chunk), -1))
            inputs.update(chunk.flatten(1))
            for layer, spreads, square in zip(plan, seen, squares, strict=True):
                spreads.update(value[:, layer.columns])
                square += value[:, layer.columns].square().sum(0) / samples
    return [spreads.metric() for spreads in seen], inputs.metric(), squares


def _partner_fields(rho_in: Action, points: Tensor, pairing: Pairing, index: Tensor) -> Tensor:
    """Motions `(shuffles * dim, b, *event)` of the partners of some samples `(b,)`."""
    partners = pairing.partners[:, index]
    fields = rho_in.fields(points[partners.flatten()])
    shaped = fields.reshape(*partners.shape, *fields.shape[1:]).transpose(1, 2)
    return shaped.flatten(0, 1)


def _slopes(f: Map, x: Tensor, directions: Tensor, method: str) -> tuple[Tensor, Tensor]:
    """Value `(batch, out)` and slopes `(q, batch, out)` along directions `(q, batch, *event)`."""
    if method == "jacobian":
        value, matrix = jacobian(f, x, method)
        return value, torch.einsum("bon,qbn->qbo", matrix, directions.flatten(2))
    value, slopes = along(f, x, directions, method)
    return value.reshape(len(x), -1), slopes.reshape(len(directions), len(x), -1)


def _precise(values: Tensor) -> Tensor:
    return values.detach().to("cpu", torch.float64)
