"""Averages over rotations and penalties that restore a symmetry."""
