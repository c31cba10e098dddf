"""Verb: the kernel of the Lie derivative in a family of maps. What a group allows, and nothing else."""

from ._basis import Block as Block
from ._basis import equivariant_basis as equivariant_basis
from ._basis import equivariant_blocks as equivariant_blocks
from ._basis import equivariant_projector as equivariant_projector
from ._basis import equivariant_spectrum as equivariant_spectrum
