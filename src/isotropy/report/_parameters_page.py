"""The page of the symmetries of a network's parameters."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import viz
from ..core._files import write_atomic
from ._page import open_template
from ._pictures import inline_svg, plain_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BARS = 24
_LONGEST = 34


def write_parameters(path: str | os.PathLike[str], answer: Mapping[str, Any], title: str) -> Path:
    """Write the content of ``parameters.json`` as one HTML file that needs no network.

    Pictures show the dimension of every block, the values of the conserved quantities, and loss and sharpness along
    the orbit curve.

    Raises
    ------
    MissingExtraError
        Without jinja2 or matplotlib.
    """
    pictures: dict[str, tuple[str, str]] = {}
    if answer["blocks"]:
        pictures["Blocks"] = (
            "Dimensions along which parameters move while the function stays.",
            inline_svg(lambda: _bars(answer["blocks"]), "blocks"),
        )
    if answer["conserved"]:
        pictures["Conserved quantities"] = (
            "Values that gradient flow keeps, one stroke each; of symmetric matrices their eigenvalues.",
            inline_svg(lambda: _dots(answer["conserved"]), "conserved"),
        )
    if "points" in answer["orbit"]:
        pictures["Along an orbit"] = (
            f"All units of {answer['orbit']['label']} are scaled by exp(t). The network computes the same at every t; "
            "its sharpness, the largest eigenvalue of the Hessian of the loss of imitating it, does not stay.",
            inline_svg(lambda: _curve(answer["orbit"]["points"]), "orbit"),
        )
    return write_atomic(path, open_template("parameters.html").render(title=title, answer=answer, pictures=pictures))


def _bars(blocks: list[dict[str, Any]]) -> Figure:
    """Dimension of each block, the first ones."""
    shown = blocks[:_MOST_BARS]
    figure = viz.new_figure((7.0, 0.9 + 0.32 * len(shown)))
    axes = figure.add_subplot()
    places = range(len(shown))
    axes.barh(places, [row["dimension"] for row in shown], color=viz.OTHER_COLOUR)
    axes.set_yticks(places, [_short(f"{row['kind']}: {row['label']}") for row in shown])
    axes.invert_yaxis()
    axes.set_xscale("log" if max(row["dimension"] for row in shown) > 1000 else "linear")
    axes.set_xlabel(f"dimension; {len(blocks) - len(shown)} more blocks" if len(blocks) > len(shown) else "dimension")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _dots(laws: list[dict[str, Any]]) -> Figure:
    """Values of each family of quantities, the first ones."""
    shown = laws[:_MOST_BARS]
    figure = viz.new_figure((7.0, 0.9 + 0.32 * len(shown)))
    axes = figure.add_subplot()
    for place, row in enumerate(shown):
        values = _flat(row)
        axes.plot(values, [place] * len(values), "|", color=viz.NULL_COLOUR, markersize=11)
    axes.axvline(0.0, color=viz.OTHER_COLOUR, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(shown)), [_short(row["label"]) for row in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_xlabel("value")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _curve(points: list[dict[str, float]]) -> Figure:
    """Loss and sharpness against time, side by side."""
    figure = viz.new_figure((7.0, 2.8))
    times = [point["time"] for point in points]
    for place, (key, label) in enumerate((("loss", "loss"), ("eigenvalue", "sharpness"))):
        axes = figure.add_subplot(1, 2, place + 1)
        axes.plot(times, [point[key] for point in points], "o-", color=viz.NULL_COLOUR if place else viz.OTHER_COLOUR)
        axes.set_xlabel("t")
        axes.set_ylabel(label)
        if key == "loss":  # a scale on which rounding is flat
            top = max(1.0, 1.3 * max(point[key] for point in points))
            axes.set_ylim(-0.05 * top, top)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _flat(row: dict[str, Any]) -> list[float]:
    """Values to draw."""
    rows = row["eigenvalues"] if row["eigenvalues"] is not None else [row["values"] or []]
    return [value for one in rows for value in one]


def _short(text: str) -> str:
    return plain_label(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")
