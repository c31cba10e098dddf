"""Layers and networks that are equivariant for every value of their parameters, and initialisers that use the data."""

from . import init as init
from ._class_pca import ClassPCA as ClassPCA
from ._class_pca import ClassPCAClassifier as ClassPCAClassifier
from ._graph_classifier import ModularGCNClassifier as ModularGCNClassifier
from ._linear import Bilinear as Bilinear
from ._linear import EquivariantLinear as EquivariantLinear
from ._message_passing import message_passing as message_passing
from ._mlp import EMLP as EMLP
from ._mlp import GatedLayer as GatedLayer
from ._modular_gcn import ModularBlock as ModularBlock
from ._modular_gcn import ModularGCN as ModularGCN
from ._nonlinear import Gate as Gate
from ._nonlinear import NormGate as NormGate
from ._operator import IntegralOperator as IntegralOperator
