"""The bars of an algebra: whether a span is one, whether a number of its structure is zero, when a name is given."""

# Closure defect beyond which a span is no algebra: it gets no name, and kernels respect all that it generates. No
# derivation; kept from version 0.1. Passes: at most.
MOST_OPEN = 0.1
# Lowest confidence at which a name is given, one minus the root of the margin of the closest call: a margin of four.
# Passes: at least.
LEAST_CONFIDENCE = 0.5
# Size of brackets of unit matrices that are neither large nor small; smaller ones are compared with it. No
# derivation; kept from version 0.1.
BRACKET_SCALE = 0.3
# Root mean square size of brackets of unit generators, below which they are those of an abelian algebra known up to
# noise and are compared with this size. No derivation; kept from version 0.1.
ABELIAN_BRACKET = 0.05
# Noise of numbers that went through exact formulas and rounding only.
FLOOR = 1e-9
# Times the stated noise by which a value may exceed it and still be dropped as noise. No derivation; kept from
# version 0.1. Passes as zero: at most.
SLACK = 10.0
# Times the noise up to which a real spectrum is symmetric about zero. No derivation; kept from version 0.1. Passes:
# below.
BALANCED = 10.0
# Margin from which a generic element is clear, and the confidence at least a half. Passes: at least.
CLEAR_MARGIN = 4.0
# Relative difference of Casimir eigenvalues up to which matrices are copies of a defining representation; those of
# isomorphic names differ by 30 % and more. Passes: below.
CASIMIR_TOLERANCE = 0.1
# Confidence from which an algebra outside the table is believed to be simple. No derivation; kept from version 0.1.
# Passes: at least.
EXCEPTIONAL = 0.9
# Smallest singular value, relative to the largest, up to which generators are dependent and are refused. Between
# rounding and any generator that means something; no count.
DEPENDENT = 1e-12
# Determinant below which a representative of a component is singular. Components are given, so only a slip comes
# near.
SINGULAR = 1e-12
# Distance in radians up to which a component keeps the algebra. Between rounding and any wrong component; no count.
# Passes: at most.
MOST_MOVED = 1e-6
# Ratio of scales up to which columns are left in their units: entries within a factor of four of one another lose no
# digits that matter. Passes: at most.
UNBALANCED = 2.0
# Square of the part of a unit vector beside what is moved, up to which its coordinate of a fixed point is determined: a
# direction off by 2 degrees. Between rounding and any axis that is meant; no count. Passes: below.
DETERMINED = 1e-3
# Least singular value, relative to the largest, of generators that move a direction, and the size up to which they keep
# a form, where they are known better. Rounding of a search, and any motion that is seen, lie a thousand times away.
KEPT = 1e-6
