"""Genetic programming of invariants, and systems of formulas ranked."""
