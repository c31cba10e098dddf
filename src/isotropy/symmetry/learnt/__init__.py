"""Claims about the symmetries of maps learnt from noisy samples, linear in their coefficients."""

from ._bounds import judge_learnt as judge_learnt
from ._bounds import learnt_claim as learnt_claim
from ._bounds import worse as worse
from ._claim import LearntClaim as LearntClaim
from ._class_gate import ChosenClass as ChosenClass
from ._class_gate import choose_degree as choose_degree
from ._ellipsoid import EllipsoidLimits as EllipsoidLimits
from ._ellipsoid import ellipsoid_limits as ellipsoid_limits
from ._forms import LearntForms as LearntForms
from ._forms import learnt_forms as learnt_forms
from ._forms import matrices_of as matrices_of
from ._judgement import LearntJudgement as LearntJudgement
from ._linear_fit import LinearFit as LinearFit
from ._linear_fit import fit_linear as fit_linear
from ._outputs import output_metric as output_metric
from ._outputs import turns_of as turns_of
from ._polynomial_class import PolynomialClass as PolynomialClass
from ._samples import claim_from_samples as claim_from_samples
from ._samples import judge_samples as judge_samples
