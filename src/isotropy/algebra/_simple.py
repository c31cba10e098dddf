"""Table of the simple real Lie algebras of matrices, generated from formulas."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
# (torch.linalg and scipy carry no annotations)

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ._structure import UnclearError, adjoint, killing_form

TOLERANCE: Any = 1e-3  # of the eigenvalue that tells type B from type C; they differ by a fifth and more
SWEEPS: Any = 30  # restarts of the eigenvalue iteration


@dataclass(frozen=True)
class Form:
    """A simple real form and its defining representation.

    Attributes
    ----------
    name
        For example ``"so(1,3)"``; ``sp(2n)`` acts on ``R^2n``, ``usp(2n)`` is its compact form.
    dimension, noncompact
        Dimension and number of positive eigenvalues of the Killing form.
    complex
        Whether the algebra is a complex one seen as real.
    coxeter
        Dual Coxeter number; with the fields above it fixes the isomorphism class.
    natural
        Real dimension of the defining representation.
    casimir
        Its Casimir eigenvalue, ``dimension * (trace form / Killing form) / natural``.
    """

    name: str
    dimension: int
    noncompact: int
    complex: bool
    coxeter: int
    natural: int
    casimir: float


def _linear(size: int) -> tuple[int, int, float]:
    """Dimension, dual Coxeter number and Casimir eigenvalue of type sl on C^size."""
    return size**2 - 1, size, (size**2 - 1) / (2 * size**2)


def _orthogonal(size: int) -> tuple[int, int, float]:
    """Give the same of type so on C^size."""
    return size * (size - 1) // 2, size - 2 if size > 4 else 2, (size - 1) / (2 * (size - 2))


def _symplectic(size: int) -> tuple[int, int, float]:
    """Give the same of type sp on C^size, size even."""
    return size * (size + 1) // 2, size // 2 + 1, (size + 1) / (2 * (size + 2))


_Type = Callable[[int], tuple[int, int, float]]


def _form(name: str, kind: _Type, size: int, noncompact: int, natural: int) -> Form:
    """Make a form that stays simple over the complex numbers."""
    dimension, coxeter, casimir = kind(size)
    return Form(name, dimension, noncompact, False, coxeter, natural, casimir)


def _complex(name: str, kind: _Type, size: int, natural: int) -> Form:
    """Make a complex algebra seen as a real one of twice the dimension."""
    dimension, coxeter, casimir = kind(size)
    return Form(name, 2 * dimension, dimension, True, coxeter, natural, casimir)


def _pair(letter: str, p: int, q: int) -> str:
    """Name of a form with signature: so(p,q), or so(q) when p is 0."""
    return f"{letter}({p},{q})" if p else f"{letter}({q})"


def _split(n: int) -> list[tuple[int, int]]:
    """All pairs p <= q with p + q = n."""
    return [(p, n - p) for p in range(n // 2 + 1)]


def _real_forms(size: int) -> Iterator[Form]:
    """Forms with a real defining representation of this size, the customary name of a class first."""
    yield _form(f"sl({size})", _linear, size, size * (size + 1) // 2 - 1, size)
    if size >= 3 and size != 4:
        yield from (_form(_pair("so", p, q), _orthogonal, size, p * q, size) for p, q in _split(size))
    if size % 2 == 0:
        half = size // 2
        yield _form(f"sp({size})", _symplectic, size, half * (half + 1), size)


def _complex_forms(size: int) -> Iterator[Form]:
    """Forms whose defining representation is complex, of this complex size."""
    half, natural = size // 2, 2 * size
    yield from (_form(_pair("su", p, q), _linear, size, 2 * p * q, natural) for p, q in _split(size))
    if size % 2 == 0:
        pairs = _split(half)
        yield from (_form(_pair("usp", 2 * p, 2 * q), _symplectic, size, 4 * p * q, natural) for p, q in pairs)
    if size % 2 == 0 and size >= 4:
        yield _form(f"sl({half},H)", _linear, size, 2 * half**2 - half - 1, natural)
    if size % 2 == 0 and size >= 6:
        yield _form(f"so*({size})", _orthogonal, size, half * (half - 1), natural)
    yield _complex(f"sl({size},C)", _linear, size, natural)
    if size >= 3 and size != 4:
        yield _complex(f"so({size},C)", _orthogonal, size, natural)
    if size % 2 == 0:
        yield _complex(f"sp({size},C)", _symplectic, size, natural)


def forms(dimension: int) -> list[Form]:
    """Every simple form of this dimension; isomorphic ones stand in the order of preference.

    >>> [form.name for form in forms(3)]
    ['sl(2)', 'sp(2)', 'so(3)', 'so(1,2)', 'su(2)', 'su(1,1)', 'usp(2)']
    """
    sizes = range(2, int((2 * dimension) ** 0.5) + 2)
    lorentz = Form("so(1,3)", 6, 3, True, 2, 4, 0.75)  # so(4) splits, this form of it does not
    real = [form for size in sizes for form in _real_forms(size)]
    others = [form for size in sizes for form in _complex_forms(size)]
    return [form for form in [*real, lorentz, *others] if form.dimension == dimension]


def dual_coxeter(structure: Tensor) -> float:
    """Dual Coxeter number of a simple algebra.

    The split Casimir operator ``X -> sum K^ij ad_i X ad_j^T`` on ``g (x) g`` has ``1 / h`` as its largest
    eigenvalue, on the square of the highest root.

    Raises
    ------
    UnclearError
        When that eigenvalue is not found, because the algebra is not simple or too noisy.
    """
    from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs

    size = structure.shape[0]
    basis = adjoint(structure, torch.eye(size, dtype=structure.dtype))
    dual = torch.einsum("ij,jab->iab", torch.linalg.inv(killing_form(structure)), basis)

    def apply(vector: Any) -> Any:
        square = torch.as_tensor(vector, dtype=structure.dtype).reshape(size, size)
        return torch.einsum("iab,bc,idc->ad", basis, square, dual).reshape(-1).numpy()

    start: Any = torch.randn(size**2, generator=torch.Generator().manual_seed(0), dtype=structure.dtype).numpy()
    make: Any = LinearOperator
    operator = make((size**2, size**2), matvec=apply, dtype=start.dtype)
    try:
        largest: Any = eigs(
            operator, k=1, which="LR", v0=start, tol=TOLERANCE, maxiter=SWEEPS, return_eigenvectors=False
        )
    except ArpackNoConvergence as error:
        raise UnclearError(
            f"expected a simple algebra, received one of dimension {size} whose Casimir operator has no clear top "
            f"eigenvalue after {SWEEPS} sweeps; pass matrices, or lower the noise"
        ) from error
    return float(1.0 / largest.real.max())
