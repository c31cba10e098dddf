"""The bars of single roads to a symmetry: surrogates, shapes, pairs, elements, games and latent coordinates.

What all roads share stands in ``symmetry/bars.py``.
"""

import torch

# -- Surrogates --------------------------------------------------------------------------------------------------------

# Standard errors by which logits have to beat the frequencies of the classes. Three of a normal mean: one chance in
# 700. Passes: at least.
CLEAR_GAIN = 3.0
# Standard errors by which the held-out squared error of a kind may exceed that of the best kind, compared sample by
# sample, before it fits worse: the two-sided 5 % point of a normal number. Passes: at most.
MOST_EXCESS = 1.96
# Distance of the gradients of polynomials and of another kind that fits as well, in errors of both together, above
# which they contradict each other. Of a vector of many components with known errors it is 1 up to a tenth; the errors
# of a jackknife of four folds are known to 40 %, and what smoothing leaves out is as large as what it lets through.
# Passes: at most.
MOST_DISAGREEMENT = 3.0
# Standard errors of differences between near pairs up to which a signal, or a lack of fit, is none. No derivation;
# kept from version 0.1. Alone it sets a lack of fit to zero too often: of noisy tables that do depend on a column, 4
# of 12 were certified not to at noise of 30 % of the spread, and 9 of 12 at 40 %; MOST_EXCESS stands before it now.
# Passes as none: at most.
PAIR_DOUBTS = 4.0
# A moved point is observed if a sample lies within so many typical spacings. No derivation; kept from version 0.1.
# Passes: at most.
OBSERVED_REACH = 2.0
# Share of moved points that has to stay where a map, or a set, was observed. No derivation; kept from version 0.1.
# Passes: at least.
LEAST_OBSERVED = 0.2
# Relative spread of time steps that counts as rounding of even ones. Times are printed to three digits or more.
# Passes: at most.
EVEN_STEPS = 1e-3
# The same for grids of fields, on which high derivatives are taken. No count. Passes: below.
EVEN_GRID = 1e-6

# -- Trajectories in the weak form -------------------------------------------------------------------------------------

# Samples to a half wave of the fastest test function. A spline through samples needs two to a half wave; the noise of a
# derivative grows with the frequency, so that faster ones say nothing.
SAMPLES_PER_TEST = 3
# Noise of states, relative to their spread, below which nothing is believed. Solvers at their usual tolerances err by
# 1e-6 to 1e-3, smoothly; and the error of a field is about a third of that of the states, far below any tolerance.
LEAST_NOISE = 1e-4
# Samples in a piece of a trajectory: covariances of its rows cost their cube.
LONGEST_TRACK = 200
# Pieces; so many of them, of 20000 samples, tell a field to a thousandth at a noise of 10 %.
MOST_TRACKS = 100
# Smallest eigenvalue of the Gram matrix of scaled terms, relative to the largest, up to which they depend on each
# other on the tracks: rounding of a Gram matrix of a hundred terms.
DEPENDENT_TERMS = 1e-13
# Most coefficients of a field: those of degree 6 in three dimensions, 4 in four and 2 in six. Their Gram matrices cost
# the square.
MOST_WEAK_COLUMNS = 300
# Samples of a trajectory without which it is left out: those of a quintic and two more.
LEAST_TRACK = 8
# Share of the rows that coefficients may use up; see MOST_SHARE of maps learnt from samples.
MOST_WEAK_SHARE = 0.5
# Share of noise in what seems to be known of a combination of coefficients. At one half the information without the
# noise is half of what it seems, known to a few per cent; towards one it is a difference of equal numbers.
MOST_BLUR = 0.5

# Level at which the next two classes have to confirm a field. Stricter than for samples of a map, as noise on states
# hides more: of 24 damped pendulums at 30 % noise 5, 0 and 0 were certified falsely, linear, at 0.5, 0.2 and 0.05; the
# turns of a Hopf form at 5 % noise are found in 14, 4 and 0 of 20.
WIDER_TRACK_LEVEL = 0.2
# Plane waves of the state that a polynomial field must not need. With fewer, some directions of the plane have none;
# more cost power, as every one is a coefficient of the test.
WAVES = 16
# Their rates in radians per standard deviation of the states: half a wave over three of these, which a cubic follows.
SLOWEST_WAVE = 1.0
# Four waves over four standard deviations, which no polynomial of degree 7 follows.
FASTEST_WAVE = 6.0
# Singular value of waves on the tracks, relative to the largest, below which they repeat each other.
SAME_WAVES = 0.05
# Frequencies of test functions without which nobody can tell whether a drive is white in time: three slow, three fast.
LEAST_WAVES = 6
# Accuracy of the size of a drive, as a share of the noise: variances of a few hundred rows are no better known.
DRIVE_ACCURACY = 0.02
# Variation of a polynomial over the states, in what their noise makes of it, up to which it vanishes on them. Noise
# alone gives 1; a set that is three times as thick as its noise is not one.
MOST_VANISHING = 2.0
# Part of a motion that leads off the set of the states, from which on nothing is known of it. Noise alone makes it
# about as large as that of the states, relative to their spread.
MOST_LEAVING = 0.1
# Square of the motion along candidates of unknown response, in standard deviations of the states per unit of chance, up
# to which a rounded generator has none of it. Rounding of sums of squares.
MISSED_MOTION = 1e-12
# Factor of extrapolation from the states to a domain from which it is mentioned; a domain of the states has 1.
NEAR_DOMAIN = 2.0

# -- Shapes ------------------------------------------------------------------------------------------------------------

# A moved anchor is judged if another lies within so many typical spacings. No derivation; kept from version 0.1.
# Passes: at most.
SURFACE_REACH = 3.0
# Residuals beyond so many typical ones are another sheet or an outlier. No derivation; kept from version 0.1.
OUTLYING = 8.0
# Points per coefficient before a fit may call any of them an outlier. No derivation; kept from version 0.1. Passes:
# at least.
LEAST_JUDGED = 5
# Ratio of neighbouring local singular values that separates tangent from normal. No derivation; kept from version
# 0.1. Passes: at least.
CLEAR_STEP = 2.2
# Ratio below which the ball of a filled volume stays, half balls at its boundary included. Passes: below.
FILLED_STEP = 1.8
# Neighbouring radii that must agree on a dimension. No derivation; kept from version 0.1. Passes: at least.
PLATEAU = 3
# Evidence for a second dimension, relative to the first, up to which the first is taken. No derivation; kept from
# version 0.1. Passes: at most.
MOST_RIVAL = 0.7
# Times the error of normals that a break has to exceed to be seen. Two, as of standard errors; the
# error itself is a root mean square over the set.
NORMAL_NOISES = 2.0
# Standard errors of a mean square over separate balls of neighbours that limits leave room for: the two-sided 5 % point
# of a normal number.
BALL_DEVIATIONS = 1.96
# Share of the tolerance that is left to what the normals show, however much their neighbourhoods may hide: with less
# nothing could be certified in any case. Passes no verdict by itself.
LEAST_ROOM = 0.1
# Relative singular value of a Jacobian up to which a direction is lost. Between rounding and any slope; no count.
LOST_DIRECTION = 1e-8

# -- Densities, moments, equations and layers --------------------------------------------------------------------------

# Errors of a map that is differentiated by central differences, up to which they are rounding. No derivation; kept
# from version 0.1.
DIFFERENCE_FLOOR = 1e-7
# Units in the last place of the points, up to which a motion relative to the largest is none. No derivation; kept
# from version 0.1.
TRIVIAL_ROUNDINGS = 1e3
# Noise floors up to which an error of moments may be zero. No derivation; kept from version 0.1. Passes: at most.
MOST_CHANCE = 4.0
# Motion, relative to the largest, up to which a direction does not change moments. Moments are sums with noise; no
# count.
TRIVIAL_MOMENTS = 1e-6
# Standard errors of the change of higher moments that chance explains. The usual two-sided 5 % of a normal mean.
SCATTERS = 2.0
# Standard deviation of a function of the points, relative to the largest, below which it counts as that wide: on a
# thin set some hardly vary, and what is thinner than a thousandth is judged as if it were that thick.
LEAST_FUNCTION = 1e-3
# Points per function below which the noise of means is not known. The covariance of Q functions of S points is off by
# about 2 (Q / S)^(1/2) of itself, 63 % at ten. Passes: at least.
POINTS_PER_FUNCTION = 10
# Smallest spread of points, relative to the largest, up to which they are flat and have no density. Between rounding
# and any thickness; no count.
FLAT_DENSITY = 1e-9
# Smallest spread of a cloud, relative to the largest, up to which it is flat and has no moments of its own. Half the
# digits of float64.
FLAT_CLOUD = 1e-8
# Entry of a generator of an equation, relative to the largest, below which it is rounding. No count.
ZERO_TERM = 1e-12
# Rounding of a spectrum that links the generators of layers. Ten thousand units in the last place; no count.
LINK_FLOOR = 1e4 * torch.finfo(torch.float64).eps
# Sine between an output and an input generator that still count as one. No derivation; kept from version 0.1. Passes:
# at most.
MOST_MISMATCHED = 1e-3

# Unit of Noether charges, in parts of size times speed. Claims set apart what answers by less than a tenth: of orbits
# that lean by a few degrees, as those of planets do, charges of a thousandth are no less kept, those of 1e-8 are noise.
CHARGE_UNIT = 100.0

# Share of the tolerance up to which a drift is that of an integration, which a few trajectories do tell. Polynomials
# that are not conserved came down to 0.13 of the tolerance on 16 trajectories (3 of 44 runs below it), numerical
# integration stays below 3e-4 of it. Passes: at most.
NEARLY_EXACT = 1e-3

# Share of the square of a pace that a resample of the states leaves at least. Its estimate to first order may fall to
# nothing, or below, where few states carry it; then an upper limit is three times as high. Passes: at least.
LEAST_PACE = 0.1

# Times the error of a learnt map, relative to its spread, that a component of its outputs has to be wide so that more
# than the error is seen: three standard errors. Passes: above.
KNOWN_OUTPUT = 3.0

# -- Pairs -------------------------------------------------------------------------------------------------------------

# Defect of pairs, in its lower limit, from which they have no common motion at all: chance leaves 1, and what is less
# may be noise. No derivation; kept from version 0.1, where standing still left 1. Passes: below.
LEAST_UNEXPLAINED = 0.8
# What generators have to leave of displacements that were dealt to other points, so that to explain pairs says
# something: as LEAST_RESPONSE of claims about maps. Passes: at least.
LEAST_ANSWER = 0.1

# -- Single elements ---------------------------------------------------------------------------------------------------

# Times the largest error of two symmetries up to which their product is one: errors add up, and a product has two.
# Passes: at most.
PRODUCT_ERRORS = 4.0
# Share of a unit generator by which conjugation may leave an algebra, or a logarithm stand off it: learnt algebras
# are a little off. No count. Passes: at most.
MOST_OFF_ALGEBRA = 0.1
# Relative error up to which the exponential of a real part gives the element back, as it does if the logarithm is
# real. Between rounding and any imaginary part; no count. Passes: at most.
REAL_LOGARITHM = 1e-6

# -- Games -------------------------------------------------------------------------------------------------------------

# Share of the range of errors up to which a valley is as good as the best, so that the shortest step is taken. No
# derivation; kept from version 0.1. Passes: at most.
ALIKE_VALLEYS = 0.15
# Singular value of a proposal, relative to the largest, up to which channels agree. No derivation; kept from version
# 0.1.
SAME_CHANNEL = 1e-3
# Motion, relative to the largest, up to which a direction of a game does not move the data. Single precision; no
# count.
STILL_DIRECTION = 1e-6
# Spread of a learnt law along an axis, relative to the largest, up to which the axis rests. No derivation; kept from
# version 0.1.
RESTING_AXIS = 0.25
# Relative error up to which an angle is a whole fraction of a turn. No derivation; kept from version 0.1. Passes: at
# most.
WHOLE_TURN = 0.01
# Logarithm of the size of an eigenvalue up to which an element may come back to the identity. No derivation; kept
# from version 0.1. Passes: at most.
MOST_GROWTH = 0.1
# Largest order of an element that is tried. No derivation; kept from version 0.1.
LARGEST_ORDER = 32
# Least order that counts as coming back: the identity has order 1.
LEAST_ORDER = 2
# Held-out mismatch of a certified element, relative to that of the identity. No derivation; kept from version 0.1.
# Passes: at most.
MOST_MISMATCH = 1.25
# Least excess of a mismatch over that of the identity that a gap is divided by. No derivation; kept from version 0.1.
LEAST_EXCESS = 1e-3
# Uncertainty of a proposal that nothing has confirmed, relative to its largest coefficient. No derivation; kept from
# version 0.1.
PROPOSED_DOUBT = 0.05

# -- Latent coordinates ------------------------------------------------------------------------------------------------

# Error of decoding held-out samples, relative to their spread. No derivation; kept from version 0.1. Passes: at most.
MOST_RECONSTRUCTION = 0.1
# Error of decoding and encoding moved latent points. No derivation; kept from version 0.1. Passes: at most.
MOST_CYCLE = 0.15
# Error of a step from moved points, relative to the steps. No derivation; kept from version 0.1. Passes: at most.
MOST_STEP = 0.2
# Energy distance of the moved cloud, relative to the spread. No derivation; kept from version 0.1. Passes: at most.
MOST_CLOUD = 0.15
# Motion of the data, relative to their spread, so that a symmetry says something. No derivation; kept from version
# 0.1. Passes: at least.
LEAST_MOTION = 0.3
# Share of the steps that a generator does not point along, below which it is a time translation. No derivation; kept
# from version 0.1.
TIME_TRANSLATION = 0.2
# Singular value, relative to the largest, up to which a matrix commutes or a form is kept by learnt generators. No
# derivation; kept from version 0.1. Passes: at most.
KEPT_FORM = 0.1
# Eigenvalue of a kept form, relative to the largest, up to which it is no measure of lengths. No derivation; kept
# from version 0.1.
THIN_FORM = 1e-3
