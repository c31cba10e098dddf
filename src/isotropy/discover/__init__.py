"""Verb: the kernel of the Lie derivative in the generator. Every road ends in the same LieAlgebra."""

from ._adversary import Plan as Plan
from ._by_method import by_method as by_method
from ._certificates import Certificate as Certificate
from ._conserved import ConservedQuantities as ConservedQuantities
from ._discrete import DiscreteSymmetries as DiscreteSymmetries
from ._field_derivatives import sample_jets as sample_jets
from ._frame import Frame as Frame
from ._frame import principal_frame as principal_frame
from ._from_data import FromData as FromData
from ._from_density import FromDensity as FromDensity
from ._from_dynamics import FromDynamics as FromDynamics
from ._from_equations import FromEquations as FromEquations
from ._from_model import FromModel as FromModel
from ._from_moments import FromMoments as FromMoments
from ._from_noether import FromNoether as FromNoether
from ._from_pairs import FromPairs as FromPairs
from ._from_points import FromPoints as FromPoints
from ._gather import gather as gather
from ._layers import LayerSymmetries as LayerSymmetries
from ._layers import layers as layers
from ._liegan import LieGAN as LieGAN
from ._normals import normals_of_chart as normals_of_chart
from ._normals import normals_of_level_set as normals_of_level_set
from ._result import Discovery as Discovery
from ._result import plain as plain
