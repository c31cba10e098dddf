"""Pictures of an answer: its spectrum, its generators, their flows and their orbits.

Every function draws on the axes given as `ax`, or on a new figure, and returns the figure. Nothing touches
pyplot, so pictures can be made in threads, servers and notebooks alike. Needs the extra ``report``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import DataError, MissingExtraError, RepresentationMismatchError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NULL_COLOUR, OTHER_COLOUR = "#e0662f", "#7f93a8"
NEGATIVE_COLOUR, POSITIVE_COLOUR = "#2f78b7", "#cf4f3c"
_LARGEST_WITH_NUMBERS = 6
_LONGEST_NAME = 12
_SEEDS, _STREAK_STEPS = 9, 12


def spectrum(values: Any, cut: int, floor: float | None = None, *, ax: Axes | None = None) -> Figure:
    """Draw singular values on a logarithmic scale, with the cut between kept and null directions.

    Parameters
    ----------
    values : (count,) array
        Relative residuals, in descending order.
    cut : int
        Number of null directions (symmetries), counted from the smallest end.
    floor : float, optional
        Noise floor, drawn as a dotted line.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure
        Values that are exactly zero are drawn as triangles at the lower edge.

    Raises
    ------
    RepresentationMismatchError
        If `values` is not a vector, or `cut` is not between 0 and its length.
    DataError
        If the values are not finite, or not in descending order.
    """
    heights = _finite(values)
    if heights.ndim != 1 or not 0 <= cut <= len(heights):
        raise RepresentationMismatchError(
            f"expected a vector of values and a cut between 0 and its length, got shape {heights.shape} "
            f"and cut {cut}; pass spectrum_ and algebra_.dim of one discovery"
        )
    if (np.diff(heights) > 0).any():
        raise DataError("expected values in descending order, got others; sort them, largest first")
    axes = _axes(ax, (6.4, 3.2))
    positive = heights[heights > 0]
    lowest = positive.min() / 3 if positive.size else 1e-16
    place, is_null = np.arange(1, len(heights) + 1), np.arange(len(heights)) >= len(heights) - cut
    for chosen, colour, label in ((~is_null, OTHER_COLOUR, "broken"), (is_null, NULL_COLOUR, "symmetry")):
        for shown, marker, name in ((heights > 0, "o", label), (heights <= 0, "v", None)):
            here = chosen & shown
            if here.any():
                y = np.maximum(heights[here], lowest)
                axes.plot(place[here], y, marker, color=colour, markersize=7, label=name or f"{label}, exactly 0")
    _draw_cut(axes, heights, cut)
    if floor is not None and floor > 0:
        axes.axhline(floor, linestyle=":", color=OTHER_COLOUR, label="noise floor")
    axes.set_yscale("log")
    # Never less than two decades below 1: a zoom would make small differences look like gaps.
    axes.set_ylim(min(lowest / 2, 1e-2), max(float(heights.max(initial=0.0)), 1.0) * 1.6)
    axes.set_xlabel("direction, from most broken to most symmetric")
    axes.set_ylabel("defect")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
    return _figure(axes)


def generators(
    basis: Any,
    *,
    names: Sequence[str] | None = None,
    titles: Sequence[str] | None = None,
    affine: bool = False,
    ax: Axes | Sequence[Axes] | None = None,
) -> Figure:
    """Draw each generator as a heat map, blue for negative, red for positive, clear for zero.

    Entry ``[i, j]`` says how fast coordinate i changes in proportion to coordinate j. Numbers are written
    into the cells up to 6 coordinates.

    Parameters
    ----------
    basis : (generators, n, n) array or (generators, n + 1, n + 1) array
        The matrices.
    names : n strings, optional
        Names of the coordinates.
    titles : strings, optional
        One title per generator.
    affine : bool
        Whether the matrices act on ``(x, 1)``: the last column is then called 1, the empty last row left out.
    ax : Axes or sequence of Axes, optional
        Where to draw, one per generator.

    Returns
    -------
    Figure
        One set of axes per generator; colours share one scale, symmetric about zero.

    Raises
    ------
    RepresentationMismatchError
        If `basis` is not a stack of at least one square matrix, or names, titles or axes do not fit it.
    """
    matrices = _finite(basis)
    if matrices.ndim != 3 or not len(matrices) or matrices.shape[1] != matrices.shape[2]:
        raise RepresentationMismatchError(
            f"expected generators of shape (generators, n, n) with at least one, got {matrices.shape}; "
            "pass algebra.basis"
        )
    size = matrices.shape[1] - affine
    labels = [_short(name) for name in names or _default_names(size)]
    panels = _panels(ax, len(matrices))
    for what, received, wanted in (("axes", len(panels), len(matrices)), ("names", len(labels), size)):
        if received != wanted:
            raise RepresentationMismatchError(f"expected {wanted} {what}, got {received}; give one of each")
    limit = float(np.abs(matrices).max()) or 1.0
    for panel, matrix, title in zip(panels, matrices, titles or [""] * len(matrices), strict=True):
        _heat_map(panel, matrix[:size], labels, limit)
        panel.set_title(title.replace("$", r"\$"))
    return _figure(panels[0])


def flow(
    generator: Any,
    plane: tuple[int, int] = (0, 1),
    *,
    names: Sequence[str] | None = None,
    affine: bool = False,
    extent: float = 1.0,
    ax: Axes | None = None,
) -> Figure:
    """Draw how a generator moves points in a plane of two coordinates, the others held at zero.

    Parameters
    ----------
    generator : (n, n) array, (n + 1, n + 1) array or callable
        A matrix with field ``B x``; with `affine`, a matrix acting on ``(x, 1)``; or a field taking and
        returning arrays of shape ``(points, 2)``.
    plane : pair of int
        The two coordinates.
    names : strings, optional
        Names of all coordinates (of the two for a callable).
    affine : bool
        Whether the last column of the matrix is a shift.
    extent : float
        The picture covers ``[-extent, extent]`` in both coordinates.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure
        Arrows bend along the flow and are as long as the way gone in one common time. Where the field
        vanishes there is no arrow; where it vanishes everywhere, words say so.

    Raises
    ------
    RepresentationMismatchError
        If the matrix is not square or the plane is not a pair of its coordinates.
    DataError
        If the matrix is not finite, or the field is finite nowhere in the picture.
    """
    axes = _axes(ax, (3.2, 3.2))
    side = np.linspace(-extent, extent, _SEEDS)
    seeds = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    if callable(generator):
        field, labels = generator, list(names or _default_names(2))
    else:
        field, size = _plane_field(_finite(generator), plane, affine)
        every = list(names or _default_names(size))
        labels = [every[plane[0]], every[plane[1]]]
    if _draw_streaks(axes, field, seeds, extent) == 0:
        axes.text(0, 0, "nothing moves\nin this plane", ha="center", va="center")
    axes.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal")
    axes.set(xlabel=_short(labels[0]), ylabel=_short(labels[1]))
    axes.locator_params(nbins=3)
    return _figure(axes)


def orbits(points: Any, *, names: Sequence[str] | None = None, ax: Axes | None = None) -> Figure:
    """Draw the curves that sample points follow along one generator, and where they start.

    Parameters
    ----------
    points : (steps, points, 2 or 3) array
        Positions at each step of the flow.
    names : 2 or 3 strings, optional
        Names of the coordinates shown.
    ax : Axes, optional
        Where to draw; a three-dimensional one for three coordinates.

    Returns
    -------
    Figure
        One curve per point, with a dot at its first step.

    Raises
    ------
    RepresentationMismatchError
        If `points` has another shape.
    """
    path = _finite(points)
    if path.ndim != 3 or path.shape[2] not in (2, 3):
        raise RepresentationMismatchError(
            f"expected positions of shape (steps, points, 2 or 3), got {path.shape}; keep 2 or 3 coordinates"
        )
    size = path.shape[2]
    axes = _axes(ax, (4.8, 4.0), projection="3d" if size == 3 else None)
    for curve in path.transpose(1, 2, 0):
        axes.plot(*curve, color=OTHER_COLOUR, linewidth=0.8, alpha=0.6)
    axes.plot(*path[0].T, "o", color=NULL_COLOUR, markersize=4)
    labels = names or _default_names(size)
    for letter, name in zip("xyz", labels, strict=False):
        getattr(axes, f"set_{letter}label")(_short(name))
    if size == 2:
        axes.spines[["top", "right"]].set_visible(False)
        spread = np.ptp(path.reshape(-1, 2), axis=0)
        if spread.min() > 0.1 * spread.max():  # coordinates in like units: circles look like circles
            axes.set_aspect("equal", adjustable="datalim")
    return _figure(axes)


def _array(values: Any) -> np.ndarray:
    """Return float64 values, from tensors on any device too."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    return np.asarray(values, dtype=np.float64)


def _finite(values: Any) -> np.ndarray:
    """Return float64 values, all of them finite: a picture leaves out the others without a word."""
    array = _array(values)
    if not np.isfinite(array).all():
        wrong = int((~np.isfinite(array)).sum())
        raise DataError(f"expected finite values, got {wrong} that are not; leave them out of the picture")
    return array


def new_figure(size: tuple[float, float]) -> Figure:
    """Return a figure that no global state knows of."""
    try:
        from matplotlib.figure import Figure
    except ImportError as missing:
        message = "expected matplotlib for pictures, found none; run pip install 'isotropy[report]'"
        raise MissingExtraError(message) from missing
    return Figure(figsize=size, layout="constrained")


def _axes(ax: Axes | None, size: tuple[float, float], projection: str | None = None) -> Any:
    """Return the axes given, or the only ones of a new figure."""
    return ax if ax is not None else new_figure(size).add_subplot(projection=projection)


def _panels(ax: Axes | Sequence[Axes] | None, count: int) -> list[Any]:
    """Return the axes given as a list, or a row-wise grid of new ones."""
    if ax is not None:
        return [ax] if hasattr(ax, "plot") else list(ax)  # type: ignore[arg-type]
    columns = min(count, 4)
    rows = -(-count // columns)
    figure = new_figure((3.0 * columns, 3.0 * rows))
    return [figure.add_subplot(rows, columns, place + 1) for place in range(count)]


def _figure(axes: Any) -> Figure:
    """Return the figure that axes belong to."""
    return axes.figure


def _default_names(size: int) -> list[str]:
    """Return x, y, z up to three coordinates, then x1, x2, ..."""
    return list("xyz"[:size]) if size <= 3 else [f"x{place + 1}" for place in range(size)]


def _short(name: str) -> str:
    """Return a name that fits beside an axis and is not read as mathematics."""
    kept = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
    return kept.replace("$", r"\$")


def _draw_cut(axes: Any, heights: np.ndarray, cut: int) -> None:
    """Draw the line between broken and null directions, with the drop across it in numbers."""
    last = len(heights) - cut
    if not 0 < cut < len(heights):
        return
    axes.axvline(last + 0.5, linestyle="--", linewidth=1, color=NULL_COLOUR, label="cut")
    if heights[last] > 0:
        middle = float(np.sqrt(heights[last - 1] * heights[last]))
        drop = f"{heights[last - 1] / heights[last]:.2g}".partition("e")
        words = drop[0] + (rf" × 10$^{{{int(drop[2])}}}$" if drop[2] else "")
        axes.annotate(f"factor {words}", (last + 0.6, middle), color=NULL_COLOUR)


def _heat_map(axes: Any, matrix: np.ndarray, labels: list[str], limit: float) -> None:
    """Draw one matrix, first row on top."""
    from matplotlib.colors import LinearSegmentedColormap

    clear_blue, clear_red = NEGATIVE_COLOUR + "00", POSITIVE_COLOUR + "00"
    shades = [(0, NEGATIVE_COLOUR), (0.5, clear_blue), (0.5, clear_red), (1, POSITIVE_COLOUR)]
    colours = LinearSegmentedColormap.from_list("generator", shades)
    rows, columns = matrix.shape
    edge = "#8888" if columns <= 2 * _LARGEST_WITH_NUMBERS else "none"
    # Cells are drawn as shapes, not as an image: they stay sharp at any size and need no embedded bitmap.
    axes.pcolormesh(matrix, cmap=colours, vmin=-limit, vmax=limit, edgecolors=edge, linewidth=0.5)
    axes.set(ylim=(rows, 0), aspect="equal")
    turned = 90 if max(map(len, labels)) > 3 else 0
    axes.set_xticks(np.arange(columns) + 0.5, [*labels, "1"][:columns], rotation=turned)
    axes.set_yticks(np.arange(rows) + 0.5, [f"d{label}/dt" for label in labels])
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=10 if columns <= 12 else max(3, 120 / columns))
    axes.spines[:].set_visible(False)
    if columns <= _LARGEST_WITH_NUMBERS + 1:
        for (row, column), value in np.ndenumerate(matrix):
            strong = {"color": "white"} if abs(value) > 0.6 * limit else {}
            axes.text(column + 0.5, row + 0.5, _number(value), ha="center", va="center", fontsize=9, **strong)


def _number(value: float) -> str:
    """Return two digits, with a true minus sign and no negative zero."""
    return f"{value:.2g}".replace("-", "−") if abs(value) >= 5e-4 else "0"


def _plane_field(
    matrix: np.ndarray, plane: tuple[int, int], affine: bool
) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """Return the velocity in a plane as a function of points, (points, 2), and the number of coordinates."""
    size = len(matrix) - affine if matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] else 0
    if len(set(plane)) != 2 or not all(0 <= place < size for place in plane):
        raise RepresentationMismatchError(
            f"expected a square matrix and two of its coordinates, got shape {matrix.shape} and plane "
            f"{plane}; count coordinates from 0"
        )
    kept = list(plane)
    linear, shift = matrix[np.ix_(kept, kept)], matrix[kept, -1] if affine else np.zeros(2)
    return lambda points: points @ linear.T + shift, size


def _draw_streaks(axes: Any, field: Callable[..., Any], seeds: np.ndarray, extent: float) -> int:
    """Draw where points go in one common time, with a head on each; return how many move."""
    from matplotlib.collections import LineCollection

    speed = np.hypot(*_array(field(seeds)).T)
    if not np.isfinite(speed).any():
        raise DataError("expected a field with finite values, got none in the picture; choose another extent")
    # A field may be undefined somewhere, at its centre for instance: no streak starts there.
    seeds = seeds[np.isfinite(speed) & (speed > 1e-3 * np.nanmax(speed))]
    if not len(seeds):
        return 0
    step = 0.42 * extent / np.nanmax(speed) / _STREAK_STEPS
    path = [seeds]
    for _ in range(_STREAK_STEPS):
        halfway = path[-1] + step / 2 * _array(field(path[-1]))
        path.append(path[-1] + step * _array(field(halfway)))
    axes.add_collection(LineCollection(list(np.stack(path, axis=1)), colors=NULL_COLOUR, linewidths=1.3))
    last = path[-1] - path[-2]
    heads = last / np.maximum(np.linalg.norm(last, axis=1, keepdims=True), 1e-300)
    shape = {"headwidth": 4, "headlength": 5, "headaxislength": 4.5, "minshaft": 0, "minlength": 0}
    axes.quiver(*path[-1].T, *heads.T, color=NULL_COLOUR, units="inches", width=0.02, scale=14, **shape)
    return len(seeds)
