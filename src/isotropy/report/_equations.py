"""The page of governing equations: what was found, with and without symmetry, and how sure each term is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core._files import write_atomic
from ..errors import DataError
from ..viz import NULL_COLOUR, OTHER_COLOUR, POSITIVE_COLOUR
from ._page import open_template
from ._pictures import inline_svg, plain_label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NEEDED = ("status", "equations", "coordinates", "terms", "inclusion", "road", "doubts", "symmetry")
_MOST_COLUMNS = 40  # of the picture of inclusion probabilities
_MOST_TRIALS = 12
_NUMBERED = 12  # terms up to which probabilities are written out


def write_equations_report(
    path: str | Path,
    answer: Mapping[str, Any],
    states: Sequence[Any],
    paths: Sequence[Any],
    title: str | None = None,
) -> Path:
    """Write one HTML file that needs no other.

    Parameters
    ----------
    path : path
        Where to write.
    answer : mapping
        The content of ``equations.json``.
    states : sequence of array
        Measured trajectories `(T_i, n)`.
    paths : sequence of array or None
        Simulations from the first state of each of the first trajectories; None where one runs away.
    title : str, optional
        Heading of the page.

    Raises
    ------
    DataError
        If the answer lacks something.
    MissingExtraError
        Without jinja2 or matplotlib.
    """
    missing = [key for key in _NEEDED if key not in answer]
    if missing:
        raise DataError(f"expected an answer with {', '.join(missing)}, got none; pass the whole equations.json")
    page = open_template("equations.html").render(_content(answer, states, paths, title))
    return write_atomic(path, page)


def _content(answer: Mapping[str, Any], states: Sequence[Any], paths: Sequence[Any], title: str | None) -> dict:
    arrays = [np.asarray(x, dtype=float) for x in states]
    solved = [None if p is None else np.asarray(p, dtype=float) for p in paths]
    trials = (answer["symmetry"] or {}).get("trials", [])
    return {
        "title": title or "Governing equations",
        "answer": answer,
        "portrait": inline_svg(lambda: _portrait(arrays, solved, answer["coordinates"]), "portrait"),
        "inclusion": _inclusion_picture(answer),
        "trials": sorted(trials, key=lambda t: (not t["accepted"], t["error"]))[:_MOST_TRIALS],
        "count": len(trials),
    }


def _portrait(states: list[np.ndarray], paths: list[np.ndarray | None], names: Sequence[str]) -> Figure:
    """Measured states and simulations in the plane of the first two coordinates, or along the samples."""
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.add_subplot()
    flat = states[0].shape[1] == 1
    for x in states:
        across = np.arange(len(x)) if flat else x[:, 0]
        axes.plot(across, x[:, 0 if flat else 1], ".", markersize=4, color=OTHER_COLOUR, alpha=0.7)
    for p in (path for path in paths if path is not None):
        across = np.arange(len(p)) if flat else p[:, 0]
        axes.plot(across, p[:, 0 if flat else 1], color=NULL_COLOUR, linewidth=1.4)
    labels = [plain_label(name) for name in names]
    labels += [f"d{name}/dt" for name in labels]  # of motion: velocities follow the positions
    axes.set_xlabel("sample" if flat else labels[0])
    axes.set_ylabel(labels[0] if flat else labels[1])
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _inclusion_picture(answer: Mapping[str, Any]) -> str | None:
    """Shares of resampled fits, equation by equation; None where resampling gave none."""
    shares = np.array(answer["inclusion"], dtype=float)  # null becomes nan
    if not np.isfinite(shares).all():
        return None
    order = np.argsort(-shares.max(axis=0), kind="stable")[:_MOST_COLUMNS]
    order = np.sort(order)
    labels = [plain_label(answer["terms"][k]) for k in order]
    return inline_svg(lambda: _shares(shares[:, order], labels, answer["coordinates"]), "inclusion")


def _shares(shares: np.ndarray, labels: list[str], names: Sequence[str]) -> Figure:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(max(4.0, 0.55 * len(labels) + 1.5), 0.5 * len(shares) + 1.4), layout="constrained")
    axes = figure.add_subplot()
    colours = LinearSegmentedColormap.from_list("share", ["#ffffff00", POSITIVE_COLOUR])
    axes.imshow(shares, cmap=colours, vmin=0, vmax=1, aspect="auto")
    for i, j in np.ndindex(shares.shape) if len(labels) <= _NUMBERED else ():
        axes.text(j, i, f"{shares[i, j]:.2g}", ha="center", va="center", fontsize=9)
    axes.set_xticks(range(len(labels)), labels, rotation=60, ha="right", fontsize=9)
    owners = [f"equation of {plain_label(name)}" for name in names[: len(shares)]]
    axes.set_yticks(range(len(shares)), owners, fontsize=9)
    axes.spines[:].set_visible(False)
    return figure
