"""Governing equations that obey a symmetry: sparse regression, weak form, invariants, forecasts."""

from .choice._alternate import Alternation as Alternation
from .choice._alternate import discover_and_fit as discover_and_fit
from .choice._candidates import symmetry_candidates as symmetry_candidates
from .choice._held_out import SymmetryChoice as SymmetryChoice
from .choice._held_out import Trial as Trial
from .choice._held_out import choose_symmetry as choose_symmetry
from .constraint._closure import missing_terms as missing_terms
from .constraint._conditions import symmetry_conditions as symmetry_conditions
from .constraint._equivariant_fields import SymmetryLike as SymmetryLike
from .constraint._equivariant_fields import VectorFields as VectorFields
from .constraint._equivariant_fields import equivariant_fields as equivariant_fields
from .constraint._invariants import Blocks as Blocks
from .constraint._invariants import building_blocks as building_blocks
from .fit._ensemble import Ensemble as Ensemble
from .fit._governing import Governing as Governing
from .fit._latent import LatentEquations as LatentEquations
from .fit._latent import Modes as Modes
from .fit._partial import FieldSINDy as FieldSINDy
from .fit._partial import periodic_jets as periodic_jets
from .fit._partial import time_rates as time_rates
from .fit._second_order import SecondOrder as SecondOrder
from .fit._second_order import central as central
from .fit._sindy import SINDy as SINDy
from .fit._weak import WeakSINDy as WeakSINDy
from .formulas._ranking import Candidate as Candidate
from .formulas._symbolic import SymbolicRegression as SymbolicRegression

Symmetry = SymmetryLike  # the name that it had before
