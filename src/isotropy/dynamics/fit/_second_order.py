"""Equations of motion: accelerations from positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...action._spanned import coordinate_names
from ...core._checks import as_points
from ...dictionary import Dictionary
from ...discover.surrogate._velocity import velocities
from ...errors import DataError
from .. import bars
from ..constraint._equivariant_fields import SymmetryLike
from ._equations import simulate, write_equations, write_latex
from ._sindy import Derivative, SINDy
from ._systems import System
from ._trajectories import Pair


class SecondOrder(SINDy):
    """Sparse equations of motion ``d^2x/dt^2 = W phi(x)`` from positions and velocities.

    States are positions, then velocities, `(T, 2 n)`; the terms, and the symmetry, see the positions alone. Every
    trajectory weighs alike, so that planets near and far count the same.

    Parameters
    ----------
    dictionary : Dictionary
        Terms of the n positions, such as ``central(3)``.
    symmetry, threshold, select, constraint, weight, uncertainty, rank, derivative
        See ``SINDy``. Accelerations have any size, so terms are selected by their share in their equation unless asked
        otherwise.

    Raises
    ------
    DataError
        If trajectories are too short, not finite or straight, or do not determine the coefficients.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> t = torch.linspace(0, 6, 200, dtype=torch.float64)
    >>> circles = [torch.stack([r * (w * t).cos(), r * (w * t).sin(), -r * w * (w * t).sin(), r * w * (w * t).cos()], 1)
    ...            for r, w in ((1.0, 1.0), (4.0, 0.125))]
    >>> SecondOrder(central(2, (2, 3)), iso.so(2)).fit(circles, [t, t]).equations()
    ["x'' = -x/r^3", "y'' = -y/r^3"]
    """

    def __init__(
        self,
        dictionary: Dictionary,
        symmetry: SymmetryLike | None = None,
        *,
        threshold: float = 0.01,
        select: str = "share",
        constraint: str = "hard",
        weight: float | None = None,
        uncertainty: float | None = None,
        rank: str | int | float = "gap",
        derivative: Derivative = "spline",
    ) -> None:
        super().__init__(
            dictionary,
            symmetry,
            threshold=threshold,
            select=select,
            constraint=constraint,
            weight=weight,
            uncertainty=uncertainty,
            rank=rank,
            derivative=derivative,
        )

    @property
    def size(self) -> int:
        """Number of coordinates of a state: positions and velocities."""
        return 2 * self.dictionary.size

    def places(self, states: Tensor) -> Tensor:
        """The positions."""
        return states[:, : self.dictionary.size]

    def systems(self, pairs: Sequence[Pair]) -> list[System]:
        """Terms at positions against accelerations, in units of the size of the accelerations of each trajectory."""
        return [self._one(x, t) for x, t in pairs]

    def predict(self, x: Any) -> Tensor:
        """Velocities and accelerations `(batch, 2 n)` at states `(batch, 2 n)`."""
        states = as_points(x, "x", (self.size,))
        return torch.cat([states[:, self.dictionary.size :], self.accelerations(self.places(states))], dim=1)

    def accelerations(self, x: Any) -> Tensor:
        """Accelerations `(batch, n)` at positions `(batch, n)`."""
        return super().predict(x)

    def simulate(self, x0: Any, t: Any, tolerance: float = 1e-8) -> Tensor:
        """States `(T, 2 n)` at increasing times `(T,)`, starting from ``x0`` `(2 n,)` at ``t[0]``."""
        return simulate(self.predict, x0, t, tolerance)

    def equations(self, coordinates: Sequence[str] | None = None, digits: int = 3) -> list[str]:
        """``x'' = -x/r^3`` for every position."""
        written = write_equations(self.dictionary, self.coef_, coordinates, digits)
        return [text.replace("' =", "'' =", 1) for text in written]

    def latex(self, coordinates: Sequence[str] | None = None, digits: int = 3) -> str:
        """The equations as a LaTeX ``aligned`` block, two dots on the left."""
        names = list(coordinates or coordinate_names(self.dictionary.size))
        return write_latex(self.sympy(names), names, digits, r"\ddot")

    def _one(self, x: Tensor, t: Tensor) -> System:
        places, pulls = self._pulled(x, t)
        size = float(pulls.square().sum(1).mean().sqrt())
        if size < bars.STRAIGHT:
            raise DataError("states: expected accelerations, received straight lines at even speed; there is no force")
        return System(self.dictionary.evaluate(places)[None] / size, pulls.T.contiguous() / size)

    def _pulled(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Positions and accelerations."""
        n = self.dictionary.size
        if callable(self.derivative):
            return x[:, :n], torch.as_tensor(self.derivative(x.numpy().copy(), t.numpy().copy()))[:, n:]
        states, speeds, _ = velocities([x], [t], method=str(self.derivative))
        return states[:, :n], speeds[:, n:]


def central(size: int, powers: Sequence[int] = (0, 1, 2, 3, 4, 5)) -> Dictionary:
    """Terms ``x_i / r^p`` with the distance ``r`` from the origin: forces along the coordinates that fade with it.

    Raises
    ------
    DataError
        If the size is below 1, or there are no powers.

    Examples
    --------
    >>> central(2, (0, 3)).names()
    ['x', 'y', 'x/r^3', 'y/r^3']
    """
    if size < 1 or not powers:
        raise DataError(f"expected a size >= 1 and some powers, received {size} and {list(powers)}; use central(3)")

    def evaluate(x: Tensor) -> Tensor:
        distance = x.norm(dim=1, keepdim=True)
        return torch.cat([x / distance**p for p in powers], dim=1)

    def names(coordinates: Sequence[str]) -> list[str]:
        return [f"{a}/r^{p}" if p else a for p in powers for a in coordinates]

    return Dictionary(size, evaluate, lambda c: names(c or coordinate_names(size)))
