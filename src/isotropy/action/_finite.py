"""How a representation reads a group element from its defining matrix."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from ..core._parts import Parts
from ..errors import DataError

Reading = Literal["whole", "block", "one", "determinant"]
READINGS: tuple[Reading, ...] = ("whole", "block", "one", "determinant")


@dataclass(frozen=True)
class Finite:
    """The matrix of a group element `(n, n)`: itself, a diagonal block, one, or its determinant; dual at will.

    Plain data rather than a function, so that representations can be written to files.

    Attributes
    ----------
    reading : str
        One of ``READINGS``.
    rows : tuple of int
        First row of the block and the one after its last.
    duals : int
        How often the inverse transpose is taken; twice is not quite never in floating point.
    """

    reading: Reading
    rows: tuple[int, int] = (0, 0)
    duals: int = 0

    def __call__(self, g: Tensor) -> Tensor:
        """Matrix `(size, size)` of a group element."""
        matrix = self._read(g)
        for _ in range(self.duals):
            matrix = torch.linalg.inv(matrix).T.contiguous()
        return matrix

    @property
    def dual(self) -> Finite:
        """The inverse transpose of this."""
        return replace(self, duals=self.duals + 1)

    def built_from(self) -> dict[str, Any]:
        """Plain data."""
        return {"reading": self.reading, "rows": list(self.rows), "duals": self.duals}

    @classmethod
    def rebuild(cls, parts: Parts) -> Finite:
        """Read what ``built_from`` says.

        Raises
        ------
        DataError
            If it does not fit.
        """
        reading = parts.choice("reading", READINGS)
        rows = parts.wholes("rows")
        if len(rows) != 2 or rows[0] > rows[1]:
            raise DataError(f"{parts.where}.rows: expected first and end, received {rows}; write the file again")
        made = cls(reading, (rows[0], rows[1]), parts.whole("duals", 0, 64))
        parts.done()
        return made

    def _read(self, g: Tensor) -> Tensor:
        if self.reading == "block":
            part = slice(*self.rows)
            return g[part, part]
        if self.reading == "one":
            return torch.ones(1, 1, dtype=torch.float64)
        return g if self.reading == "whole" else torch.linalg.det(g).reshape(1, 1)
