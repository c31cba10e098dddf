"""Placeholder until the bars are gathered."""

MOST_NOISE = 0.05  # beyond it, brackets tell better what is noise
