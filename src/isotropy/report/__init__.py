"""Self-contained HTML reports: of a discovery, of governing equations, and of a probe of broken symmetry."""

from ._equations import write_equations_report
from ._orbits import Orbits
from ._page import write_report
from ._probe_page import write_probe
from ._words import advice, headline

__all__ = ["Orbits", "advice", "headline", "write_equations_report", "write_probe", "write_report"]
