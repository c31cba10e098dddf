"""Self-contained HTML reports: of a discovery, and of the symmetries of a network."""

from ._orbits import Orbits
from ._page import write_report
from ._parameters_page import write_parameters
from ._words import advice, headline

__all__ = ["Orbits", "advice", "headline", "write_parameters", "write_report"]
