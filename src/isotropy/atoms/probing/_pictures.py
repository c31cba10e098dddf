"""Pictures of a probe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ...errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAMED = 60  # atoms that still leave room for their symbols
_EVEN, _ODD, _INK = "#2f78b7", "#e0662f", "#7f93a8"


def overview(
    name: str, found: dict[str, Any], rules: list[dict[str, Any]], locality: dict[str, dict[str, float]] | None
) -> Figure:
    """Spectrum, error against cost and errors by element, side by side; ``locality`` is None where none is known."""
    count = 2 if locality is None else 3
    figure = _figure(4.2 * count)
    axes: list[Any] = list(figure.subplots(1, count))
    _draw_spectrum(axes[0], found)
    _draw_costs(axes[1], rules, name, found)
    if locality is not None:
        _draw_elements(axes[2], locality, found["unit"])
    figure.suptitle(f"{name}: error {found['error']:.3g} {found['unit']}")
    return figure


def map_of_atoms(name: str, unit: str, record: dict[str, Any], errors: Tensor) -> Figure:
    """Atoms of a frame, seen along its thinnest direction, coloured by their errors `(n,)`."""
    x = torch.tensor(record["positions"], dtype=torch.float64)
    flat = (x - x.mean(0)) @ torch.linalg.svd(x - x.mean(0)).Vh[:2].T
    figure = _figure(4.6)
    axes = figure.subplots()
    size = max(30.0, 420.0 / len(errors) ** 0.5)
    drawn = axes.scatter(*flat.T.tolist(), c=errors.tolist(), s=size, cmap="viridis", vmin=0.0)
    for place, symbol in zip(flat.tolist(), record["symbols"] if len(errors) <= _NAMED else [], strict=False):
        axes.annotate(symbol, place, textcoords="offset points", xytext=(9, 6), fontsize=8)
    axes.set(xlabel="A", ylabel="A", aspect="equal")
    axes.margins(0.25)
    figure.colorbar(drawn, ax=axes, label=f"error ({unit})")
    figure.suptitle(f"{name} of frame {record['frame']}: error per atom")
    return figure


def _figure(width: float) -> Figure:
    """An empty figure that belongs to no window."""
    try:
        from matplotlib.figure import Figure
    except ImportError as missing:
        message = "expected matplotlib for pictures, found none; run pip install 'isotropy[report]'"
        raise MissingExtraError(message) from missing
    return Figure(figsize=(width, 3.4), layout="constrained")


def _draw_spectrum(axes: Axes, found: dict[str, Any]) -> None:
    """Root mean squares by degree, even beside odd."""
    rows = found["spectrum"]
    columns = (("even", _EVEN), ("odd", _ODD)) if len(rows[0]) == 2 else (("both parities", _INK),)
    for place, (label, colour) in enumerate(columns):
        heights = [row[place] ** 0.5 for row in rows]
        at = [degree + 0.4 * (place - (len(columns) - 1) / 2) for degree in range(len(rows))]
        axes.bar(at, heights, width=0.35, color=colour, label=label)
    axes.axhline(found["floor"], linestyle=":", color=_INK, label="noise floor")
    axes.set(xlabel="degree", ylabel=f"error ({found['unit']})", xticks=range(len(rows)))
    axes.legend(frameon=False)


def _draw_costs(axes: Axes, rows: list[dict[str, Any]], name: str, found: dict[str, Any]) -> None:
    """What is left by each rule."""
    costs = [row["evaluations"] for row in rows]
    errors = [max(row["errors"][name]["mean"], found["floor"] / 10) for row in rows]
    axes.loglog(costs, errors, "o", color=_ODD)
    for cost, error, row in zip(costs, errors, rows, strict=True):
        label = row["name"].replace(", with inversion", "i")
        axes.annotate(label, (cost, error), textcoords="offset points", xytext=(4, 4), fontsize=8)
    axes.axhline(found["floor"], linestyle=":", color=_INK)
    axes.set(xlabel="evaluations", ylabel=f"mean absolute error left ({found['unit']})")


def _draw_elements(axes: Axes, locality: dict[str, dict[str, float]], unit: str) -> None:
    """Errors of atoms by element."""
    symbols = list(locality)
    axes.bar(symbols, [locality[symbol]["error"] for symbol in symbols], color=_EVEN, label="root mean square")
    axes.plot(symbols, [locality[symbol]["largest"] for symbol in symbols], "v", color=_ODD, label="worst atom")
    axes.set(xlabel="element", ylabel=f"error per atom ({unit})")
    axes.legend(frameon=False)
