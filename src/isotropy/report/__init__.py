"""Self-contained HTML reports: of a discovery, of equations, of a network's symmetries, and of a probe."""

from ..symmetry._sentences import advice, claimed, headline, needed
from ._equations import write_equations_report
from ._orbits import Orbits
from ._page import write_report
from ._parameters_page import write_parameters
from ._probe_page import write_probe

__all__ = [
    "Orbits",
    "advice",
    "claimed",
    "headline",
    "needed",
    "write_equations_report",
    "write_parameters",
    "write_probe",
    "write_report",
]
