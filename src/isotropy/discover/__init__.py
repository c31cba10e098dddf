"""Verb: the kernel of the Lie derivative in the generator. Every road ends in the same LieAlgebra."""

from ._certificates import Certificate as Certificate
from ._from_model import FromModel as FromModel
from ._result import Discovery as Discovery
