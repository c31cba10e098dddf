"""Known algebras and groups by name.

Signs and sizes: ``so(p, q)`` preserves ``diag(+1 x p, -1 x q)``; ``sp(2n)`` acts on `R^{2n}` and preserves
``[[0, 1], [-1, 0]]``; ``u(n)`` and ``su(n)`` act on `R^{2n}` with ``x = (Re, Im)``; the affine algebras ``aff``,
``se``, ``translation``, ``similarity`` and ``galilei`` are homogeneous matrices `(n+1, n+1)` with last row zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor

from ..errors import DataError
from ._lie_algebra import LieAlgebra
from ._matrix_group import MatrixGroup


def gl(n: int) -> LieAlgebra:
    """All matrices `(n, n)`; dimension ``n^2``."""
    _positive(n, "gl")
    return _named(f"gl({n})", n, (_unit(n, i, j) for i in range(n) for j in range(n)))


def sl(n: int) -> LieAlgebra:
    """Matrices of trace zero; dimension ``n^2 - 1``."""
    _positive(n, "sl", 2)
    off = [_unit(n, i, j) for i in range(n) for j in range(n) if i != j]
    diagonal = [_unit(n, i, i) - _unit(n, i + 1, i + 1) for i in range(n - 1)]
    return _named(f"sl({n})", n, off + diagonal)


def so(p: int, q: int = 0) -> LieAlgebra:
    """Infinitesimal isometries of ``diag(+1 x p, -1 x q)``; dimension ``(p+q)(p+q-1)/2``.

    The generator of the plane (i, j) is ``E_ji - E_ij`` when both signs agree, which turns i towards j, and the
    boost ``E_ij + E_ji`` otherwise.
    """
    n = p + q
    _positive(n, "so", 2)
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    basis = (_unit(n, j, i) + (1.0 if i < p <= j else -1.0) * _unit(n, i, j) for i, j in pairs)
    return _named(f"so({p},{q})" if q else f"so({p})", n, basis)


def lorentz() -> LieAlgebra:
    """``so(1, 3)`` on ``(t, x, y, z)``."""
    return so(1, 3)


def sp(n: int) -> LieAlgebra:
    """Real symplectic matrices on `R^n`, n even; dimension ``n(n+1)/2``."""
    if n < 2 or n % 2:
        raise DataError(f"sp: expected an even size of at least 2, received {n}; sp(2n) acts on R^2n")
    half = n // 2
    form = torch.zeros(n, n, dtype=torch.float64)
    form[:half, half:], form[half:, :half] = torch.eye(half), -torch.eye(half)
    symmetric = (_unit(n, i, j) + (i != j) * _unit(n, j, i) for i in range(n) for j in range(i, n))
    return _named(f"sp({n})", n, (form @ s for s in symmetric))


def u(n: int) -> LieAlgebra:
    """Anti-Hermitian matrices in real form on `R^{2n}`; dimension ``n^2``."""
    _positive(n, "u")
    return _named(f"u({n})", 2 * n, (_real_form(h) for h in _antihermitian(n)))


def su(n: int) -> LieAlgebra:
    """Traceless anti-Hermitian matrices in real form on `R^{2n}`; dimension ``n^2 - 1``."""
    _positive(n, "su", 2)
    matrices = list(_antihermitian(n))
    off, diagonal = matrices[: n * (n - 1)], matrices[n * (n - 1) :]
    traceless = [a - b for a, b in pairwise(diagonal)]
    return _named(f"su({n})", 2 * n, (_real_form(h) for h in off + traceless))


def translation(n: int) -> LieAlgebra:
    """Translations of `R^n` as homogeneous matrices; dimension ``n``."""
    _positive(n, "translation")
    return _named(f"translation({n})", n + 1, _shifts(n))


def se(n: int) -> LieAlgebra:
    """Rotations and translations of `R^n`; dimension ``n(n+1)/2``."""
    _positive(n, "se")
    return _named(f"se({n})", n + 1, [*_turns(n), *_shifts(n)])


def similarity(n: int) -> LieAlgebra:
    """Rotations, translations and dilation of `R^n`."""
    _positive(n, "similarity")
    dilation = torch.zeros(n + 1, n + 1, dtype=torch.float64)
    dilation[:n, :n] = torch.eye(n)
    return _named(f"similarity({n})", n + 1, [*_turns(n), dilation, *_shifts(n)])


def aff(n: int) -> LieAlgebra:
    """All affine maps of `R^n`; dimension ``n(n+1)``."""
    _positive(n, "aff")
    return _named(f"aff({n})", n + 1, (_unit(n + 1, i, j) for j in range(n + 1) for i in range(n)))


def galilei(n: int) -> LieAlgebra:
    """Rotations, boosts and translations of space-time ``(x, t)`` in `R^{n+1}`; homogeneous `(n+2, n+2)`."""
    _positive(n, "galilei")
    boosts = [_unit(n + 2, i, n) for i in range(n)]
    shifts = [_unit(n + 2, i, n + 1) for i in range(n + 1)]
    turns = [_padded(t, n + 2) for t in (so(n).basis if n > 1 else [])]
    return _named(f"galilei({n})", n + 2, [*turns, *boosts, *shifts])


def scaling(n: int = 1) -> LieAlgebra:
    """The one dilation of `R^n`, ``x -> e^t x``; dimension 1."""
    _positive(n, "scaling")
    return LieAlgebra(torch.eye(n, dtype=torch.float64)[None], f"scaling({n})")


def diagonal(n: int) -> LieAlgebra:
    """Independent scalings of the coordinates of `R^n`; dimension ``n``."""
    _positive(n, "diagonal")
    return _named(f"diagonal({n})", n, (_unit(n, i, i) for i in range(n)))


def o(n: int) -> MatrixGroup:
    """The orthogonal group: ``so(n)`` and one reflection."""
    mirror = torch.eye(n, dtype=torch.float64)
    mirror[0, 0] = -1.0
    return MatrixGroup(so(n), mirror[None], name=f"o({n})")


def symmetric(n: int) -> MatrixGroup:
    """All permutations of n coordinates, generated by a swap and a cycle; no continuous part."""
    _positive(n, "symmetric", 2)
    eye = torch.eye(n, dtype=torch.float64)
    generators = torch.stack([eye[[1, 0, *range(2, n)]], eye.roll(1, 0)])
    still = LieAlgebra(torch.zeros(0, n, n, dtype=torch.float64), "0")
    return MatrixGroup(still, generators[: 1 if n == 2 else 2], name=f"symmetric({n})")


_FAMILIES: dict[str, Callable[..., LieAlgebra]] = {
    f.__name__: f for f in (gl, sl, so, sp, u, su, translation, se, similarity, aff, galilei, scaling, diagonal)
}


_AFFINE = ("aff", "se", "translation", "similarity", "galilei")


def is_affine(algebra: LieAlgebra) -> bool:
    """Whether an algebra of the catalogue moves points, by homogeneous matrices."""
    return (algebra.name or "").split("(")[0] in _AFFINE and len(algebra.blocks) == 1


def named(text: str) -> LieAlgebra:
    """Read ``"gl(3)"``, ``"so(1,3)"`` or a direct sum such as ``"gl(3)+scaling(1)"``.

    Raises
    ------
    DataError
        If the family is unknown or its arguments do not fit.
    """
    parts = [_one_named(part.strip()) for part in text.split("+")]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _one_named(text: str) -> LieAlgebra:
    match = re.fullmatch(r"([a-z]+)\((\d+(?:,\s*\d+)?)\)", text)
    if not match or match[1] not in _FAMILIES:
        known = ", ".join(f"{name}(n)" for name in _FAMILIES)
        raise DataError(f"expected the name of an algebra, received {text!r}; known families: {known}")
    numbers = [int(part) for part in match[2].split(",")]
    if len(numbers) > 1 and match[1] != "so":
        raise DataError(f"{match[1]}: expected one size, received {text!r}; only so(p,q) takes two")
    return _FAMILIES[match[1]](*numbers)


def _named(name: str, n: int, matrices: Iterator[Tensor] | list[Tensor]) -> LieAlgebra:
    stack = list(matrices)
    basis = torch.stack(stack) if stack else torch.zeros(0, n, n, dtype=torch.float64)
    return LieAlgebra(basis, name)


def _unit(n: int, i: int, j: int) -> Tensor:
    matrix = torch.zeros(n, n, dtype=torch.float64)
    matrix[i, j] = 1.0
    return matrix


def _turns(n: int) -> list[Tensor]:
    return [_padded(t, n + 1) for t in (so(n).basis if n > 1 else [])]


def _shifts(n: int) -> list[Tensor]:
    return [_unit(n + 1, i, n) for i in range(n)]


def _padded(matrix: Tensor, n: int) -> Tensor:
    wide = torch.zeros(n, n, dtype=torch.float64)
    wide[: len(matrix), : len(matrix)] = matrix
    return wide


def _antihermitian(n: int) -> Iterator[Tensor]:
    """Real and imaginary off-diagonal pairs first, then the diagonal."""
    for i in range(n):
        for j in range(i + 1, n):
            yield (_unit(n, i, j) - _unit(n, j, i)).to(torch.complex128)
            yield 1j * (_unit(n, i, j) + _unit(n, j, i))
    for i in range(n):
        yield 1j * _unit(n, i, i)


def _real_form(h: Tensor) -> Tensor:
    return torch.cat([torch.cat([h.real, -h.imag], dim=1), torch.cat([h.imag, h.real], dim=1)])


def _positive(n: int, family: str, least: int = 1) -> None:
    if n < least:
        raise DataError(f"{family}: expected a size of at least {least}, received {n}; choose a larger one")
