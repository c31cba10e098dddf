"""Equations in words, in sympy and in LaTeX, and their solution in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...action._spanned import coordinate_names, write_sum
from ...core._checks import require_finite
from ...dictionary import Dictionary
from ...errors import DataError, FlowError
from .. import bars


def write_equations(
    dictionary: Dictionary, coefficients: Tensor, coordinates: Sequence[str] | None, digits: int
) -> list[str]:
    """``x' = -0.1 x - y`` for every coordinate."""
    names = dictionary.names(coordinates)
    order = sorted(range(len(names)), key=lambda i: names[i] == "1")
    left = list(coordinates or coordinate_names(dictionary.size))
    right = [
        write_sum([(float(row[i]), "" if names[i] == "1" else names[i]) for i in order if row[i]], digits)
        for row in coefficients
    ]
    return [f"{a}' = {b}" for a, b in zip(left, right, strict=True)]


def write_sympy(dictionary: Dictionary, coefficients: Tensor, coordinates: Sequence[str] | None) -> list[Any]:
    """Right-hand sides as sympy expressions in symbols named as the coordinates, whatever those names are.

    The parser evaluates what it reads, and coordinates may be the header of a file, so it never sees their names.
    """
    import sympy
    from sympy.parsing.sympy_parser import convert_xor, implicit_multiplication, parse_expr, standard_transformations

    named = coordinates or coordinate_names(dictionary.size)
    symbols = {f"coordinate_{i}": sympy.Symbol(name) for i, name in enumerate(named)}
    rules = (*standard_transformations, convert_xor, implicit_multiplication)
    terms = [
        parse_expr(name, local_dict=dict(symbols), transformations=rules) for name in dictionary.names(list(symbols))
    ]
    rows = coefficients.tolist()
    return [sympy.Add(*[sympy.Float(c) * term for c, term in zip(row, terms, strict=True) if c]) for row in rows]


def write_latex(expressions: Sequence[Any], coordinates: Sequence[str], digits: int, dot: str = r"\dot") -> str:
    r"""An ``aligned`` block with ``\dot x``, or another dot, on the left."""
    import sympy

    lines = [
        rf"{dot}{{{sympy.latex(sympy.Symbol(name))}}} &= {sympy.latex(expression.evalf(digits))}"
        for name, expression in zip(coordinates, expressions, strict=True)
    ]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def simulate(field: Callable[[Tensor], Tensor], x0: Any, t: Any, tolerance: float) -> Tensor:
    """States `(T, n)` at times `(T,)` from ``x0`` `(n,)`, by an adaptive Runge-Kutta method.

    Raises
    ------
    FlowError
        If the solution runs away before the last time.
    """
    import numpy
    from scipy.integrate import solve_ivp

    start = require_finite(torch.as_tensor(x0, dtype=torch.float64), "x0")
    times = require_finite(torch.as_tensor(t, dtype=torch.float64), "t")
    if times.ndim != 1 or len(times) < 2 or not bool((times.diff() > 0).all()):
        raise DataError(f"t: expected two or more increasing times, received shape {tuple(times.shape)}; sort them")
    bound = bars.RUNAWAY * max(1.0, float(start.abs().amax()))

    def velocity(_: float, state: Any) -> Any:
        return field(torch.as_tensor(state)[None])[0].numpy()

    def runaway(_: float, state: Any) -> float:
        return float(bound - numpy.abs(state).max())

    runaway.terminal = True  # type: ignore[attr-defined]
    span = (float(times[0]), float(times[-1]))
    with numpy.errstate(over="ignore", invalid="ignore"):
        found: Any = solve_ivp(
            velocity, span, start.numpy(), "DOP853", times.numpy(), events=runaway, rtol=tolerance, atol=tolerance
        )
    if found.status != 0:
        reached = float(found.t_events[0][0]) if found.status == 1 else float(found.t[-1]) if len(found.t) else span[0]
        raise FlowError(
            f"simulate: expected a solution up to time {span[1]:g}, received one that runs away at about "
            f"{reached:.3g}; start elsewhere, stop earlier, or look at the equations"
        )
    return torch.as_tensor(found.y.T.copy())
