"""The value that every search ends in, and the bars that a verdict is measured against."""

from ._certificate import Certificate as Certificate
from ._domain import Column as Column
from ._domain import Domain as Domain
from ._generator import Generator as Generator
from ._symmetry import Symmetry as Symmetry
