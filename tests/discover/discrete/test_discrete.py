"""Discrete symmetries, which the Lie derivative cannot see."""

from itertools import product

import torch

import isotropy as iso
from isotropy import datasets


def test_lorenz_keeps_one_half_turn():
    problem = datasets.lorenz(samples=100)
    signs = torch.tensor(list(product([1.0, -1.0], repeat=3)), dtype=torch.float64)
    V = iso.gl(3).vector()
    x = torch.cat(problem.data.states)
    report = iso.measure.finite(problem.field, x, V, V, n_samples=0, elements=torch.diag_embed(signs))
    errors = {tuple(sign): float(error) for sign, error in zip(signs.tolist(), report.per_generator, strict=True)}
    kept = {sign for sign, error in errors.items() if error < 1e-12}
    assert kept == {(1.0, 1.0, 1.0), (-1.0, -1.0, 1.0)}
    assert min(error for sign, error in errors.items() if sign not in kept) >= 0.76
