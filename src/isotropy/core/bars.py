"""The bars of shared numerics: where a spectrum is cut, what is dependent, which slope is believed."""

# Least ratio of the smallest broken to the largest kept value at which a cut is clear. No derivation; kept from
# version 0.1. The bars of held-out errors (a third), of gradients and of a clear break are this number, too. Passes:
# at least.
MIN_GAP = 3.0
# Times the floor above which a smallest value without a gap is no zero. No derivation; kept from version 0.1. Passes
# as zero: at most.
CLEARLY_BROKEN = 10.0
# Largest error that may count as zero, whatever the gap. No derivation; kept from version 0.1. Passes: at most.
LARGEST_ZERO = 0.2
# Singular value, relative to the largest, up to which rows are dependent. Between rounding of float64 and any row
# that means something; no count. Passes as independent: above.
INDEPENDENT = 1e-10
# Square of the mean of a Wigner matrix over a rule, relative to its size, up to which the rule is exact for that
# degree. No derivation; kept from version 0.1. Passes: at most.
VANISHING_MEAN = 1e-10
# Entry of a readable basis, the largest being 1, below which it is zero. Between rounding and any digit that is
# printed; no count.
ZERO_ENTRY = 1e-6
# Relative difference of a derivative and central differences up to which the derivative is believed. Loose: it has to
# catch a detached or skipped derivative, not rounding. No count. Passes: at most.
MOST_DISAGREEMENT = 0.2
