"""The self-contained HTML report of a discovery."""

from ._orbits import Orbits
from ._page import write_report
from ._words import advice, headline

__all__ = ["Orbits", "advice", "headline", "write_report"]
