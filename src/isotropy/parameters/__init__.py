"""Symmetries of a network's parameters: teleportation, conserved quantities, flat directions."""

from ._block_law import BlockLaw as BlockLaw
from ._block_law import ShiftLaw as ShiftLaw
from ._blocks import Block as Block
from ._blocks import Exactness as Exactness
from ._blocks import Place as Place
from ._conserved import Lawless as Lawless
from ._conserved import Laws as Laws
from ._conserved import conserved_quantities as conserved_quantities
from ._conserved import learning_rates as learning_rates
from ._discrete import Permutation as Permutation
from ._discrete import SignFlip as SignFlip
from ._gradient_flow import gradient_flow as gradient_flow
from ._inference import Skipped as Skipped
from ._integrable import curl as curl
from ._integrable import potential as potential
from ._landscapes import Booth as Booth
from ._landscapes import Landscape as Landscape
from ._landscapes import PlanarLandscape as PlanarLandscape
from ._landscapes import Quadratic as Quadratic
from ._landscapes import Rosenbrock as Rosenbrock
from ._neuron_law import NeuronLaw as NeuronLaw
from ._symmetries import symmetries as symmetries
from ._symmetry import ParameterSymmetry as ParameterSymmetry
from ._tracker import Departure as Departure
from ._tracker import Tracker as Tracker
