"""The bars of a probe: what is rounding, what is a broken symmetry, and what a mean of correlated samples can say."""

import torch

# Rounding of one output in float64, relative to its largest size: a few dozen operations. No derivation; kept from
# version 0.1. An error at most the floor made of this and of MARGIN is rounding.
ROUNDINGS = 32 * torch.finfo(torch.float64).eps
# Times that rounding under rotations may exceed rounding under operations that change nothing. No derivation; kept
# from version 0.1.
MARGIN = 4.0
# Relative change under permutations and translations up to which it is the rounding of single precision, of which eps
# is 1.2e-7 and about a hundred add up; more is a broken symmetry and does not raise the floor.
MOST_SINGLE = 1e-5
# Times the floor above which a repeated, permuted or shifted structure is said to give other results. No derivation;
# kept from version 0.1. Passes: at most.
MOST_FLOORS = 10.0
# Share of the mean square error above the degree that the rule resolves, beyond which a warning says that the
# spectrum is an estimate. No derivation; kept from version 0.1. Passes: at most.
MOST_UNRESOLVED = 0.25
# Blocks that are left when the length of blocks is doubled: the error of an error from 16 blocks is 1/sqrt(2 * 15),
# or 18 %. Passes: at least.
LEAST_BLOCKS = 16
# Standard errors of a one-sided test at 5 %, the 95 % quantile of a normal distribution, two of which make a test of
# equivalence.
EQUIVALENCE = 1.645
