"""Numbers that decide what is claimed of a map that is only known to be smooth, each with its derivation.

Read as attributes of this module, so that a test can move them.
"""

# -- The process -------------------------------------------------------------------------------------------------------

# Samples with which the length of a process is looked for, on a grid of 13; the cost grows with their cube.
LENGTH_SAMPLES = 300
# The same where the first length is not good enough: eight times the cost.
SECOND_SAMPLES = 600
# Samples with which its noise is looked for, by eigenvalues: 0.2 s.
NOISE_SAMPLES = 1000
# Samples that carry the answer, by a triangular factor: 0.3 s.
PROCESS_SAMPLES = 2000
# Variance of the coefficients of a linear trend, in units of that of the process: ten, so that it is not guessed.
TREND = 10.0
# Numbers of values and slopes whose errors are drawn together; an eigendecomposition of this size takes 0.1 s.
MOST_DRAWN = 600
# Points below which norms over the domain are too rough: a mean square of 40 numbers is known to 22 %.
LEAST_POINTS = 40
# Numbers of values and slopes from which even so few points cost too much.
LARGEST_DRAWN = 1200

# -- Limits ------------------------------------------------------------------------------------------------------------

# Draws of the map: a probability of 0.05 has a standard error of 1.1 %.
DRAWS = 400
# Sizes that a break may have before the samples are looked at: as likely in every decade, from this share of the
# tolerance up to chance. With a tenth, and a tolerance of 0.05, a break is above the tolerance with 57 %.
LEAST_BREAK = 0.1
# How many such sizes, 25 over two decades or three: neighbours differ by a quarter.
SIZES = 25
# How many of them are so small that the break might as well be none: up to a sixth of the tolerance.
SMALLEST = 3
# Standard errors by which what is seen of a break is shrunk at most. A break may lie in one pattern alone, which the
# usual shrinkage of many patterns would take for chance (Efron and Morris 1972).
MOST_SHRINKAGE = 1.0
# What is drawn of the denominator is small, a few per cent; its lower limit leaves this share out.
DENOMINATOR_TAIL = 0.05

# -- What is set apart -------------------------------------------------------------------------------------------------

# Square of the response to a direction, in units of its variance, below which it does not stand out of the noise: two
# standard errors.
LEAST_ANSWER = 4.0
# Part of a singular value below which it is rounding.
ROUNDING = 1e-9
