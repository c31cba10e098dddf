"""The record of the Earth's pole, prepared in several ways, and the equations fitted to it."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

import isotropy as iso
from isotropy.datasets.bundled._polar_motion import about_mean_pole, positions, without_year
from isotropy.dictionary import polynomials
from isotropy.dynamics import Governing, SINDy, WeakSINDy

YEAR = 365.25
TURN = iso.so(2)
DRIFTS = ("nothing removed", "straight line", "polynomial of degree 5", "six-year mean")
Record = tuple[list[Tensor], list[Tensor]]


def derivative(degree: int = 2, symmetry: Any = None) -> SINDy:
    """The model that the command line takes for short trajectories."""
    return SINDy(polynomials(2, degree), symmetry, threshold=0.0, select="evidence")


def weak(degree: int = 2, symmetry: Any = None) -> WeakSINDy:
    return WeakSINDy(polynomials(2, degree), symmetry)


def days(model: Governing) -> float | None:
    """Period of an equation that turns evenly, None where it does not turn."""
    rate = float(model.coef_[0, 2])
    return 2 * math.pi * YEAR / rate if rate else None


def wobble() -> Record:
    data = iso.datasets.load("polar_motion").data
    return list(data.states), list(data.times)


def raw() -> tuple[Tensor, Tensor]:
    """Years and positions of the pole as published."""
    return positions(iso.datasets.read_table(iso.datasets.path("polar_motion")))


def prepared(drift: str) -> tuple[Tensor, Tensor]:
    """Years and positions after one of the ``DRIFTS`` and the yearly motion are taken away."""
    years, places = raw()
    if drift == "nothing removed":
        return years, places
    if drift == "six-year mean":
        years, places = about_mean_pole(years, places)
    else:
        degree = 1 if drift == "straight line" else 5
        slow = torch.from_numpy(np.polynomial.legendre.legvander(((years - years.mean()) / 32).numpy(), degree))
        places = places - slow @ torch.linalg.lstsq(slow, places).solution
    return years, without_year(years, places)
