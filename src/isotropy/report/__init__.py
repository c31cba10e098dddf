"""Self-contained HTML reports: of a discovery, and of a probe of broken symmetry."""

from ._orbits import Orbits
from ._page import write_report
from ._probe_page import write_probe
from ._words import advice, headline

__all__ = ["Orbits", "advice", "headline", "write_probe", "write_report"]
