"""Measured and computed data that come with the library, and what they can tell.

The files stand in the folder ``data``; ``python -m studies.bundled_data.make_ephemeris`` and ``make_polar_motion`` make
them again.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from isotropy.core.about._examples import bundled_examples
from isotropy.datasets.bundled._polar_motion import wobble
from isotropy.datasets.files._reading import read_table
from isotropy.datasets.files._samples import Samples, Trajectories, supervised, trajectories
from isotropy.datasets.problems._problem import Expected, Problem
from isotropy.errors import DataError


def names() -> tuple[str, ...]:
    """Return the names that `load` knows."""
    return tuple(bundled_examples())


def path(name: str) -> Path:
    """Return the file behind a bundled data set.

    Raises
    ------
    DataError
        No file has this name; the digits come with scikit-learn and have none.
    """
    files = {key: example.file for key, example in bundled_examples().items() if example.file is not None}
    if name not in files:
        raise DataError(f"Expected one of {', '.join(files)}, received {name!r}; choose one of these.")
    return Path(__file__).parents[1] / "data" / files[name]


def load(name: str) -> Problem:
    """Return a bundled data set as a problem.

    Raises
    ------
    DataError
        The name is not one of `names()`.

    Examples
    --------
    >>> load("stars").expected.symmetry
    'rotations about the axis of the Earth, so(2)'
    """
    if name not in LOADERS:
        raise DataError(f"Expected one of {', '.join(names())}, received {name!r}; choose one of these.")
    example = bundled_examples()[name]
    answer = Expected(example.symmetry, example.dimension, example.candidates)
    return Problem(name, example.description, example.kind, LOADERS[name](), answer)


def planets() -> Trajectories:
    """Return heliocentric positions and velocities (au, au per year) of the eight planets.

    Each of the three angular momenta is a moment x . A v that stays constant along every orbit, to a few
    parts in ten thousand (in a hundred thousand for the four inner planets). Among the moments with A in
    sl(3), every planet weighted alike, the data determine these three and nothing else. Among all
    polynomials of degree two in (x, v) they do not: on orbits so nearly circular and coplanar others are
    almost constant too. In gl(3) the moment x . v, near zero on such orbits, comes close.
    """
    table = read_table(path("planets"))
    return trajectories(table, "time", "x,y,z,vx,vy,vz", "planet")


def moon() -> Samples:
    """Return geocentric positions (au) of the Moon with its accelerations (au per day squared).

    The acceleration is a function of the position to 0.8 percent only: the rest is the pull of the Sun. Among
    turns, shifts and one dilation the data determine the rotations and nothing else. The positions fill a thin
    shell, 5 degrees to either side of a plane and 7 percent of the distance, so in sl(3) two of the rotations are
    known to 10 degrees only: a stretch across the plane moves them too little to be noticed.
    """
    return supervised(read_table(path("moon")), "x,y,z", "ax,ay,az")


def stars() -> Trajectories:
    """Return tracks of 24 directions fixed among the stars, in the frame of the rotating Earth (days).

    The directions lie on the unit sphere, and their velocity is a rotation about the polar axis, once in a
    sidereal day. Of the rotations that keep the sphere, the ones about that axis commute with the motion. In
    gl(3) stretching along the axis and across it do as well, so the candidates must keep the sphere.
    """
    table = read_table(path("stars"))
    return trajectories(table, "time", "x,y,z", "star")


def hare() -> Trajectories:
    """Return pelts of hares and lynx (thousands a year) traded by the Hudson's Bay Company, 1900 to 1920.

    Twenty-one pairs of numbers, rounded, of trade rather than of animals. They determine the four terms of the
    predator-prey equations and no continuous symmetry: none of the common ones is accepted.
    """
    return trajectories(read_table(path("hare")), "year", "hare,lynx")


def polar_motion() -> Trajectories:
    """Return the wobble of the Earth's pole of rotation (arcsec, years), measured from 1965 to 2021.

    The drift of the mean pole and the yearly motion are taken away. What is left, Chandler's wobble, turns once in
    about 433 days (Vicente and Wilson 1997: 433.1, give or take 1.7), is set going again and again by the air and the
    oceans, and dies down in between. An equation of motion that is linear and turns evenly is kept by rotations and
    scalings alike. The untreated record stands in the file at ``path("polar_motion")``; of it no symmetry is certified.
    """
    return wobble(read_table(path("polar_motion")))


def jets() -> Samples:
    """Return total momenta `(3000, 4)` in GeV of jets, half from a top quark and half from light quarks and gluons.

    The label goes by the mass of the jet, so it is unchanged by Lorentz transformations; these the data determine in
    sl(4). Jets are nearly light-like, and a common factor on all momenta changes squared masses by little beside the
    squares of their terms: in gl(4) the scaling comes close.
    """
    return supervised(read_table(path("jets")), "E,px,py,pz", "top")


def digits() -> Samples:
    """Return 1797 handwritten digits of 8 by 8 pixels, from scikit-learn, with their labels.

    No continuous symmetry is exact: small shifts and turns keep the label, large ones do not (6 and 9). The
    data can say how far a model's answer survives a small turn, not that it ought to.
    """
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    x = torch.from_numpy(bunch.data).to(torch.float64)
    y = torch.from_numpy(bunch.target).to(torch.float64)[:, None]
    return Samples(x, y, tuple(bunch.feature_names), ("digit",))


# What each of them is stands in ``data/examples.json``.
LOADERS: dict[str, Callable[[], Samples | Trajectories]] = {
    "planets": planets,
    "moon": moon,
    "stars": stars,
    "hare": hare,
    "polar_motion": polar_motion,
    "jets": jets,
    "digits": digits,
}
