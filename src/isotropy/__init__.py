"""Find, impose, price and use the continuous symmetries of data, models and dynamics."""

from . import actions as actions
from . import dictionary as dictionary
from . import discover as discover
from . import enforce as enforce
from . import errors as errors
from . import measure as measure
from . import nn as nn
from . import promote as promote
from . import quadrature as quadrature
from ._action import Action as Action
from ._algebra import LieAlgebra as LieAlgebra
from ._catalogue import aff as aff
from ._catalogue import diagonal as diagonal
from ._catalogue import galilei as galilei
from ._catalogue import gl as gl
from ._catalogue import lorentz as lorentz
from ._catalogue import named as named
from ._catalogue import o as o
from ._catalogue import scaling as scaling
from ._catalogue import se as se
from ._catalogue import similarity as similarity
from ._catalogue import sl as sl
from ._catalogue import so as so
from ._catalogue import sp as sp
from ._catalogue import su as su
from ._catalogue import symmetric as symmetric
from ._catalogue import translation as translation
from ._catalogue import u as u
from ._derivative import LieDerivative as LieDerivative
from ._derivative import lie_derivative as lie_derivative
from ._group import MatrixGroup as MatrixGroup
from ._references import cite as cite
from ._representation import Representation as Representation


def __getattr__(name: str) -> str:
    """``__version__``, read from the installed metadata when asked for."""
    if name == "__version__":
        from .discover._result import version

        return version()
    raise AttributeError(f"module 'isotropy' has no attribute {name!r}")
