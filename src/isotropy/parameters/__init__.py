"""Symmetries of a network's parameters: teleportation, conserved quantities, flat directions."""

from ._landscapes import Booth as Booth
from ._landscapes import Landscape as Landscape
from ._landscapes import PlanarLandscape as PlanarLandscape
from ._landscapes import Quadratic as Quadratic
from ._landscapes import Rosenbrock as Rosenbrock
