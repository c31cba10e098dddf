"""Nonlinearities that commute with every group: invariants multiply whole summands."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ...action._representation import Representation
from ...enforce import equivariant_blocks, summands
from ...errors import RepresentationMismatchError
from ._summands import scalar_of


class Gate(nn.Module):
    """Each summand times the sigmoid of a scalar of its own; true scalars times the sigmoid of themselves (SiLU).

    Valid for any group, compact or not, since only scalars pass through a pointwise function.

    Parameters
    ----------
    rho : Representation
        What comes out.

    Attributes
    ----------
    rho_in : Representation
        What goes in: ``rho`` and one gate scalar for every summand that moves.

    Examples
    --------
    >>> import isotropy as iso
    >>> V, one = iso.so(1, 3).vector(), iso.so(1, 3).scalar()
    >>> gate = Gate(2 * V + one)
    >>> gate.rho_in.size, gate(torch.zeros(5, 11)).shape
    (11, torch.Size([5, 9]))
    """

    source: Tensor

    def __init__(self, rho: Representation) -> None:
        super().__init__()
        source, gates = torch.arange(rho.size), 0
        for kind in summands(rho):
            if not kind.still:
                source[kind.positions] = rho.size + gates + torch.arange(len(kind.positions))[:, None]
                gates += len(kind.positions)
        self.rho_out = rho
        self.rho_in = rho + gates * scalar_of(rho) if gates else rho
        self.register_buffer("source", source, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(..., size + gates)` to `(..., size)`."""
        return x[..., : self.rho_out.size] * torch.sigmoid(x[..., self.source])


class NormGate(nn.Module):
    """Each summand ``v`` times ``sigmoid(a . q(v) + b)`` with its own invariant quadratic forms ``q``.

    For a compact group in orthogonal matrices q is the squared norm; for the Lorentz group the Minkowski square.

    Parameters
    ----------
    rho : Representation
        What goes in and comes out.
    dtype, device
        Of parameters and buffers.

    Raises
    ------
    RepresentationMismatchError
        If a summand has no invariant quadratic form, as vectors of gl(n) or sp(2n) have none; use ``Gate``.

    Examples
    --------
    >>> import isotropy as iso
    >>> V = iso.so(1, 3).vector()
    >>> light = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    >>> bool(torch.allclose(NormGate(V)(light), light / 2))
    True
    """

    def __init__(
        self, rho: Representation, *, dtype: torch.dtype | None = None, device: torch.device | str | None = None
    ) -> None:
        super().__init__()
        self.rho = rho
        forms = _forms(rho)
        self.slopes, self.offsets = nn.ParameterList(), nn.ParameterList()
        for index, (positions, form) in enumerate(forms):
            kind = dtype or torch.get_default_dtype()
            self.register_buffer(f"form{index}", form.to(device, kind))
            self.register_buffer(f"positions{index}", positions.to(device), persistent=False)
            self.slopes.append(nn.Parameter(torch.ones(len(positions), len(form), dtype=kind, device=device)))
            self.offsets.append(nn.Parameter(torch.zeros(len(positions), dtype=kind, device=device)))

    def forward(self, x: Tensor) -> Tensor:
        """Map `(..., size)` to `(..., size)`."""
        argument = x  # true scalars are their own gate
        for index, (slope, offset) in enumerate(zip(self.slopes, self.offsets, strict=True)):
            positions, form = getattr(self, f"positions{index}"), getattr(self, f"form{index}")
            v = x[..., positions]
            squares = torch.einsum("...md,kde,...me->...mk", v, form, v)
            gate = (slope * squares).sum(-1) + offset
            spread = gate[..., None].expand(v.shape).flatten(-2)
            argument = argument.index_copy(-1, positions.flatten(), spread)
        return x * torch.sigmoid(argument)


def _forms(rho: Representation) -> list[tuple[Tensor, Tensor]]:
    """Positions `(copies, d)` and symmetric invariant forms `(k, d, d)` of each kind of summand that moves."""
    found: list[tuple[Tensor, Tensor]] = []
    blocks = equivariant_blocks(rho, rho.T)
    for kind in summands(rho):
        if kind.still:
            continue
        own = [
            b.basis
            for b in blocks
            if torch.equal(b.rows[:1], kind.positions[:1]) and torch.equal(b.columns[:1], kind.positions[:1])
        ]
        form = _symmetric(own[0]) if own else torch.zeros(0, 1, 1)
        if not len(form):
            raise RepresentationMismatchError(
                f"expected an invariant quadratic form on every summand, received {rho!r} with none on coordinates "
                f"{kind.positions[0].tolist()}; use Gate"
            )
        found.append((kind.positions, form / math.sqrt(kind.positions.shape[1])))
    return found


def _symmetric(basis: Tensor) -> Tensor:
    """Orthonormal symmetric combinations; transposition only has eigenvalues 1 and -1 on bilinear forms."""
    even = (basis + basis.transpose(1, 2)) / 2
    _, values, vh = torch.linalg.svd(even.flatten(1), full_matrices=False)
    return vh[values > 0.5].reshape(-1, *basis.shape[1:])
