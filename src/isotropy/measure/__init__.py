"""Verb: the size of the Lie derivative. How far a map is from commuting with the motions of its inputs."""

from ._equivariance import equivariance as equivariance
from ._report import SymmetryReport as SymmetryReport
