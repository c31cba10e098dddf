"""Tables of the user's, bundled data of the sky, and textbook problems with a known symmetry."""

from isotropy.datasets._bundled import load, names, path
from isotropy.datasets._problem import Expected, Problem
from isotropy.datasets._reading import read_table
from isotropy.datasets._samples import Samples, Trajectories, points, supervised, trajectories
from isotropy.datasets._stream import Stream, stream
from isotropy.datasets._table import Table, require_varying
from isotropy.datasets._textbook import (
    cross_product,
    hopf,
    kepler,
    lorenz,
    oscillator,
    quadratic_form,
    random_cubic,
    random_network,
)
from isotropy.datasets._waters import water_model, waters

__all__ = [
    "Expected",
    "Problem",
    "Samples",
    "Stream",
    "Table",
    "Trajectories",
    "cross_product",
    "hopf",
    "kepler",
    "load",
    "lorenz",
    "names",
    "oscillator",
    "path",
    "points",
    "quadratic_form",
    "random_cubic",
    "random_network",
    "read_table",
    "require_varying",
    "stream",
    "supervised",
    "trajectories",
    "water_model",
    "waters",
]
