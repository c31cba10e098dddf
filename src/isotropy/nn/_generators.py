"""Generators of an L-conv: linear operators on space, dense, low-rank or sparse, learnt or fixed."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from .._action import Action
from .._algebra import LieAlgebra
from .._checks import require_finite
from ..errors import DataError, RepresentationMismatchError
from ._propagate import propagate_dense, propagate_low_rank, propagate_sparse

Given = Tensor | LieAlgebra | Action
CONSTRAINTS = (None, "antisymmetric", "zero_row_sum")


class Generators(nn.Module):
    """``K`` linear operators from fields on some points to fields on as many or other points.

    Calling it with ``x`` `(..., points, ...)` gives ``L_k x`` `(K, ..., points, ...)`. Whatever the kind, the
    parameters can be anything: a constraint is met by every value of them.

    Attributes
    ----------
    shape : tuple of int
        `(K, points_out, points_in)`.
    constraint : str or None
        ``"antisymmetric"``, ``"zero_row_sum"`` or None.
    frozen : bool
        Whether the operators are buffers rather than parameters.
    """

    shape: tuple[int, int, int]
    constraint: str | None
    frozen: bool

    def forward(self, x: Tensor, axis: int = -1) -> Tensor:
        """``L_k x`` along one axis, `(K, *x.shape)` with new points in place of the old."""
        raise NotImplementedError

    def matrices(self) -> Tensor:
        """The operators `(K, points_out, points_in)`."""
        raise NotImplementedError

    def algebra(self, name: str | None = None) -> LieAlgebra:
        """The span of the operators as a LieAlgebra, detached.

        Raises
        ------
        NotAnAlgebraError
            If they are linearly dependent.
        """
        return LieAlgebra(self.matrices().detach(), name)

    def extra_repr(self) -> str:
        """Sizes and options."""
        return f"shape={self.shape}, constraint={self.constraint}, frozen={self.frozen}"

    def combine_(self, change: Tensor) -> None:
        """Replace the operators by combinations ``change`` `(K, K)` of them, in place."""
        raise NotImplementedError

    def _hold(self, frozen: bool, **tensors: Tensor) -> None:
        """Keep tensors as parameters, or as buffers if frozen."""
        self.frozen = frozen
        for name, tensor in tensors.items():
            if frozen:
                self.register_buffer(name, tensor)
            else:
                setattr(self, name, nn.Parameter(tensor))


class DenseGenerators(Generators):
    """Operators given by all their entries.

    Parameters
    ----------
    start : int or Tensor or LieAlgebra or Action
        Number of points, for a random start with ``|L|^2 = points``; or `(K, out, in)` matrices; or an algebra of
        matrices; or an action that is linear in its points, such as motions of images.
    count : int
        Number of random operators.
    constraint : str, optional
        ``"antisymmetric"``: ``L + L^T = 0``, exactly. ``"zero_row_sum"``: ``L 1 = 0`` up to rounding. Given matrices
        are projected.
    frozen : bool
        Keep them as they are: a buffer, no parameter.
    dtype, device
        Of the entries.
    generator : torch.Generator, optional
        Of the random start.

    Examples
    --------
    >>> import isotropy as iso
    >>> turn = DenseGenerators(iso.so(3), frozen=True)
    >>> turn.shape, turn(torch.ones(5, 2, 3)).shape
    ((3, 3, 3), torch.Size([3, 5, 2, 3]))
    >>> learnt = DenseGenerators(9, 2, constraint="antisymmetric").matrices()
    >>> bool((learnt == -learnt.transpose(1, 2)).all())
    True
    """

    entries: Tensor

    def __init__(
        self,
        start: int | Given,
        count: int = 1,
        *,
        constraint: str | None = None,
        frozen: bool = False,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        matrices = _start(start, count, constraint, generator)
        self.shape = _shape(matrices)
        self.constraint = constraint
        self._hold(frozen, entries=_constrained(matrices, constraint).to(device, dtype or torch.get_default_dtype()))

    def forward(self, x: Tensor, axis: int = -1) -> Tensor:
        """``L_k x`` along one axis."""
        return propagate_dense(self.matrices(), x, axis)

    def matrices(self) -> Tensor:
        """The operators `(K, points_out, points_in)`."""
        return self.entries if self.frozen else _constrained(self.entries, self.constraint)

    def combine_(self, change: Tensor) -> None:
        """Replace the operators by combinations of them."""
        with torch.no_grad():
            self.entries.copy_(_combined(change, self.matrices()))

    def add_identity_(self, amounts: Tensor) -> None:
        """Add multiples ``amounts`` `(K,)` of the identity, in place."""
        with torch.no_grad():
            self.entries.diagonal(dim1=1, dim2=2).add_(amounts.to(self.entries)[:, None])


class LowRankGenerators(Generators):
    """Operators ``U_k V_k`` with ``U`` `(K, out, rank)` and ``V`` `(K, rank, in)`.

    Parameters
    ----------
    start, count, constraint, frozen, dtype, device, generator
        As for ``DenseGenerators``; given operators are cut to the rank. An antisymmetric one is
        ``U V - V^T U^T``, of twice the rank.
    rank : int
        Of the factors.

    Examples
    --------
    >>> layer = LowRankGenerators(1024, 8, rank=8)
    >>> sum(p.numel() for p in layer.parameters())
    131072
    """

    left: Tensor
    right: Tensor

    def __init__(
        self,
        start: int | Given,
        count: int = 1,
        *,
        rank: int,
        constraint: str | None = None,
        frozen: bool = False,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        left, right = _factors(start, count, rank, generator)
        self.constraint = _known(constraint, left.shape[1] == right.shape[2])
        self.shape = (len(left), left.shape[1], right.shape[2])
        kind = dtype or torch.get_default_dtype()
        if constraint == "antisymmetric":
            left = left / 2 if not isinstance(start, int) else left / math.sqrt(2)
        self._hold(frozen, left=left.to(device, kind).contiguous(), right=right.to(device, kind).contiguous())

    def factors(self) -> tuple[Tensor, Tensor]:
        """``U`` and ``V`` under the constraint."""
        if self.constraint == "antisymmetric":
            left = torch.cat([self.left, -self.right.transpose(1, 2)], dim=2)
            return left, torch.cat([self.right, self.left.transpose(1, 2)], dim=1)
        if self.constraint == "zero_row_sum":
            return self.left, self.right - self.right.mean(2, keepdim=True)
        return self.left, self.right

    def forward(self, x: Tensor, axis: int = -1) -> Tensor:
        """``U_k (V_k x)`` along one axis."""
        return propagate_low_rank(*self.factors(), x, axis)

    def matrices(self) -> Tensor:
        """The operators `(K, points_out, points_in)`."""
        if self.constraint == "antisymmetric":  # so that rounding is antisymmetric too
            half = self.left @ self.right
            return half - half.transpose(1, 2)
        left, right = self.factors()
        return left @ right

    def combine_(self, change: Tensor) -> None:
        """Rescale and reorder the operators; other combinations would raise the rank."""
        if bool((change.count_nonzero(dim=0) > 1).any() | (change.count_nonzero(dim=1) > 1).any()):
            raise RepresentationMismatchError(
                "change: expected a scaled permutation, received a mixture; low-rank operators have no room for it"
            )
        with torch.no_grad():
            order, scale = change.abs().argmax(dim=1).to(self.left.device), change.sum(1).to(self.left)
            root = scale.abs().sqrt()[:, None, None]
            self.left.copy_(self.left[order] * root * scale.sign()[:, None, None])
            self.right.copy_(self.right[order] * root)


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
        self.shape = (count, start, start) if isinstance(start, int) else _shape(matrices_of(start))
        _require_places(rows, columns, self.shape, given)
        self.constraint = _known(constraint, self.shape[1] == self.shape[2])
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
            self.values.copy_(_combined(change, self._constrained()))

    def _constrained(self) -> Tensor:
        """The values under the constraint."""
        if self.mirror is not None:
            return (self.values - self.values[:, self.mirror]) / 2
        if self.constraint != "zero_row_sum":
            return self.values
        sums = self.values.new_zeros(self.shape[:2]).index_add(1, self.rows, self.values)
        counts = torch.bincount(self.rows, minlength=self.shape[1]).clamp_min(1)
        return self.values - (sums / counts)[:, self.rows]


def matrices_of(given: Given | Any) -> Tensor:
    """Matrices `(dim, out, in)` float64 of generators given as a tensor, an algebra or an action linear in its points.

    Raises
    ------
    RepresentationMismatchError
        If the shape is wrong or the action is not linear.
    DataError
        If an entry is not finite.

    Examples
    --------
    >>> import isotropy as iso
    >>> matrices_of(iso.actions.Image(["rotation"], 8, 8)).shape
    torch.Size([1, 64, 64])
    """
    if isinstance(given, LieAlgebra):
        return matrices_of(given.vector())
    if isinstance(given, Action):
        return _matrices_of_action(given)
    stack = torch.as_tensor(given).detach().to("cpu", torch.float64)
    if stack.ndim != 3 or not stack.numel():
        raise RepresentationMismatchError(
            f"generators: expected shape (K, out, in), received {tuple(stack.shape)}; "
            "stack matrices along the first axis"
        )
    return require_finite(stack.clone(), "generators")


def _matrices_of_action(action: Action) -> Tensor:
    """Fields at the unit vectors, if that is all there is to the action."""
    units = torch.eye(action.size, dtype=torch.float64).reshape(action.size, *action.event)
    matrices = action.fields(units).flatten(2).permute(1, 2, 0)
    probe = torch.linspace(-1.0, 2.0, action.size, dtype=torch.float64).square()
    expected = matrices @ probe
    received = action.fields(probe.reshape(1, *action.event)).flatten(2)[0]
    if not bool((received - expected).norm() <= 1e-8 * expected.norm().clamp_min(1.0)):
        raise RepresentationMismatchError(
            "generators: expected an action that is linear in its points, received one that is not; "
            "use a representation, or motions of images"
        )
    return matrices


def _start(start: int | Given, count: int, constraint: str | None, generator: torch.Generator | None) -> Tensor:
    """Given matrices, or random ones with ``|L|^2 = points`` under the constraint."""
    if not isinstance(start, int):
        return matrices_of(start)
    _require_counts(start, count)
    matrices = torch.randn(count, start, start, generator=generator, dtype=torch.float64)
    sizes = _constrained(matrices, constraint).square().sum((1, 2), keepdim=True)
    return matrices * (start / sizes.clamp_min(1e-300)).sqrt()


def _factors(start: int | Given, count: int, rank: int, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Random factors whose product has ``|L|^2 = points`` on average, or the leading ones of given operators."""
    if rank < 1:
        raise DataError(f"rank: expected at least 1, received {rank}; use dense operators for the full rank")
    if isinstance(start, int):
        _require_counts(start, count)
        left = torch.randn(count, start, rank, generator=generator, dtype=torch.float64)
        right = torch.randn(count, rank, start, generator=generator, dtype=torch.float64)
        scale = (rank * start) ** -0.25
        return left * scale, right * scale
    U, S, V = torch.linalg.svd(matrices_of(start), full_matrices=False)
    root = S[:, :rank].sqrt()
    return U[:, :, :rank] * root[:, None], root[:, :, None] * V[:, :rank]


def _constrained(matrices: Tensor, constraint: str | None) -> Tensor:
    """The nearest matrices that meet the constraint."""
    kind = _known(constraint, matrices.shape[1] == matrices.shape[2])
    if kind == "antisymmetric":
        return (matrices - matrices.transpose(1, 2)) / 2
    if kind == "zero_row_sum":
        return matrices - matrices.mean(2, keepdim=True)
    return matrices


def _known(constraint: str | None, square: bool) -> str | None:
    if constraint not in CONSTRAINTS or (constraint == "antisymmetric" and not square):
        raise DataError(
            f"constraint: expected None, 'zero_row_sum' or, for square operators, 'antisymmetric', received "
            f"{constraint!r}; choose one of these"
        )
    return constraint


def _combined(change: Tensor, stack: Tensor) -> Tensor:
    """Combinations of operators, in float64."""
    mixed = torch.tensordot(change.to("cpu", torch.float64), stack.to("cpu", torch.float64), dims=1)
    return mixed.to(stack)


def _shape(matrices: Tensor) -> tuple[int, int, int]:
    count, rows, columns = matrices.shape
    return count, rows, columns


def _require_counts(points: int, count: int) -> None:
    if points < 1 or count < 1:
        raise DataError(f"expected at least one point and one generator, received {points} and {count}; ask for more")


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
