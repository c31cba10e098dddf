"""The bars of what graph networks can learn."""

# Held-out squared error, relative to the variance of the target, below which it is rounding and the target learnable.
# No count.
LEARNABLE = 1e-12
# Share of that error that a further rule has to bring it below to be suggested: halved. No derivation; kept from
# version 0.1.
MOST_LEFT = 0.5
