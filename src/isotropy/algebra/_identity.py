"""Naming a real Lie algebra from its structure constants and, when known, its matrices."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (torch.linalg carries no annotations)

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import NotAnAlgebraError, RepresentationMismatchError, SymmetryError
from . import bars
from ._reductive import Part, name_reductive, name_semisimple
from ._structure import (
    Facts,
    Ruler,
    UnclearError,
    adjoint,
    brackets,
    centralizer,
    centre,
    collect_facts,
    complement,
    cut,
    derived,
    quotient,
    radical,
    spaces,
)


@dataclass(frozen=True)
class Identity:
    """The name of an algebra and how sure it is.

    Attributes
    ----------
    name
        For example ``"so(3)"``; ``"unidentified(d)"`` when the numbers do not decide.
    aliases
        Isomorphic names.
    confidence
        In [0, 1]: ``1 - 1 / sqrt(margin)`` at the closest decision made. The margin is ``kept / noise``: the
        smallest number taken as different from zero (in units where 1 is natural) over the largest of the
        numbers taken as zero and of the stated or measured defect; it is divided by the same ratio of the
        second best cut when that exceeds 1. Below 0.5 no name is given.
    facts
        Dimensions, Killing signature and flags.
    reason
        One sentence: what decided.
    """

    name: str
    aliases: tuple[str, ...]
    confidence: float
    facts: Facts
    reason: str


def identify(structure: Tensor, matrices: Tensor | None = None, defect: float = 0.0) -> Identity:
    """Name a real Lie algebra.

    Parameters
    ----------
    structure
        ``(d, d, d)`` with ``[e_i, e_j] = sum_k structure[i, j, k] e_k``, entries of order one.
    matrices
        ``(d, n, n)``, the same basis as matrices; affine algebras in homogeneous form. They tell isomorphic
        names apart, and circles from scalings from translations.
    defect
        Relative size of the noise. What is measured (brackets that leave the span, failures of the Jacobi
        identity) counts when it is larger.

    Raises
    ------
    RepresentationMismatchError
        When the shapes do not fit.
    NotAnAlgebraError
        When the matrices are linearly dependent.
    SymmetryError
        When a number is not finite or the defect is negative.

    Examples
    --------
    >>> cross = torch.zeros(3, 3, 3)
    >>> for i, j, k in [(0, 1, 2), (1, 2, 0), (2, 0, 1)]:
    ...     cross[i, j, k], cross[j, i, k] = 1.0, -1.0
    >>> identify(cross).name, identify(cross).aliases
    ('so(3)', ('su(2)', 'usp(2)', 'sp(1)'))
    """
    _check(structure, matrices, defect)
    table, acting, noise = _normalise(structure, matrices, defect)
    ruler = Ruler(noise)
    facts = collect_facts(table, ruler)
    if facts.dimension == 0:
        return Identity("trivial", (), 1.0, facts, "it has no generators")
    if noise > bars.MOST_OPEN:
        return _unidentified(facts, f"its brackets leave the span by {noise:.2g}, more than {bars.MOST_OPEN}")
    try:
        name, aliases, reason = _name(table, acting, facts, ruler)
    except (UnclearError, torch.linalg.LinAlgError) as error:  # pyright: ignore[reportPrivateImportUsage]
        return _unidentified(facts, f"the noise {noise:.2g} hides its structure: {error}")
    if ruler.confidence < bars.LEAST_CONFIDENCE:
        return _unidentified(facts, f"a number that decides is not clear of the noise {noise:.2g}")
    return Identity(name, aliases, ruler.confidence, facts, reason)


def _unidentified(facts: Facts, reason: str) -> Identity:
    """Refuse to name an algebra."""
    return Identity(f"unidentified({facts.dimension})", (), 0.0, facts, reason)


def _check(structure: Tensor, matrices: Tensor | None, defect: float) -> None:
    """Refuse wrong shapes and values that are not numbers."""
    shape, size = tuple(structure.shape), structure.shape[0] if structure.ndim else 0
    if shape != (size, size, size):
        raise RepresentationMismatchError(f"expected structure constants (d, d, d), received {shape}; pass a cube")
    if matrices is not None and (matrices.ndim != 3 or matrices.shape != (size, *matrices.shape[1:2] * 2)):
        raise RepresentationMismatchError(
            f"expected matrices ({size}, n, n), received {tuple(matrices.shape)}; one matrix a generator"
        )
    if not all(bool(t.isfinite().all()) for t in (structure, matrices) if t is not None):
        raise SymmetryError("expected finite numbers, received nan or inf; check how the generators were found")
    if not (math.isfinite(defect) and defect >= 0):
        raise SymmetryError(f"expected a defect >= 0, received {defect}; pass the relative noise of the generators")


def _normalise(structure: Tensor, matrices: Tensor | None, defect: float) -> tuple[Tensor, Tensor | None, float]:
    """Pass to orthonormal matrices, measure the defect, and bring nonzero brackets to unit scale."""
    table = structure.detach().to("cpu", torch.float64)
    table = (table - table.transpose(0, 1)) / 2
    if not len(table):
        return table, matrices, max(defect, bars.FLOOR)
    acting = None if matrices is None else matrices.detach().to("cpu", torch.float64)
    if acting is not None:
        table, acting = _orthonormalise(table, acting)
    measured = _jacobi_defect(table) if acting is None else _closure_defect(table, acting)
    noise = max(defect, measured, bars.FLOOR)
    scale = float(torch.linalg.matrix_norm(table.flatten(0, 1), 2))
    unit = scale if cut(torch.tensor([scale]), noise)[0] else 1.0
    return table / unit, None if acting is None else acting / unit, noise


def _orthonormalise(structure: Tensor, matrices: Tensor) -> tuple[Tensor, Tensor]:
    """Change to a basis whose matrices are orthonormal in the Frobenius product."""
    size = len(matrices)
    q, r = torch.linalg.qr(matrices.reshape(size, -1).T)
    values = torch.linalg.svdvals(r)
    if len(values) < size or float(values[-1]) <= bars.DEPENDENT * float(values[0]):
        raise NotAnAlgebraError(
            f"expected {size} independent matrices, received smallest singular value {float(values[-1]):.2g} "
            f"beside {float(values[0]):.2g}; drop the dependent generators"
        )
    change = torch.linalg.inv(r)  # new e_a = sum_i change[i, a] e_i
    table = torch.einsum("ia,jb,ijk,ck->abc", change, change, structure, r)
    return table, q.T.reshape(matrices.shape)


def _closure_defect(structure: Tensor, matrices: Tensor) -> float:
    """Relative distance of the brackets of orthonormal matrices from what the structure says."""
    products = torch.einsum("iab,jbc->ijac", matrices, matrices)
    commutators = products - products.transpose(0, 1)
    excess = commutators - torch.einsum("ijk,kab->ijab", structure, matrices)
    scale = max(float(commutators.norm()), bars.BRACKET_SCALE * len(matrices))
    return float(excess.norm()) / scale


def _jacobi_defect(structure: Tensor) -> float:
    """Relative failure of the Jacobi identity."""
    term = torch.einsum("ijl,lkm->ijkm", structure, structure)
    cyclic = term + term.permute(1, 2, 0, 3) + term.permute(2, 0, 1, 3)
    spread = float(structure.norm()) * float(torch.linalg.matrix_norm(structure.flatten(0, 1), 2))
    scale = max(float(term.norm()), bars.BRACKET_SCALE * spread)
    return float(cyclic.norm()) / scale if scale else 0.0


_Named = tuple[str, tuple[str, ...], str]


def _name(structure: Tensor, matrices: Tensor | None, facts: Facts, ruler: Ruler) -> _Named:
    """Name, aliases and reason of an algebra that closes."""
    if facts.radical == facts.centre:
        return _name_reductive(structure, matrices, facts, ruler)
    if facts.derived[1:] == (1, 0) and facts.centre == 1 and facts.nilpotent:
        n = facts.dimension
        aliases = ("galilei(1)",) if n == 3 else ()
        return f"heisenberg({n})", aliases, "nilpotent with its one-dimensional centre as derived algebra"
    return _name_semidirect(structure, facts, ruler) or _describe(structure, facts, ruler)


def _sum(parts: list[Part]) -> tuple[str, tuple[str, ...]]:
    """Join parts into the name of a direct sum; only a single part keeps its aliases."""
    return "+".join(part.name for part in parts), parts[0].aliases if len(parts) == 1 else ()


def _name_reductive(structure: Tensor, matrices: Tensor | None, facts: Facts, ruler: Ruler) -> _Named:
    """Name a direct sum of simple ideals and a centre."""
    levi, middle = derived(structure, ruler), centre(structure, ruler)
    if len(levi) + len(middle) != len(structure):
        raise UnclearError("its derived algebra and its centre do not add up")
    name, aliases = _sum(name_reductive(structure, matrices, levi, middle, ruler))
    positive, negative, zero = facts.killing
    where = "no matrices given" if matrices is None else "named by the spaces its matrices move"
    kind = f"reductive with Killing signature (+{positive}, -{negative}, {zero} zero)" if len(levi) else "abelian"
    return name, aliases, f"{kind}, {where}"


def _name_semidirect(structure: Tensor, facts: Facts, ruler: Ruler) -> _Named | None:
    """Name an algebra by its action on an abelian ideal that is its own centralizer, or give None."""
    whole = torch.eye(len(structure), dtype=structure.dtype)
    ideal = brackets(structure, whole, radical(structure, ruler), ruler)
    own = centralizer(structure, ideal, ruler)
    if len(own) != len(ideal) or len(spaces(torch.cat([own, ideal]) / 2**0.5, ruler)[0]) != len(ideal):
        return None
    outside = complement(ideal)
    acting = ideal @ adjoint(structure, outside) @ ideal.T
    table = quotient(structure, ideal)
    middle, levi = centre(table, ruler), derived(table, ruler)
    if len(middle) + len(levi) != len(table) or len(radical(table, ruler)) != len(middle):
        return None
    inner, _ = _sum(name_reductive(table, acting, levi, middle, ruler))
    names = _semidirect_names(len(ideal)).get(inner)
    if names is None:
        return None
    return names[0], names[1:], f"{inner} acting faithfully on an abelian ideal of dimension {len(ideal)}"


def _semidirect_names(size: int) -> dict[str, tuple[str, ...]]:
    """Customary names of ``h`` acting on ``R^size``, by the name of ``h``."""
    known: dict[str, tuple[str, ...]] = {
        f"so({size})": (f"se({size})", f"iso({size})"),
        f"so({size})+scaling": (f"sim({size})", f"similarity({size})"),
        f"gl({size})": (f"aff({size})",),
        f"sl({size})": (f"saff({size})",),
    }
    for p in range(1, size // 2 + 1):
        known[f"so({p},{size - p})"] = (f"iso({p},{size - p})", f"so({p},{size - p}) semidirect translation")
        known[f"so({p},{size - p})+scaling"] = (f"sim({p},{size - p})",)
    if size == 1:
        known["scaling"] = ("aff(1)", "sim(1)", "similarity(1)")
    if size % 2 == 0:
        known[f"so({size // 2})+translation(1)"] = (f"galilei({size // 2})",)
    return known


def _describe(structure: Tensor, facts: Facts, ruler: Ruler) -> _Named:
    """Describe an algebra outside the named families."""
    if facts.solvable:
        kind = "nilpotent" if facts.nilpotent else "solvable"
        return (
            f"{kind}({facts.dimension})",
            (),
            f"{kind} with derived series {facts.derived}, no customary name",
        )
    parts = name_semisimple(quotient(structure, radical(structure, ruler)), None, ruler)
    name = f"{_sum(parts)[0]} acting on a radical of dimension {facts.radical}"
    return name, (), "the radical is neither the centre nor a customary translation part"
