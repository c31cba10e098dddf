"""Sparse regression under a constraint: strong, weak, of second order, of fields, of few modes."""
