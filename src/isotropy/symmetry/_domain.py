"""Where a symmetry was found: the columns, their means and spreads, and a digest of the samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ..errors import DataError, RepresentationMismatchError

_MOST_LISTED = 256  # columns whose means and spreads a file lists; pictures have thousands and no names
# Odd constants of splitmix64, which spread one changed bit over the whole word.
_MIX = (-7046029254386353131, -4658895280553007687, -7723592293110705685)


@dataclass(frozen=True)
class Column:
    """One column of the data.

    Attributes
    ----------
    name, unit : str
        As the user wrote them; empty where unknown.
    mean, spread : float
        Over the samples, in the column's unit; the spread is a standard deviation.
    """

    name: str = ""
    unit: str = ""
    mean: float = math.nan
    spread: float = math.nan

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"name": self.name, "unit": self.unit, "mean": self.mean, "spread": self.spread}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Column:
        """The column that ``to_dict`` wrote."""
        mean, spread = (math.nan if plain.get(key) is None else float(plain[key]) for key in ("mean", "spread"))
        return cls(str(plain.get("name") or ""), str(plain.get("unit") or ""), mean, spread)


@dataclass(frozen=True)
class Domain:
    """The samples that a symmetry was found on.

    Attributes
    ----------
    columns : tuple of Column
        In the order of the coordinates that the action moves; empty for points with very many coordinates.
    samples : int
        Their number.
    effective : float
        How many samples of equal weight would carry as much; NaN where it was not asked.
    digest : str
        Of the values, whatever the order of the samples; two runs on the same data have the same.
    """

    columns: tuple[Column, ...] = ()
    samples: int = 0
    effective: float = math.nan
    digest: str = ""

    @property
    def names(self) -> list[str]:
        """Names of the columns, or none if one of them has none."""
        found = [column.name for column in self.columns]
        return found if all(found) else []

    def named(self, names: Sequence[str], units: Sequence[str] | None = None) -> Domain:
        """The same samples with names, and units where given, of their columns.

        Raises
        ------
        RepresentationMismatchError
            If the numbers of names, units and columns differ.
        """
        known = self.columns or tuple(Column() for _ in names)
        if len(names) != len(known) or (units is not None and len(units) != len(known)):
            received = len(names) if units is None else (len(names), len(units))
            raise RepresentationMismatchError(
                f"names: expected {len(known)} names, one for each column, received {received}; name every column"
            )
        if len(set(names)) < len(names):
            raise DataError(f"names: expected distinct names, received {', '.join(names)}; rename one")
        marks = units or [column.unit for column in known]
        return replace(
            self,
            columns=tuple(replace(c, name=n, unit=u) for c, n, u in zip(known, names, marks, strict=True)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "columns": [column.to_dict() for column in self.columns],
            "samples": self.samples,
            "effective": self.effective,
            "digest": self.digest,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Domain:
        """The domain that ``to_dict`` wrote."""
        effective = plain.get("effective")
        return cls(
            tuple(Column.from_dict(column) for column in plain.get("columns") or ()),
            int(plain.get("samples") or 0),
            math.nan if effective is None else float(effective),
            str(plain.get("digest") or ""),
        )


class Seen:
    """What has been seen of the samples, chunk by chunk: sums that merge between processes.

    Parameters
    ----------
    size : int
        Number of coordinates of one point.
    """

    def __init__(self, size: int) -> None:
        self._sums = torch.zeros(2, size, dtype=torch.float64)  # means, and sums of squares about them
        self._counts = torch.zeros(2, dtype=torch.int64)  # samples, and the digest

    @classmethod
    def of(cls, x: Tensor) -> Seen:
        """All of points `(batch, *event)`."""
        return cls(x[0].numel()).update(x)

    def update(self, x: Tensor) -> Seen:
        """Absorb points `(batch, *event)` and return self."""
        flat = x.detach().to("cpu", torch.float64).flatten(1)
        mean = flat.mean(0)
        return self._absorb(len(flat), mean, (flat - mean).square().sum(0), row_hashes(flat).sum())

    def state(self) -> dict[str, Tensor]:
        """Plain tensors that hold all that was seen."""
        return {"sums": self._sums.clone(), "counts": self._counts.clone()}

    def absorb(self, state: Mapping[str, Tensor]) -> Seen:
        """Absorb the ``state`` of another and return self."""
        mean, square = state["sums"]
        return self._absorb(int(state["counts"][0]), mean, square, state["counts"][1])

    def domain(self) -> Domain:
        """The domain of all that was seen, without names."""
        count, size = int(self._counts[0]), self._sums.shape[1]
        spread = (self._sums[1] / max(count, 1)).sqrt()
        pairs = zip(self._sums[0].tolist(), spread.tolist(), strict=True)
        columns = tuple(Column(mean=m, spread=s) for m, s in pairs) if size <= _MOST_LISTED else ()
        return Domain(columns, count, digest=f"{int(self._counts[1]) & (2**64 - 1):016x}")

    def _absorb(self, count: int, mean: Tensor, square: Tensor, digest: Tensor) -> Seen:
        """Means and squares of two parts together; about the means, so that a far centre costs no digits."""
        if not count:
            return self
        before = int(self._counts[0])
        total, step = before + count, mean - self._sums[0]
        self._sums[0] += step * count / total
        self._sums[1] += square + step.square() * before * count / total
        self._counts[0] = total
        self._counts[1] += digest
        return self


def row_hashes(rows: Tensor) -> Tensor:
    """A whole number of 64 bits `(batch,)` for each row `(batch, n)` of float64."""
    words = rows.contiguous().view(torch.int64)
    places = torch.arange(1, rows.shape[1] + 1) * _MIX[0]
    return _mixed(_mixed(words + places).sum(1))


def _mixed(words: Tensor) -> Tensor:
    """Words of 64 bits with every bit spread over all; products wrap around, as they should."""
    for shift, factor in zip((30, 27), _MIX[1:], strict=True):
        words = (words ^ (words >> shift)) * factor
    return words ^ (words >> 31)
