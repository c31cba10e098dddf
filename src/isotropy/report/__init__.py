"""The self-contained HTML report of a discovery."""

from ._orbits import Orbits
from ._page import write_report

__all__ = ["Orbits", "write_report"]
