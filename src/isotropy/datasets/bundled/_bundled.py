"""Measured and computed data that come with the library, and what they can tell.

The files stand in the folder ``data``; ``python -m studies.bundled_data.make_ephemeris`` and ``make_polar_motion`` make
them again.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from isotropy.datasets.bundled._polar_motion import wobble
from isotropy.datasets.files._reading import read_table
from isotropy.datasets.files._samples import Samples, supervised, trajectories
from isotropy.datasets.problems._problem import Expected, Problem
from isotropy.errors import DataError

FILES = {
    "planets": "planets.csv",
    "moon": "moon.csv.gz",
    "stars": "stars.csv",
    "hare": "hare.csv",
    "polar_motion": "polar_motion.csv.gz",
    "jets": "jets.csv.gz",
}


def names() -> tuple[str, ...]:
    """Return the names that `load` knows."""
    return tuple(LOADERS)


def path(name: str) -> Path:
    """Return the file behind a bundled data set.

    Raises
    ------
    DataError
        No file has this name; the digits come with scikit-learn and have none.
    """
    if name not in FILES:
        raise DataError(f"Expected one of {', '.join(FILES)}, received {name!r}; choose one of these.")
    return Path(__file__).parents[1] / "data" / FILES[name]


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
        raise DataError(f"Expected one of {', '.join(LOADERS)}, received {name!r}; choose one of these.")
    return LOADERS[name]()


def planets() -> Problem:
    """Return heliocentric positions and velocities (au, au per year) of the eight planets.

    Each of the three angular momenta is a moment x . A v that stays constant along every orbit, to a few
    parts in ten thousand (in a hundred thousand for the four inner planets). Among the moments with A in
    sl(3), every planet weighted alike, the data determine these three and nothing else. Among all
    polynomials of degree two in (x, v) they do not: on orbits so nearly circular and coplanar others are
    almost constant too. In gl(3) the moment x . v, near zero on such orbits, comes close.
    """
    table = read_table(path("planets"))
    data = trajectories(table, "time", "x,y,z,vx,vy,vz", "planet")
    answer = Expected("rotations of position and velocity together, so(3)", 3, "gl(3)")
    return Problem("planets", "the planets about the Sun, erfa.plan94", "mechanics", data, answer)


def moon() -> Problem:
    """Return geocentric positions (au) of the Moon with its accelerations (au per day squared).

    The acceleration is a function of the position to 0.8 percent only: the rest is the pull of the Sun. Among
    turns, shifts and one dilation the data determine the rotations and nothing else. The positions fill a thin
    shell, 5 degrees to either side of a plane and 7 percent of the distance, so in sl(3) two of the rotations are
    known to 10 degrees only: a stretch across the plane moves them too little to be noticed.
    """
    data = supervised(read_table(path("moon")), "x,y,z", "ax,ay,az")
    answer = Expected("rotations of position and acceleration together, so(3)", 3, "similarity(3)")
    return Problem("moon", "the Moon about the Earth, erfa.moon98", "supervised", data, answer)


def stars() -> Problem:
    """Return tracks of 24 directions fixed among the stars, in the frame of the rotating Earth (days).

    The directions lie on the unit sphere, and their velocity is a rotation about the polar axis, once in a
    sidereal day. Of the rotations that keep the sphere, the ones about that axis commute with the motion. In
    gl(3) stretching along the axis and across it do as well, so the candidates must keep the sphere.
    """
    table = read_table(path("stars"))
    data = trajectories(table, "time", "x,y,z", "star")
    answer = Expected("rotations about the axis of the Earth, so(2)", 1, "so(3)")
    return Problem("stars", "the turning sky, erfa.c2t06a", "dynamics", data, answer)


def hare() -> Problem:
    """Return pelts of hares and lynx (thousands a year) traded by the Hudson's Bay Company, 1900 to 1920.

    Twenty-one pairs of numbers, rounded, of trade rather than of animals. They determine the four terms of the
    predator-prey equations and no continuous symmetry: none of the common ones is accepted.
    """
    data = trajectories(read_table(path("hare")), "year", "hare,lynx")
    answer = Expected("none that two cycles show", 0, "gl(2)")
    return Problem("hare", "hare and lynx, Hudson's Bay Company 1900-1920", "dynamics", data, answer)


def polar_motion() -> Problem:
    """Return the wobble of the Earth's pole of rotation (arcsec, years), measured from 1965 to 2021.

    The drift of the mean pole and the yearly motion are taken away. What is left, Chandler's wobble, turns once in
    about 433 days (Vicente and Wilson 1997: 433.1, give or take 1.7), is set going again and again by the air and the
    oceans, and dies down in between. An equation of motion that is linear and turns evenly is kept by rotations and
    scalings alike. The untreated record stands in the file at ``path("polar_motion")``; of it no symmetry is certified.
    """
    data = wobble(read_table(path("polar_motion")))
    answer = Expected("rotations about the mean pole, and scalings of a linear equation, so(2)+scaling", 2, "gl(2)")
    return Problem("polar_motion", "the pole of the Earth, IERS 20 C04", "dynamics", data, answer)


def jets() -> Problem:
    """Return total momenta `(3000, 4)` in GeV of jets, half from a top quark and half from light quarks and gluons.

    The label goes by the mass of the jet, so it is unchanged by Lorentz transformations; these the data determine in
    sl(4). Jets are nearly light-like, and a common factor on all momenta changes squared masses by little beside the
    squares of their terms: in gl(4) the scaling comes close.
    """
    data = supervised(read_table(path("jets")), "E,px,py,pz", "top")
    answer = Expected("Lorentz transformations, so(1, 3)", 6, "sl(4)")
    return Problem("jets", "tops and light jets, Pythia 8.3", "supervised", data, answer)


def digits() -> Problem:
    """Return 1797 handwritten digits of 8 by 8 pixels, from scikit-learn, with their labels.

    No continuous symmetry is exact: small shifts and turns keep the label, large ones do not (6 and 9). The
    data can say how far a model's answer survives a small turn, not that it ought to.
    """
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    x = torch.from_numpy(bunch.data).to(torch.float64)
    y = torch.from_numpy(bunch.target).to(torch.float64)[:, None]
    data = Samples(x, y, tuple(bunch.feature_names), ("digit",))
    answer = Expected("none exactly; small turns and shifts keep the label", 0, "image(8,8,se(2))")
    return Problem("digits", "handwritten digits, sklearn.datasets.load_digits", "supervised", data, answer)


LOADERS: dict[str, Callable[[], Problem]] = {
    "planets": planets,
    "moon": moon,
    "stars": stars,
    "hare": hare,
    "polar_motion": polar_motion,
    "jets": jets,
    "digits": digits,
}
