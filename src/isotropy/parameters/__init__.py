"""Symmetries of a network's parameters: teleportation, conserved quantities, flat directions."""

from ._batch import drift_bound as drift_bound
from ._batch import move_by_rotation as move_by_rotation
from ._batch import move_incoming as move_incoming
from ._batch import move_outgoing as move_outgoing
from ._batch import scaled_rotation as scaled_rotation
from ._blocks import Block as Block
from ._blocks import Exactness as Exactness
from ._blocks import Place as Place
from ._discrete import Permutation as Permutation
from ._discrete import SignFlip as SignFlip
from ._extra import ShiftBlock as ShiftBlock
from ._groups import Orthogonal as Orthogonal
from ._inference import Skipped as Skipped
from ._objectives import lie_gradient as lie_gradient
from ._objectives import orbit_curvature as orbit_curvature
from ._optimizer import Teleport as Teleport
from ._profile import OrbitProfile as OrbitProfile
from ._symmetries import symmetries as symmetries
from ._symmetry import ParameterSymmetry as ParameterSymmetry
from ._teleport import TeleportReport as TeleportReport
from ._teleport import teleport as teleport
