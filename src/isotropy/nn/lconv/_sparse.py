"""Generators with entries in few places, such as those that join neighbours."""

from __future__ import annotations

import torch
from torch import Tensor

from ...errors import DataError, RepresentationMismatchError
from ._generators import Generators
from ._propagate import propagate_sparse
from ._span import Given, combined, known, matrices_of, shape_of


class SparseGenerators(Generators):
    """Operators with entries in the same few places, such as those that join neighbours on a grid or a graph.

    Parameters
    ----------
    start, count, constraint, frozen, dtype, device, generator
        As for ``DenseGenerators``. Antisymmetric operators need places that come with their mirror images.
    places : tuple of Tensor, optional
        ``(rows, columns)`` of the entries, `(E,)` each, such as from ``grid_neighbours`` or the edges of a graph.
        Where given operators are not zero, if left out.

    Raises
    ------
    DataError
        If given operators have entries elsewhere, or a place appears twice.

    Examples
    --------
    >>> from isotropy.nn import grid_neighbours
    >>> layer = SparseGenerators(64, 2, places=grid_neighbours((8, 8), 1), constraint="zero_row_sum")
    >>> bool(layer(torch.ones(1, 1, 64)).abs().max() < 1e-6)
    True
    """

    rows: Tensor
    columns: Tensor
    values: Tensor
    mirror: Tensor | None

    def __init__(
        self,
        start: int | Given,
        count: int = 1,
        *,
        places: tuple[Tensor, Tensor] | None = None,
        constraint: str | None = None,
        frozen: bool = False,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        given = None if isinstance(start, int) else matrices_of(start)
        rows, columns = _places(places, given)
        self.shape = (count, start, start) if isinstance(start, int) else shape_of(matrices_of(start))
        _require_places(rows, columns, self.shape, given)
        self.constraint = known(constraint, self.shape[1] == self.shape[2])
        self.register_buffer("rows", rows.to(device))
        self.register_buffer("columns", columns.to(device))
        antisymmetric = constraint == "antisymmetric"
        self.register_buffer("mirror", _mirror(rows, columns, self.shape[1]).to(device) if antisymmetric else None)
        random = given is None
        values = torch.randn(count, len(rows), generator=generator, dtype=torch.float64)
        values = values if given is None else given[:, rows, columns]
        self._hold(frozen, values=values.to(device, dtype or torch.get_default_dtype()))
        with torch.no_grad():
            values = self._constrained()
            norms = values.square().sum(1, keepdim=True).clamp_min(1e-30)
            self.values.copy_(values * (self.shape[1] / norms).sqrt() if random else values)

    def forward(self, x: Tensor, axis: int = -1) -> Tensor:
        """``L_k x`` along one axis."""
        if x.shape[axis] != self.shape[2]:
            raise RepresentationMismatchError(
                f"x: expected {self.shape[2]} points along axis {axis}, received shape {tuple(x.shape)}; "
                "use operators of that size"
            )
        return propagate_sparse(self.rows, self.columns, self._constrained(), x, self.shape[1], axis)

    def matrices(self) -> Tensor:
        """The operators `(K, points_out, points_in)`."""
        flat = self.values.new_zeros(self.shape[0], self.shape[1] * self.shape[2])
        return flat.index_add(1, self.rows * self.shape[2] + self.columns, self._constrained()).reshape(self.shape)

    def combine_(self, change: Tensor) -> None:
        """Replace the operators by combinations of them."""
        with torch.no_grad():
            self.values.copy_(combined(change, self._constrained()))

    def _constrained(self) -> Tensor:
        """The values under the constraint."""
        if self.mirror is not None:
            return (self.values - self.values[:, self.mirror]) / 2
        if self.constraint != "zero_row_sum":
            return self.values
        sums = self.values.new_zeros(self.shape[:2]).index_add(1, self.rows, self.values)
        counts = torch.bincount(self.rows, minlength=self.shape[1]).clamp_min(1)
        return self.values - (sums / counts)[:, self.rows]


def _places(places: tuple[Tensor, Tensor] | None, given: Tensor | None) -> tuple[Tensor, Tensor]:
    """Rows and columns of the entries."""
    if places is not None:
        rows, columns = (torch.as_tensor(p, dtype=torch.int64).flatten() for p in places)
    elif given is not None:
        rows, columns = given.abs().amax(0).nonzero().T.contiguous()
    else:
        raise DataError("places: expected (rows, columns) for a random start, received None; see grid_neighbours")
    return rows, columns


def _require_places(rows: Tensor, columns: Tensor, shape: tuple[int, int, int], given: Tensor | None) -> None:
    """Places inside the matrix, each once, that hold every entry of given operators."""
    if len(rows) != len(columns) or not len(rows):
        raise DataError(
            f"places: expected as many rows as columns, received {len(rows)} and {len(columns)}; one pair an entry"
        )
    inside = (rows >= 0) & (rows < shape[1]) & (columns >= 0) & (columns < shape[2])
    keys = rows * shape[2] + columns
    if not bool(inside.all()) or len(keys.unique()) < len(keys):
        raise DataError(f"places: expected each place once within {shape[1:]}, received others; drop repeated places")
    if given is not None and given[:, rows, columns].count_nonzero() < given.count_nonzero():
        raise DataError(
            f"places: expected a place for each of the {int(given.count_nonzero())} entries of the operators, "
            "received fewer; leave places out to keep every entry"
        )


def _mirror(rows: Tensor, columns: Tensor, size: int) -> Tensor:
    """Index `(E,)` of the mirror image of each place."""
    keys, images = rows * size + columns, columns * size + rows
    ordered, order = keys.sort()
    found = torch.searchsorted(ordered, images).clamp_max(len(keys) - 1)
    if not torch.equal(ordered[found], images):
        raise DataError("places: expected places that come with their mirror images, received others; add (j, i)")
    return order[found]
