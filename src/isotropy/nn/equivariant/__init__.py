"""Layers that are equivariant for every value of their parameters."""
