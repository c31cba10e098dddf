"""Verb: the kernel of the Lie derivative in a family of maps. What a group allows, and nothing else."""

from ._average import Symmetrized as Symmetrized
from ._average import symmetrize as symmetrize
from ._basis import Block as Block
from ._basis import Summands as Summands
from ._basis import equivariant_basis as equivariant_basis
from ._basis import equivariant_blocks as equivariant_blocks
from ._basis import equivariant_projector as equivariant_projector
from ._basis import equivariant_spectrum as equivariant_spectrum
from ._basis import summands as summands
from ._forms import invariant_forms as invariant_forms
from ._functions import FunctionBasis as FunctionBasis
from ._functions import equivariant_functions as equivariant_functions
from ._kernels import equivariant_kernels as equivariant_kernels
from ._regression import BasisRegression as BasisRegression
