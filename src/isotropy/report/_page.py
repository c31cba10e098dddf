"""Composing and writing the page."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import viz
from ..core._files import write_atomic
from ..errors import MissingExtraError, RepresentationMismatchError
from ..symmetry import _sentences as _words
from ._checked import check_answer, coordinates
from ._orbits import Orbits
from ._pictures import busiest_plane, inline_svg

_MOST_PICTURES = 12
_STILL_POINTS = 30


def write_report(
    path: str | os.PathLike[str],
    answer: Mapping[str, Any],
    orbits: Orbits | None = None,
    title: str | None = None,
) -> Path:
    """Write the report of a discovery as one HTML file that needs no network.

    The page says the answer in one sentence, then shows the generators, the spectrum with its cut, the
    samples moving along each generator, the certificates, what the data cannot identify, and how the answer
    was made.

    Parameters
    ----------
    path : str or PathLike
        The file; it is written whole or not at all.
    answer : mapping
        The content of ``symmetry.json``. Beside its keys the page reads, where present, ``coordinates``
        (names of the coordinates the matrices act on), ``conserved`` (formulas), ``limits`` (sentences),
        ``floor`` (noise floor of the spectrum), ``command`` (how to make it again), ``elements`` with their
        ``orders`` (single motions) and ``roads`` (answers of several roads to compare).
    orbits : Orbits, optional
        Sample points moved along each generator.
    title : str, optional
        Heading of the page.

    Returns
    -------
    Path
        The path as given.

    Raises
    ------
    DataError
        If the answer does not follow the format, or the folder is missing.
    RepresentationMismatchError
        If the orbits do not have one flow per generator.
    MissingExtraError
        Without jinja2 or matplotlib.
    """
    check_answer(answer)
    if orbits is not None and len(orbits.positions()) != answer["dimension"]:
        raise RepresentationMismatchError(
            f"expected orbits along {answer['dimension']} generators, got {len(orbits.positions())}; "
            "flow the samples along each matrix of basis"
        )
    return write_atomic(path, open_template("discovery.html").render(_content(answer, orbits, title)))


def open_template(name: str) -> Any:
    """Return a packaged template, with everything that is put into it escaped."""
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as missing:
        message = "expected jinja2 for the report, found none; run pip install 'isotropy[report]'"
        raise MissingExtraError(message) from missing
    loader = PackageLoader("isotropy.report", package_path="")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["number"] = _words.number
    return environment.get_template(name)


def _content(answer: Mapping[str, Any], orbits: Orbits | None, title: str | None) -> dict[str, Any]:
    """Return everything the template reads."""
    return {
        "title": title or "Symmetry report",
        "answer": answer,
        "name": None if answer["status"] == "none" or _words.shows_nothing(answer) else answer.get("name"),
        "headline": _words.headline(answer),
        "meaning": _words.meaning(answer),
        "advice": _words.advice(answer),
        "generators": _generators(answer),
        "shown": _MOST_PICTURES,
        "roads": [{**road, "pictures": _road_pictures(road)} for road in answer.get("roads") or ()],
        "elements": _elements(answer),
        "conserved": list(answer.get("conserved") or ()),
        "spectrum": _spectrum(answer),
        "cut_words": _words.cut(answer),
        "orbits": None if orbits is None else orbits.payload([str(field) for field in answer["vector_fields"]]),
        "stills": [] if orbits is None else _stills(orbits),
        "checks": _words.checks(answer),
        "limits": _words.limits(answer),
        "origin": _origin(answer),
    }


def _generators(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return formula, numbers and pictures of each generator; pictures of the first dozen only."""
    if not answer["dimension"]:
        return []
    drawn = coordinates(answer)
    cards = []
    for place, (matrix, field) in enumerate(zip(answer["basis"], answer["vector_fields"], strict=True)):
        rows = [json.dumps([float(entry) for entry in row]) for row in matrix]
        card = {"field": field, "rows": rows, "heat_map": None, "flow": None}
        if drawn is not None and place < _MOST_PICTURES:
            card |= _generator_pictures(matrix, *drawn, f"generator{place + 1}")
        cards.append(card)
    return cards


def _road_pictures(road: Mapping[str, Any]) -> list[str]:
    """Return the heat maps of the generators that one of several roads found."""
    return [
        inline_svg(lambda matrix=matrix: viz.generators([matrix]), f"{road['road']}{place + 1}")
        for place, matrix in enumerate(road["basis"][:_MOST_PICTURES])
        if len(matrix) == len(matrix[0])  # coefficients of polynomial fields are not
    ]


def _elements(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the numbers of single motions and their orders."""
    pairs = zip(answer.get("elements", []), answer.get("orders", []), strict=True)
    return [{"order": order, "rows": [json.dumps(row) for row in matrix]} for matrix, order in pairs]


def _generator_pictures(matrix: Any, names: list[str], affine: bool, prefix: str) -> dict[str, Any]:
    """Return the heat map of a matrix and its flow in the plane where it moves most."""
    heat_map = inline_svg(lambda: viz.generators([matrix], names=names, affine=affine), f"{prefix}-matrix")
    pictures: dict[str, Any] = {"heat_map": heat_map}
    if len(names) >= 2:
        plane = busiest_plane(matrix, affine)
        pictures["flow"] = inline_svg(lambda: viz.flow(matrix, plane, names=names, affine=affine), f"{prefix}-flow")
        pictures["plane"] = [names[place] for place in plane]
    return pictures


def _spectrum(answer: Mapping[str, Any]) -> str | None:
    """Return the picture of the spectrum, if there is one."""
    if not len(answer["spectrum"]):
        return None
    return inline_svg(
        lambda: viz.spectrum(answer["spectrum"], answer["cut"], answer.get("floor")),
        "spectrum",
    )


def _stills(orbits: Orbits) -> list[str]:
    """Return one still picture per generator, for readers without scripts."""
    points = orbits.positions()[:_MOST_PICTURES]
    every = -(-points.shape[2] // _STILL_POINTS)
    return [
        inline_svg(lambda path=path: viz.orbits(path[:, ::every], names=orbits.names), f"orbits{place + 1}")
        for place, path in enumerate(points)
    ]


def _origin(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return how the answer was made, as pairs of a word and a value."""
    rows = (
        ("Method", answer.get("method")),
        ("Candidates", answer["candidates"]),
        ("Seed", answer.get("seed")),
        ("isotropy", answer.get("isotropy_version")),
        ("Command", answer.get("command")),
    )
    return [(word, str(value)) for word, value in rows if value is not None]
