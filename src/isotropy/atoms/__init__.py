"""Broken symmetry of force fields: probe it, average it away, and say what it does to a simulation."""

from ._orbit import Orbit as Orbit
from ._orbit import orbits as orbits
from ._probe import ProbeStopped as ProbeStopped
from ._probe import probe as probe
from ._properties import Property as Property
from ._report import ProbeReport as ProbeReport
from ._rules import ladder as ladder
from ._screen import Screening as Screening
from ._screen import screen as screen
from ._spectrum import spectrum as spectrum
from ._structure import turned as turned
from ._torch_calculator import TorchCalculator as TorchCalculator
from ._toys import Banded as Banded
from ._toys import Handed as Handed
from ._toys import SpringWater as SpringWater
from ._toys import Together as Together
from ._toys import dipoles as dipoles
from ._toys import lab_field as lab_field
from ._toys import lab_field_mean as lab_field_mean
