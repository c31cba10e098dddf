"""Broken symmetry of force fields: probe it, average it away, and say what it does to a simulation."""
