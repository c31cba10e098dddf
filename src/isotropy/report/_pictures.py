"""Pictures as inline SVG that takes its ink and its font from the page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# A colour that nothing else uses: it becomes the page's own text colour, light or dark.
_INK = "#012345"
_INK_KEYS = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")


def inline_svg(draw: Callable[[], Figure], prefix: str) -> str:
    """Return a picture as an ``<svg>`` element.

    Parameters
    ----------
    draw : callable
        Makes the figure; it is called where the page's colours and fonts are set.
    prefix : str
        Goes before every id, so that several pictures share a page.
    """
    try:
        from matplotlib import rc_context
    except ImportError as missing:
        message = "expected matplotlib for the report, found none; run pip install 'isotropy[report]'"
        raise MissingExtraError(message) from missing
    style: dict[Any, Any] = dict.fromkeys(_INK_KEYS, _INK) | {
        "svg.fonttype": "none",
        "svg.hashsalt": prefix,
        "font.size": 11,
    }
    stream = io.StringIO()
    with rc_context(style), warnings.catch_warnings():
        # The browser draws the letters, with fonts of its own; what matplotlib's font lacks does not matter.
        warnings.filterwarnings("ignore", message="Glyph")
        no_metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        draw().savefig(stream, format="svg", transparent=True, metadata=no_metadata)
    text = stream.getvalue()
    text = text[text.index("<svg") :].replace(_INK, "currentColor")
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", text)


def plain_label(text: str) -> str:
    """Return a text that matplotlib does not read as mathematics."""
    return text.replace("$", r"\$")


def busiest_plane(matrix: Any, affine: bool) -> tuple[int, int]:
    """Return the two coordinates in which a generator moves most, for the picture of its flow."""
    values = np.abs(np.asarray(matrix, dtype=np.float64))
    size = len(values) - affine
    shift = values[:size, -1] if affine else np.zeros(size)
    inside = values[:size, :size] ** 2
    pairs = [(row, column) for row in range(size) for column in range(row + 1, size)]
    # A shift weighs little: it only decides where the linear parts are equal.
    strength = [inside[np.ix_(pair, pair)].sum() + 0.1 * (shift[list(pair)] ** 2).sum() for pair in pairs]
    return pairs[int(np.argmax(strength))]
