"""Numbers that decide what is claimed of a map learnt from noisy samples, each with its derivation.

Read as attributes of this module, so that a test can move them.
"""

# -- The class of the map ----------------------------------------------------------------------------------------------

# Highest degree among which the class is chosen. A sixth would have 28 terms in the plane and 84 in space.
MOST_DEGREE = 5
# Degrees further up that are asked again: a missing odd term shows two degrees up only, such as the x^3 of a Duffing
# oscillator.
WIDER = 2
# Most coefficients per output: those of degree 5 in four dimensions.
MOST_TERMS = 126
# Most entries of what a defect is compared with: 2 GB in double precision.
MOST_ENTRIES = 2**28
# Share of the samples that a class may use up. With 0.6 of 100 samples 40 are left for the noise, whose variance is
# then known to (2 / 40)^(1/2) = 22 % per output.
MOST_SHARE = 0.6
# Level at which the next two classes have to confirm where any map of the chosen class has a symmetry, as a linear
# field has: what is found in it says nothing, and all has to come from the wider classes. Of fields broken to 1.1 to
# 1.3 times the tolerance by a term that the gate overlooks 0.2 % are then certified, in the worst cell 4 %.
RIGID_CONFIRMED = 0.2
# The same of the next class where no map of the chosen one has a symmetry by itself, so that to find one is evidence.
# What is bought and paid, from studies/claims: detection on SymCert's grid is 0.61, at 0.2 everywhere it is 0.52, as
# most of the grid does not know the many coefficients of two degrees more.
NEXT_CONFIRMED = 0.4
# The same of the class after the next: of fields broken by a single power 0.3 % are then certified; of those broken by
# a polynomial orthogonal to the class, which nothing inside it sees, 5 %, in the worst cell 54 %. With 0.2 everywhere
# these are 0.2, 0.9 and 12 %.
SECOND_CONFIRMED = 0.8

# Samples that stand for the domain, where no other is named; a norm is known to (1 / 4096)^(1/2) = 1.6 % then.
MOST_POINTS = 4096
# Noise relative to the values, below which residuals are rounding: 1e-16 times the condition number of the regressors.
SMALLEST_NOISE = 1e-10

# Leverage, on average over what gradients and motions weigh, above which the samples that carry the answer cannot speak
# against the class: a residual keeps one minus the leverage of a misfit. Of quartic functions on 100 normal points in
# three dimensions it is 0.89, of a smooth map on 200 points of Student's law with three degrees of freedom, falsely
# certified otherwise, 1.00.
MOST_LEVERAGE = 0.9

# -- Limits ------------------------------------------------------------------------------------------------------------

# Draws of the noise: a probability of 0.05 has a standard error of 1.1 %.
DRAWS = 400
# Part of the level that pays for the uncertainty of the denominator, which is a few per cent.
DENOMINATOR_SHARE = 0.1
# A residual is never taken for smaller than the median of what noise alone leaves. Below, a lucky draw or a noise that
# is overestimated would give limits near zero: without this 12 to 20 % of the claims at 100 samples were false.
LUCK = 0.5
# Shares of the squared defect that lie in what the data can see; the rest is error of the direction.
SHARES = 13
# Upper limits are found up to this relative error.
LIMIT_ACCURACY = 1e-6

# -- What is set apart -------------------------------------------------------------------------------------------------

# Relative size of motion below which a direction moves nothing.
TRIVIAL = 1e-9
# Standard errors by which the response to a direction has to exceed zero; otherwise the map may ignore it.
RESPONSE_ERRORS = 3.0
# Rounding of sums of squares of whitened numbers.
ROUNDING = 1e-12
