"""The bars of layers: when one is equivariant, and which class stands out."""

# Error of a layer in single precision up to which it commutes with an action: about a hundred roundings of 1.2e-7.
# Passes: at most.
MOST_LAYER_ERROR = 1e-5
# Relative miss up to which an action is linear in its points. Between rounding and any curved action; no count.
# Passes: at most.
LINEAR_ACTION = 1e-8
# Cosine with an earlier filter above which a filter is a duplicate. No derivation; kept from version 0.1. Passes: at
# most.
MOST_ALIKE = 0.99
# Variance, relative to the largest, up to which a direction counts as constant. No count.
CONSTANT = 1e-10
# Eigenvalue, relative to the largest variance, up to which a class does not stand out. No count. Passes: above.
STANDS_OUT = 1e-9
