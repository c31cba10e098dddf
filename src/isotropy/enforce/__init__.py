"""Verb: the kernel of the Lie derivative in the map. Models that have the symmetry whatever their parameters."""

from ._functions import FunctionBasis as FunctionBasis
from ._functions import equivariant_functions as equivariant_functions
from ._kernels import equivariant_kernels as equivariant_kernels
from ._regression import BasisRegression as BasisRegression
