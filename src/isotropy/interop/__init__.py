"""Other libraries' objects from ours and ours from theirs: converted, never wrapped."""

from ._pysindy import SymmetricOptimizer as SymmetricOptimizer
from ._pysindy import from_pysindy as from_pysindy
from ._pysindy import pysindy_constraints as pysindy_constraints
