"""Limits of sums over samples, and the lengths of what is summed."""
