"""The peers of the benchmark of constrained fits find what the closed form finds."""

import runpy
from pathlib import Path

import pytest
import torch

import isotropy as iso
from isotropy.dynamics import SINDy, equivariant_fields

BENCH = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "constrained_fit.py"))


def test_descent_ends_where_the_closed_form_does():
    library = iso.dictionary.polynomials(2, 2)
    basis = equivariant_fields(library, iso.so(2))
    x, v = BENCH["oscillator"](200)
    torch.manual_seed(0)
    found = BENCH["lbfgs"](x, v, basis.coefficients, 0.05)()
    torch.testing.assert_close(
        found, SINDy(library, basis, threshold=0.05).fit_velocities(x, v).coef_, atol=1e-5, rtol=0
    )


def test_growth_is_the_exponent():
    parts = [{"size": float(n), "seconds": 3.0 * n**0.5} for n in (10, 100, 1000)]
    assert BENCH["growth"](parts, "seconds") == pytest.approx(0.5)
