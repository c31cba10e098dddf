"""The self-contained HTML report of a discovery, and that of governing equations."""

from ._equations import write_equations_report
from ._orbits import Orbits
from ._page import write_report
from ._words import advice, headline

__all__ = ["Orbits", "advice", "headline", "write_equations_report", "write_report"]
