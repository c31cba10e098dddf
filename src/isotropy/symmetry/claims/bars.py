"""The bars of a claim about a map that can be evaluated, each with its derivation or the count behind it."""

# -- Who carries the sums ----------------------------------------------------------------------------------------------

# Share of the samples that have to carry the sums; leverage is capped until they do. Of normal data 9 % carry a fourth
# moment in one dimension and 20 % in three, so ordinary clouds are hardly touched; of a hundred samples 20 are left.
LEAST_SHARE = 0.2
# Effective samples below which nothing is said. The relative error of a mean square of normal numbers is
# (2 / 15)^(1/2) = 37 %, that of its root 18 %; below, intervals from resamples no longer cover.
LEAST_EFFECTIVE = 15.0

# Different points without which there are no two halves of more than one.
LEAST_POINTS = 4

# -- What is set apart -------------------------------------------------------------------------------------------------

# Relative size of motion and response together, below which a direction is trivial: between rounding, 1e-16 times the
# condition number of centred columns (up to 1e6), and any motion that is seen.
TRIVIAL = 1e-9
# Response to one standard deviation of motion, in spreads of the map, up to which the map ignores a direction. A
# linear trend broken by 1e-6 is 1e10 roundings away; what is smaller has no bearing on any data.
IGNORED = 1e-6
# The same in roundings of the derivative, where these are coarser, as in float32 or from differences.
IGNORED_ROUNDINGS = 100.0
# Columns per sample up to which covariances are believed: of n columns and S samples an eigenvalue of a covariance is
# off by about 2 (n / S)^(1/2) of itself, 63 % at a tenth.
FEW_COLUMNS = 0.1
# Columns per sample from which only variances are: beyond, a covariance is singular. In between, part of each.
MANY_COLUMNS = 1.0
# Least standard deviation of a principal component of standardised columns, so that an empty one is no unit of length.
LEAST_COMPONENT = 1e-3

# -- Intervals ---------------------------------------------------------------------------------------------------------

# Resamples: the 2.5 % quantile of 400 has a standard error of 0.8 %.
RESAMPLES = 400
# Partners with which a gradient is paired at random when the sums are resampled. They shape the spread of the
# denominator alone, where 32 give it to 1 / 32^(1/2) of itself.
PARTNERS = 32
# Least share of a denominator that a resample may leave; only fewer samples than LEAST_EFFECTIVE come near.
LEAST_DENOMINATOR = 0.1

# Share of the largest denominator up to which a direction is not seen at all by some samples: rounding of a Gram matrix
# of up to a hundred directions.
UNSEEN = 1e-13

# -- What is claimed ---------------------------------------------------------------------------------------------------

# What a map has to respond by, in its spreads, to one standard deviation of motion and gradients paired at random, to
# count as keeping a direction rather than as hardly seeing it. In a window of width w, relative to the scale on which
# the map bends, every map is a quadratic up to w, and quadratics have symmetries: these directions are broken by about
# w, and the response to them is about w as well. Of 42 such claims about maps without symmetry, at a tolerance of 0.05,
# 38 had a response below 0.1 (median 0.01); planted symmetries broken by 1 and 3 % had 0.11 or more (median 0.7, 63 of
# them).
LEAST_RESPONSE = 0.1
# A direction with less is kept all the same if it is broken so many times less than the map responds to it: of those 42
# claims none was by more than 30 times.
LEAST_CONTRAST = 30.0
# Brackets of a span leave it by at most this much, in what they do to the map. A span cut out of a multiplet, such as
# two of three rotations, leaves by 0.5 or more.
MOST_CLOSURE = 0.25
# Brackets smaller than this share of those of all candidates are those of an abelian algebra known up to noise.
ABELIAN = 0.05
# An arithmetic floor above this is too coarse to call anything exact.
COARSEST_EXACT = 1e-5
# Sizes of spans are tried until the error is so many times the largest tolerance asked about.
BEYOND = 2.0

# -- What is printed ---------------------------------------------------------------------------------------------------

# Upper limit of rounded generators, in that of the full ones, up to which they are printed. A quantile of 400 resamples
# has a standard error of a few per cent of itself. Passes: at most.
PRINTED_MORE = 1.05
# Share of the tolerance that rounding may use up however exact the generators are: a third of it, so that a
# rotation is printed with three digits and not with sixteen. Passes: at most.
PRINTED_SHARE = 0.3
