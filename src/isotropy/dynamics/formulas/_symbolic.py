"""Genetic programming under a symmetry: free functions of invariants, found by any engine, are always symmetric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...action._spanned import coordinate_names
from ...core._checks import as_points, require_finite
from ...core._estimator import Estimator
from ...discover.surrogate._velocity import velocities
from ...errors import DataError, MissingExtraError
from .. import bars
from ..constraint._equivariant_fields import as_action
from ..constraint._invariants import Blocks, building_blocks
from ..fit._equations import simulate, write_latex
from ..fit._governing import CONSTRAINTS
from ..fit._trajectories import checked_trajectories
from ._ranking import Candidate, held_out, rank_systems

_FEWEST = 5
_EACH = 10  # independent values that smoothing leaves of one trajectory, about
_FEWEST_SOFT = 20
_RUNS = 3  # searches for each free formula
_MOST = 1000  # samples that the search sees
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

    Where a symmetry has no such invariants or is inexact, ``constraint="soft"`` searches free formulas of the
    coordinates instead, several times on a part of the samples, and takes the system of all equations with the least
    held-out error plus ``weight`` times ``|Dh v - Dv h| / (|Dh| |v| + |Dv h|)``.

    Parameters
    ----------
    symmetry : Action, LieAlgebra or Discovery
        Of matrices or polynomial fields; for ``constraint="soft"`` also any other, or a vector field in torch.
    constraint : "hard" or "soft"
        Build from invariants; or rank free formulas by error and symmetry error.
    weight : float
        Of the relative symmetry error beside the relative held-out error, for ``constraint="soft"``.
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
        ``f_j`` in the symbols ``I1, I2, ...``; the right-hand sides for ``constraint="soft"``.
    blocks_ : Blocks
        ``I`` and ``E``; coordinates and unit vectors for ``constraint="soft"``.
    candidates_ : list of Candidate
        For ``constraint="soft"`` all systems compared, of least loss first; else empty.
    verified_ : bool
        Whether sympy reduces every bracket of the field with a generator to zero. Fitted constants of free formulas
        seldom allow that: see ``symmetry_error`` of the first candidate.

    Raises
    ------
    DataError
        If a setting is out of range, shapes do not fit, values are not finite, or samples are too few.
    MissingExtraError
        Without pyoperon.
    """

    expressions_: list[Any]
    functions_: list[Any]
    blocks_: Blocks
    candidates_: list[Candidate]
    verified_: bool

    def __init__(
        self,
        symmetry: Any,
        *,
        constraint: str = "hard",
        weight: float = 0.3,
        degree: int = 3,
        max_length: int = 15,
        generations: int = 100,
        population_size: int = 200,
        seed: int = 0,
    ) -> None:
        self.symmetry = symmetry
        self.constraint = constraint
        self.weight = weight
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
        self._check_options()
        points = torch.as_tensor(x, dtype=torch.float64)
        speeds = torch.as_tensor(v, dtype=torch.float64)
        if points.ndim != 2 or points.shape != speeds.shape:
            raise DataError(
                f"v: expected states and velocities of one shape (S, n), received {tuple(points.shape)} and "
                f"{tuple(speeds.shape)}; one row per sample"
            )
        action = as_action(self.symmetry, points.shape[1])
        step = -(-len(points) // _MOST)
        if self.constraint == "hard":
            self._fit_hard(action, points[::step], speeds[::step], independent or len(points))
        else:
            self._fit_soft(action, points[::step], speeds[::step])
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

    def _check_options(self) -> None:
        if self.constraint not in CONSTRAINTS:
            raise DataError(f"constraint: expected one of {CONSTRAINTS}, received {self.constraint!r}; use 'hard'")
        if not 0 <= self.weight < math.inf:
            raise DataError(f"weight: expected a finite number >= 0, received {self.weight}; use e.g. 0.3")

    def _fit_hard(self, action: Action, x: Tensor, v: Tensor, count: int) -> None:
        """Functions of invariants, each chosen by itself."""
        self.blocks_ = building_blocks(action, self.degree)
        invariants, amounts, sizes = self._split(x, v)
        self.functions_ = [self._best(invariants, *pair, count) for pair in zip(amounts.T, sizes.T, strict=True)]
        self.candidates_ = []
        self.expressions_ = self._assembled()
        self.verified_ = obeys(action, self.blocks_)

    def _fit_soft(self, action: Action, x: Tensor, v: Tensor) -> None:
        """Free formulas, all chosen together."""
        import sympy

        if len(x) < _FEWEST_SOFT:
            raise DataError(
                f"x: expected at least {_FEWEST_SOFT} samples, some to hold out, received {len(x)}; add some"
            )
        require_finite(torch.cat([x, v], dim=1), "x and v")
        symbols = [sympy.Symbol(name) for name in coordinate_names(x.shape[1])]
        held = held_out(len(x), self.seed)
        runs = range(self.seed, self.seed + _RUNS)
        fronts = [[f for seed in runs for f in self._front(x[~held], y[~held], seed, symbols)] for y in v.T]
        self.candidates_ = rank_systems(fronts, symbols, action, x, v, held, self.weight)
        best = self.candidates_[0]
        self.blocks_ = Blocks(symbols, symbols, [sympy.eye(len(symbols)).col(k) for k in range(len(symbols))])
        self.functions_ = self.expressions_ = best.expressions
        written = best.symmetry_error < bars.EXACT_FORMULA and _features(action, symbols) is not None
        self.verified_ = written and obeys(action, Blocks(symbols, [], [sympy.Matrix(best.expressions)]))

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

    def _best(self, invariants: Tensor, amount: Tensor, size: Tensor, count: int) -> Any:
        """The formula of one function of invariants, judged where its field is not small."""
        large = size >= bars.LEAST_FIELD * size.square().mean().sqrt()
        invariants, amount = invariants[large], amount[large]
        found = self._front(invariants, amount, self.seed, self._arguments())
        floor = 1e-12 * float(amount.square().mean()) + 1e-300
        return min(found, key=lambda f: count * math.log(f[1] + floor) + f[0] * math.log(count))[2]

    def _front(self, x: Tensor, y: Tensor, seed: int, symbols: list[Any]) -> list[tuple[int, float, Any]]:
        """Length, squared error and formula of a constant and of what one search finds for values `(S,)`."""
        import sympy

        found = [(1, float(y.var(correction=0)), sympy.Float(float(y.mean())))]
        if not x.shape[1]:
            return found
        engine = _engine()(
            max_length=self.max_length,
            generations=self.generations,
            population_size=self.population_size,
            random_state=seed,
            **_SETTINGS,
        )
        engine.fit(x.numpy(), y.numpy())
        for member in engine.pareto_front_:
            text = engine.get_model_string(member["tree"], 12)
            found.append((member["length"], member["mean_squared_error"], _parsed(text, symbols)))
        return found

    def _arguments(self) -> list[Any]:
        """Symbols ``I1, I2, ...`` of the invariants."""
        import sympy

        return [sympy.Symbol(f"I{k + 1}") for k in range(len(self.blocks_.invariants))]

    def _assembled(self) -> list[Any]:
        import sympy

        names = self._arguments()
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


def _features(action: Any, symbols: list[Any]) -> list[Any] | None:
    """What generators are linear in, as formulas; None if they are no matrices nor polynomials."""
    import sympy

    from ...action._spanned import SpannedAction
    from ...actions import PolynomialFields

    if isinstance(action, PolynomialFields):
        rows = action.dictionary.exponents.tolist()
        return [sympy.prod(s**e for s, e in zip(symbols, row, strict=True)) for row in rows]
    linear = isinstance(action, SpannedAction) and action.tensor.shape[2] == len(symbols)
    return symbols if linear else None


def _generators(action: Any, symbols: list[Any]) -> list[Any]:
    """Generators as columns of formulas."""
    import sympy

    features = _features(action, symbols)
    if features is None:
        raise DataError(
            f"symmetry: expected matrices or polynomial fields, received {type(action).__name__}; "
            "use constraint='soft', or SINDy, for other fields"
        )
    column = sympy.Matrix(features)
    exact = [
        [[sympy.nsimplify(c, rational=True, tolerance=1e-9) for c in row] for row in m] for m in action.tensor.tolist()
    ]
    return [sympy.Matrix(matrix) * column for matrix in exact]


def _parsed(text: str, symbols: list[Any]) -> Any:
    """A formula of the engine in the given symbols, simplified."""
    import sympy

    names: Any = {f"X{k + 1}": symbol for k, symbol in enumerate(symbols)}
    expression: Any = sympy.parse_expr(text, local_dict=names)
    return sympy.cancel(expression)


def _engine() -> Any:
    try:
        from pyoperon.sklearn import SymbolicRegressor  # pyright: ignore[reportMissingImports]
    except ImportError as missing:
        raise MissingExtraError(
            "expected pyoperon for symbolic regression, found none; run pip install 'isotropy[symbolic]'"
        ) from missing
    return SymbolicRegressor
