"""Governing equations that obey a symmetry: sparse regression, weak form, invariants, forecasts."""
