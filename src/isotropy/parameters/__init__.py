"""Symmetries of a network's parameters: teleportation, conserved quantities, flat directions."""

from ..core.about._moved import moved as _moved
from .find._on_batch import BatchBlock as BatchBlock
from .find._parameter_symmetry import ParameterSymmetry as ParameterSymmetry
from .find._shifts_and_scales import ShiftBlock as ShiftBlock
from .find._symmetries import symmetries as symmetries
from .flatness._flat import FlatDirections as FlatDirections
from .flatness._flat import flat_directions as flat_directions
from .flatness._sharpness import directions as directions
from .flatness._sharpness import displacement as displacement
from .flatness._sharpness import path_curvature as path_curvature
from .flatness._sharpness import sharpness as sharpness
from .flatness._sharpness import top_eigenvalue as top_eigenvalue
from .laws._block_law import BlockLaw as BlockLaw
from .laws._block_law import ShiftLaw as ShiftLaw
from .laws._conserved import Lawless as Lawless
from .laws._conserved import Laws as Laws
from .laws._conserved import conserved_quantities as conserved_quantities
from .laws._conserved import learning_rates as learning_rates
from .laws._gradient_flow import gradient_flow as gradient_flow
from .laws._integrable import curl as curl
from .laws._integrable import potential as potential
from .laws._neuron_law import NeuronLaw as NeuronLaw
from .laws._tracker import Departure as Departure
from .laws._tracker import Tracker as Tracker
from .moves._batch_action import drift_bound as drift_bound
from .moves._batch_action import move_by_rotation as move_by_rotation
from .moves._batch_action import move_incoming as move_incoming
from .moves._batch_action import move_outgoing as move_outgoing
from .moves._batch_action import scaled_rotation as scaled_rotation
from .moves._blocks import Block as Block
from .moves._blocks import Exactness as Exactness
from .moves._blocks import Place as Place
from .moves._groups import Orthogonal as Orthogonal
from .moves._signed_permutations import Permutation as Permutation
from .moves._signed_permutations import SignFlip as SignFlip
from .orbit._canonical import balance as balance
from .orbit._canonical import canonical as canonical
from .orbit._learned import LearnedTeleport as LearnedTeleport
from .orbit._merge import align as align
from .orbit._merge import barrier as barrier
from .orbit._merge import merge as merge
from .orbit._objectives import lie_gradient as lie_gradient
from .orbit._objectives import orbit_curvature as orbit_curvature
from .orbit._optimizer import Teleport as Teleport
from .orbit._orbits import OrbitPoint as OrbitPoint
from .orbit._orbits import ensemble as ensemble
from .orbit._orbits import orbit_path as orbit_path
from .orbit._orbits import sharpness_along as sharpness_along
from .orbit._profile import OrbitProfile as OrbitProfile
from .orbit._symmetry_free import Ascent as Ascent
from .orbit._symmetry_free import level_set_teleport as level_set_teleport
from .orbit._symmetry_free import null_space_teleport as null_space_teleport
from .orbit._teleport import TeleportReport as TeleportReport
from .orbit._teleport import teleport as teleport
from .trace._inference import Skipped as Skipped

__getattr__ = _moved(
    __name__,
    {
        "Booth": "isotropy.datasets.Booth",
        "Landscape": "isotropy.datasets.Landscape",
        "PlanarLandscape": "isotropy.datasets.PlanarLandscape",
        "Quadratic": "isotropy.datasets.Quadratic",
        "Rosenbrock": "isotropy.datasets.Rosenbrock",
    },
)
