"""The bars of moves on parameters: which change is rounding, which move is refused, when a law rings."""

# Relative change of the outputs, in double precision, up to which a trial move is a symmetry; models may hold parts
# in single precision, of which eps is 1.2e-7. No count. Passes: at most.
MOST_CHANGE = 1e-6
# The same for a model that insists on its own, lower precision. No derivation; kept from version 0.1.
MOST_CHANGE_SINGLE = 1e-3
# Times the bound that a shift promises for one normalised value, up to which later layers may enlarge the change of
# the outputs. No derivation; kept from version 0.1. Passes: at most.
SLACK = 100.0
# Relative distance from a group beyond which a matrix is no element of it. Between rounding of exponentials in single
# precision, 1e-7, and any wrong element; no count. Passes: at most.
MOST_OUTSIDE = 1e-6
# Inner products of samples, relative to their squared lengths, up to which the samples are orthogonal. Between
# rounding of float64 and any real angle; no count. Passes: at most.
MOST_OVERLAP = 1e-8
# Curl of a field up to which it is a gradient field and has a conserved quantity. Derivatives are exact to rounding;
# no count. Passes: at most.
MOST_CURL = 1e-9
# Units of rounding, relative to ``|theta|^2`` of a block, by which a step of SGD may depart from its exact law before
# it rings. A step adds a few numbers per parameter; no count. Passes: at most.
MOST_ROUNDINGS = 64.0
# Relative difference of learning rates up to which a law sees one common rate. Rates are typed, so equal ones differ
# by rounding only. Passes: at most.
MOST_RATE_SPREAD = 1e-12
# Power of the working precision by which a loss may move in a teleport: eps^(2/3) is 3.7e-11 in float64 and 2.4e-5 in
# float32. No derivation of the power; kept from version 0.1. Passes: at most.
CHANGE_POWER = 2 / 3
# Relative growth of the loss that a climb along a level set may leave. No derivation; kept from version 0.1. Passes:
# at most.
MOST_GROWTH = 1e-7
# Singular value, relative to the largest, up to which a direction of parameters is flat. Second derivatives by
# autodiff are exact to rounding; the square root of eps. Passes as flat: at most.
FLAT = 1e-8
# Singular value, relative to the largest, above which inputs see a direction, so that weights must not move along it.
# No derivation; kept from version 0.1.
SEEN = 1e-10
# Difference of entries of rotary maps up to which two coordinates turn as a plane. The maps are computed in single
# precision. No count.
SAME_TURN = 1e-5
