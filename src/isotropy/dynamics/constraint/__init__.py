"""The fields that a symmetry allows: in a dictionary, as invariants, and as conditions at points."""
