"""Find, impose, price and use the continuous symmetries of data, models and dynamics."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import actions as actions
    from . import atoms as atoms
    from . import datasets as datasets
    from . import dictionary as dictionary
    from . import discover as discover
    from . import dynamics as dynamics
    from . import enforce as enforce
    from . import errors as errors
    from . import graphs as graphs
    from . import measure as measure
    from . import nn as nn
    from . import parameters as parameters
    from . import promote as promote
    from . import quadrature as quadrature
    from . import testing as testing
    from . import viz as viz
    from .action._action import Action as Action
    from .action._representation import Representation as Representation
    from .algebra._catalogue import aff as aff
    from .algebra._catalogue import diagonal as diagonal
    from .algebra._catalogue import galilei as galilei
    from .algebra._catalogue import gl as gl
    from .algebra._catalogue import lorentz as lorentz
    from .algebra._catalogue import named as named
    from .algebra._catalogue import o as o
    from .algebra._catalogue import scaling as scaling
    from .algebra._catalogue import se as se
    from .algebra._catalogue import similarity as similarity
    from .algebra._catalogue import sl as sl
    from .algebra._catalogue import so as so
    from .algebra._catalogue import sp as sp
    from .algebra._catalogue import su as su
    from .algebra._catalogue import symmetric as symmetric
    from .algebra._catalogue import translation as translation
    from .algebra._catalogue import u as u
    from .algebra._lie_algebra import LieAlgebra as LieAlgebra
    from .algebra._matrix_group import MatrixGroup as MatrixGroup
    from .core.about._references import cite as cite
    from .derivative._lie_derivative import LieDerivative as LieDerivative
    from .derivative._lie_derivative import lie_derivative as lie_derivative
    from .symmetry._symmetry import Symmetry as Symmetry

# Everything is loaded when first asked for, so that the command can print its help without waiting for torch.
_PAGES = [
    "actions",
    "atoms",
    "datasets",
    "dictionary",
    "discover",
    "dynamics",
    "enforce",
    "errors",
    "graphs",
    "measure",
    "nn",
    "parameters",
    "promote",
    "quadrature",
    "testing",
    "viz",
]
_PLACES = {
    ".action._action": "Action",
    ".action._representation": "Representation",
    ".algebra._catalogue": (
        "aff diagonal galilei gl lorentz named o scaling se similarity sl so sp su symmetric translation u"
    ),
    ".algebra._lie_algebra": "LieAlgebra",
    ".algebra._matrix_group": "MatrixGroup",
    ".core.about._references": "cite",
    ".derivative._lie_derivative": "LieDerivative lie_derivative",
    ".symmetry._symmetry": "Symmetry",
}
_PLACE_OF = {name: place for place, names in _PLACES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """A page or a name when first asked for, or ``__version__`` from the installed metadata."""
    if name in _PAGES:
        return importlib.import_module(f".{name}", __name__)
    if name == "__version__":
        return importlib.import_module(".core.about._version", __name__).version()
    if name not in _PLACE_OF:
        raise AttributeError(f"module 'isotropy' has no attribute {name!r}")
    found = getattr(importlib.import_module(_PLACE_OF[name], __name__), name)
    globals()[name] = found  # asked once; later look-ups do not come here
    return found


def __dir__() -> list[str]:
    """Names of this page, those not yet loaded included."""
    return sorted({*globals(), *_PAGES, *_PLACE_OF, "__version__"})
