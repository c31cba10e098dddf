"""The bars of governing equations: which symmetry the data can live with, and what counts as zero in its fields.

Few have a derivation; where there is none the comment says so.
"""

from ..core._linalg import EPSILON

# -- Which symmetry is imposed (choice) --------------------------------------------------------------------------------

# Standard errors by which the held-out error must grow before a symmetry is rejected. The usual two-sided 5 % of a
# normal mean. Passes: at most.
SURE_GROWTH = 2.0
# Relative growth of the held-out error that is too much, significant or not. No derivation; kept from version 0.1.
# Passes: at most.
MOST_GROWTH = 0.1
# Level of the F test of what a symmetry forbids, where rows are independent: one true symmetry in a hundred is
# rejected. Passes: a p-value of at least this.
LEVEL = 0.01
# Ratio of held-out errors up to which two accepted symmetries are as good as each other, so that the one with fewer
# free coefficients is taken. No derivation; kept from version 0.1.
ALIKE_ERRORS = 1.05
# Share of the equations that a symmetry may break and still be worth a soft constraint. No derivation; kept from
# version 0.1. Passes: below.
MOST_BROKEN_SOFTLY = 0.25
# Ratio to the held-out error of the symmetry that stands, which a discovered one has to stay below to replace it. No
# derivation; kept from version 0.1. Passes: below.
LEAST_GAIN = 0.95
# Equivariance error of a direction that fitted equations may owe to their noise: such directions are tried, too. No
# derivation; kept from version 0.1. Passes: below. Held-out data judge afterwards.
MOST_NOISY_ERROR = 0.15
# Share of the dynamics that no generator explains, below which time translation is said to be among the generators.
# No derivation; kept from version 0.1.
TIME_TRANSLATION = 1e-3

# -- What counts as zero in the fields that a symmetry allows (constraint) ---------------------------------------------

# Relative residual up to which a derivative lies in a span of terms. Between rounding of float64 and what a missing
# term leaves; no count.
OUTSIDE_SPAN = 1e-8
# Weight from which a monomial is named among the terms that close a dictionary. No count.
NAMED_WEIGHT = 1e-6
# Sine of the angle up to which directions of two spaces of fields are one. Between rounding and any real difference;
# no count.
SAME_DIRECTION = 1e-6
# Relative error of generators up to which they are exact, so that the kernel's own gap decides: a thousand roundings.
EXACT_GENERATORS = 1e3 * EPSILON
# Largest singular value that a learnt generator may leave on a true field, unless its own error is larger. The same
# number as the largest error that a discovery counts as zero, here of a constraint. No derivation of its own.
MOST_INEXACT = 0.2
# Relative singular value, median over 50 points, above which fields or gradients of invariants are independent.
# Formulas are exact, so that dependent ones leave rounding alone.
INDEPENDENT_FIELDS = 1e-8
# Coefficient of a polynomial, the largest being 1, up to which a term is left out and within which fractions are
# found. Between rounding and any coefficient that means something; no count.
ZERO_COEFFICIENT = 1e-9
# Relative size of what the flow changes below which an error of a finite condition is rounding: no derivation; kept
# from version 0.1.
STILL_FLOW = 1e-6

# -- What inexact generators are granted (fit) -------------------------------------------------------------------------

# Entries below this multiple of the generators' relative error are taken for zero. No derivation; kept from version
# 0.1.
LEEWAY = 3.0
# Sine of the lean of the allowed space, by Wedin's theorem, that inexact generators are granted at most. No
# derivation; kept from version 0.1.
MOST_LEAN = 0.1
# Singular value below which a restriction to fewer terms changes nothing, for generators that are exact. Between
# rounding and any entry that means something; no count.
EXACT_ENTRIES = 1e-10
# Relative singular value above which the data determine a free coefficient: about 500 roundings of float64. Passes:
# above.
DETERMINED = 1e-13
# Size of accelerations below which trajectories are straight lines at even speed, in units of the data. No count.
STRAIGHT = 1e-12
# Times the largest starting coordinate (at least 1), beyond which a solution is said to run away. No derivation; kept
# from version 0.1.
RUNAWAY = 1e6

# -- Free formulas -----------------------------------------------------------------------------------------------------

# Relative symmetry error below which sympy is asked whether a formula obeys exactly. Between rounding and noise; no
# count.
EXACT_FORMULA = 1e-9
# Size of a field, relative to its root mean square, from which its amount is judged rather than noise. No derivation;
# kept from version 0.1. Passes: at least.
LEAST_FIELD = 0.3

# -- What the command line calls done ----------------------------------------------------------------------------------

# Share of the resampled fits that a term should be in. No derivation; kept from version 0.1. Passes: at least.
LEAST_INCLUSION = 0.7
# Held-out error, relative to the targets. Passes: at most. No derivation; kept from version 0.1: half the size is a
# quarter of the mean square.
MOST_HELD_OUT = 0.5
# Root mean square distance of a simulation from its trajectory, relative to the spread of the data. Unrelated states
# are about sqrt(2) apart; a third of that. Passes: at most.
MOST_DISTANCE = 0.5
