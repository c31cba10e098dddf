"""Genetic programming under a symmetry: free functions of invariants, found by any engine, are always symmetric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .._checks import as_points
from .._estimator import Estimator
from .._spanned import coordinate_names
from ..discover._velocity import velocities
from ..errors import DataError, MissingExtraError
from ._equations import simulate, write_latex
from ._invariants import Blocks, building_blocks
from ._symmetry import as_action
from ._trajectories import checked_trajectories

_FEWEST = 5
_EACH = 10  # independent values that smoothing leaves of one trajectory, about
_MOST = 1000  # samples that the search sees
_SMALL = 0.3  # of the typical size of a field, below which its amount is mostly noise
_SETTINGS = {
    "allowed_symbols": "add,sub,mul,div,constant,variable",
    "objectives": ["r2", "length"],
    "optimizer_iterations": 5,
    "epsilon": 1e-3,
    "n_threads": 1,
}


class SymbolicRegression(Estimator):
    """Formulas ``dx/dt = sum_j f_j(I(x)) E_j(x)``, the functions ``f_j`` found by genetic programming.

    ``I`` are invariants and ``E_j`` equivariant fields of the symmetry, so whatever the search writes obeys the
    symmetry exactly; that is verified symbolically. Of the formulas on the front between length and error the one of
    least ``N log(error^2) + length log(N)`` is taken. Needs ``pip install 'isotropy[symbolic]'``.

    Parameters
    ----------
    symmetry : Action, LieAlgebra or Discovery
        Of matrices or polynomial fields.
    degree : int
        Of the polynomials among which invariants and equivariant fields are looked for.
    max_length : int
        Longest formula of one function.
    generations, population_size : int
        Of the search.
    seed : int
        Of the search.

    Attributes
    ----------
    expressions_ : list of sympy.Expr
        Right-hand sides.
    functions_ : list of sympy.Expr
        ``f_j`` in the symbols ``I1, I2, ...``.
    blocks_ : Blocks
        ``I`` and ``E``.
    verified_ : bool
        Whether sympy reduces every bracket of the field with a generator to zero.
    """

    expressions_: list[Any]
    functions_: list[Any]
    blocks_: Blocks
    verified_: bool

    def __init__(
        self,
        symmetry: Any,
        *,
        degree: int = 3,
        max_length: int = 15,
        generations: int = 100,
        population_size: int = 200,
        seed: int = 0,
    ) -> None:
        self.symmetry = symmetry
        self.degree = degree
        self.max_length = max_length
        self.generations = generations
        self.population_size = population_size
        self.seed = seed

    def fit(self, states: Sequence[Any], times: Sequence[Any]) -> SymbolicRegression:
        """Fit trajectories: lists of states `(T_i, n)` and of times `(T_i,)`."""
        size = states[0].shape[1] if len(states) else 0
        pairs = checked_trajectories(states, times, size, _FEWEST)
        x, v, _ = velocities([x for x, _ in pairs], [t for _, t in pairs])
        return self.fit_velocities(x, v, independent=_EACH * len(pairs))

    def fit_velocities(self, x: Any, v: Any, independent: int | None = None) -> SymbolicRegression:
        """Fit states `(S, n)` with known velocities `(S, n)`, of which ``independent`` ones are not smoothed alike."""
        points = torch.as_tensor(x, dtype=torch.float64)
        speeds = torch.as_tensor(v, dtype=torch.float64)
        if points.ndim != 2 or points.shape != speeds.shape:
            raise DataError(
                f"v: expected states and velocities of one shape (S, n), received {tuple(points.shape)} and "
                f"{tuple(speeds.shape)}; one row per sample"
            )
        action = as_action(self.symmetry, points.shape[1])
        self.blocks_ = building_blocks(action, self.degree)
        step = -(-len(points) // _MOST)
        invariants, amounts, sizes = self._split(points[::step], speeds[::step])
        count = independent or len(points)
        self.functions_ = [self._search(invariants, *pair, count) for pair in zip(amounts.T, sizes.T, strict=True)]
        self.expressions_ = self._assembled()
        self.verified_ = obeys(action, self.blocks_)
        return self

    def predict(self, x: Any) -> Tensor:
        """Velocities `(batch, n)` at states `(batch, n)`."""
        import sympy

        points = as_points(x, "x", (len(self.blocks_.symbols),))
        function = sympy.lambdify(self.blocks_.symbols, self.expressions_, "math")
        rows = [[float(value) for value in function(*row)] for row in points.tolist()]
        return torch.tensor(rows, dtype=points.dtype)

    def simulate(self, x0: Any, t: Any, tolerance: float = 1e-8) -> Tensor:
        """States `(T, n)` at increasing times `(T,)`, starting from ``x0`` `(n,)` at ``t[0]``."""
        return simulate(self.predict, x0, t, tolerance)

    def sympy(self, coordinates: Sequence[str] | None = None) -> list[Any]:
        """Right-hand sides in symbols named as the coordinates."""
        import sympy

        names = list(coordinates or coordinate_names(len(self.blocks_.symbols)))
        table = dict(zip(self.blocks_.symbols, map(sympy.Symbol, names), strict=True))
        return [expression.subs(table, simultaneous=True) for expression in self.expressions_]

    def equations(self, coordinates: Sequence[str] | None = None, digits: int = 3) -> list[str]:
        """``x' = -0.1*x - y`` for every coordinate."""
        names = list(coordinates or coordinate_names(len(self.blocks_.symbols)))
        return [f"{n}' = {e.evalf(digits)}" for n, e in zip(names, self.sympy(names), strict=True)]

    def latex(self, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """The equations as a LaTeX ``aligned`` block."""
        names = list(coordinates or coordinate_names(len(self.blocks_.symbols)))
        return write_latex(self.sympy(names), names, digits)

    def _split(self, x: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Invariants `(S, i)`, amounts `(S, j)` of every field in the velocities and sizes `(S, j)` of the fields.

        Samples where they blow up go.
        """
        import numpy
        import sympy

        symbols = self.blocks_.symbols
        formulas = [*self.blocks_.invariants, *(e for field in self.blocks_.fields for e in field)]
        function = sympy.lambdify(symbols, formulas, "numpy")
        with numpy.errstate(all="ignore"):
            columns = [torch.as_tensor(c, dtype=torch.float64).expand(len(x)) for c in function(*x.T.numpy())]
        count = len(self.blocks_.invariants)
        invariants = torch.stack(columns[:count], dim=1) if count else x.new_zeros(len(x), 0)
        fields = torch.stack(columns[count:], dim=1).reshape(len(x), len(self.blocks_.fields), -1).transpose(1, 2)
        amounts = torch.linalg.lstsq(fields, v[:, :, None], driver="gelsd").solution[..., 0]
        good = torch.isfinite(invariants).all(1) & torch.isfinite(amounts).all(1)
        return invariants[good], amounts[good], fields.norm(dim=1)[good]

    def _search(self, invariants: Tensor, amount: Tensor, size: Tensor, count: int) -> Any:
        """The formula of one function of invariants, judged where its field is not small."""
        import sympy

        large = size >= _SMALL * size.square().mean().sqrt()
        invariants, amount = invariants[large], amount[large]
        constant = sympy.Float(float(amount.mean()))
        if not invariants.shape[1]:
            return constant
        engine = _engine()(
            max_length=self.max_length,
            generations=self.generations,
            population_size=self.population_size,
            random_state=self.seed,
            **_SETTINGS,
        )
        engine.fit(invariants.numpy(), amount.numpy())
        found = [(1, float(amount.var(correction=0)), constant)]
        for member in engine.pareto_front_:
            text = engine.get_model_string(member["tree"], 12)
            found.append((member["length"], member["mean_squared_error"], _parsed(text, invariants.shape[1])))
        floor = 1e-12 * float(amount.square().mean()) + 1e-300
        return min(found, key=lambda f: count * math.log(f[1] + floor) + f[0] * math.log(count))[2]

    def _assembled(self) -> list[Any]:
        import sympy

        names = [sympy.Symbol(f"I{k + 1}") for k in range(len(self.blocks_.invariants))]
        table = dict(zip(names, self.blocks_.invariants, strict=True))
        total = sympy.zeros(len(self.blocks_.symbols), 1)
        for function, field in zip(self.functions_, self.blocks_.fields, strict=True):
            total += function.subs(table) * field
        whole = all(function.is_polynomial(*names) for function in self.functions_)
        return [sympy.expand(entry) if whole else entry for entry in total]


def obeys(action: Any, blocks: Blocks) -> bool:
    """Whether ``sum_j f_j(I) E_j`` commutes with every generator whatever the functions are, by sympy."""
    import sympy

    symbols = sympy.Matrix(blocks.symbols)
    for generator in _generators(action, blocks.symbols):
        brackets = [f.jacobian(symbols) * generator - generator.jacobian(symbols) * f for f in blocks.fields]
        slopes = [sympy.Matrix([i]).jacobian(symbols) * generator for i in blocks.invariants]
        if any(sympy.simplify(entry) != 0 for column in (*brackets, *slopes) for entry in column):
            return False
    return True


def _generators(action: Any, symbols: list[Any]) -> list[Any]:
    """Generators as columns of formulas."""
    import sympy

    from .._spanned import SpannedAction
    from ..actions import PolynomialFields

    if isinstance(action, PolynomialFields):
        rows = action.library.exponents.tolist()
        features = [sympy.prod(s**e for s, e in zip(symbols, row, strict=True)) for row in rows]
    elif isinstance(action, SpannedAction) and action.tensor.shape[2] == len(symbols):
        features = symbols
    else:
        raise DataError(
            f"symmetry: expected matrices or polynomial fields, received {type(action).__name__}; "
            "use SINDy for other fields"
        )
    column = sympy.Matrix(features)
    exact = [
        [[sympy.nsimplify(c, rational=True, tolerance=1e-9) for c in row] for row in m] for m in action.tensor.tolist()
    ]
    return [sympy.Matrix(matrix) * column for matrix in exact]


def _parsed(text: str, count: int) -> Any:
    """A formula of the engine in the symbols ``I1, I2, ...``, simplified."""
    import sympy

    names: Any = {f"X{k + 1}": sympy.Symbol(f"I{k + 1}") for k in range(count)}
    expression: Any = sympy.parse_expr(text, local_dict=names)
    return sympy.cancel(expression)


def _engine() -> Any:
    try:
        from pyoperon.sklearn import SymbolicRegressor
    except ImportError as missing:
        raise MissingExtraError(
            "expected pyoperon for symbolic regression, found none; run pip install 'isotropy[symbolic]'"
        ) from missing
    return SymbolicRegressor
