"""Verb: the size of the Lie derivative. How far a map is from commuting with the motions of its inputs."""

from ._equivariance import equivariance as equivariance
from ._finite import finite as finite
from ._layers import layers as layers
from ._report import SymmetryReport as SymmetryReport
