"""Layers: equivariant for every value of their parameters, or with symmetries learnt; and initialisers."""

from . import init as init
from ._audit import EquivarianceAudit as EquivarianceAudit
from ._audit import equivariance_audit as equivariance_audit
from ._class_pca import ClassPCA as ClassPCA
from ._class_pca import ClassPCAClassifier as ClassPCAClassifier
from ._generators import DenseGenerators as DenseGenerators
from ._generators import Generators as Generators
from ._generators import LowRankGenerators as LowRankGenerators
from ._generators import SparseGenerators as SparseGenerators
from ._generators import matrices_of as matrices_of
from ._lagrangian import Lagrangian as Lagrangian
from ._lagrangian import noether_current as noether_current
from ._lconv import LConv as LConv
from ._lconv import LiftedLConv as LiftedLConv
from ._lconv_flow import LConvFlow as LConvFlow
from ._lconv_flow import circular_shift as circular_shift
from ._linear import Bilinear as Bilinear
from ._linear import EquivariantLinear as EquivariantLinear
from ._mlp import EMLP as EMLP
from ._mlp import GatedLayer as GatedLayer
from ._nonlinear import Gate as Gate
from ._nonlinear import NormGate as NormGate
from ._operator import IntegralOperator as IntegralOperator
from ._propagate import grid_neighbours as grid_neighbours
