"""Verb: the nuclear norm of the Lie derivative. Fits keep as much of a candidate symmetry as the data allow."""

from ._penalty import LiePenalty as LiePenalty
from ._penalty import nuclear_norm as nuclear_norm
from ._readout import Readout as Readout
from ._regression import BasisRegression as BasisRegression
