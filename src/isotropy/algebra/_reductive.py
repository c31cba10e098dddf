"""Names of reductive algebras: simple ideals and a centre, told apart by how their matrices act.

``matrices`` is ``(d, n, n)`` along the basis of the algebra, or None when only the brackets are known.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (torch.linalg carries no annotations)

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from . import bars
from ._simple import Form, dual_coxeter, forms
from ._structure import Ruler, UnclearError, eigen, killing_form, signature, simple_ideals, spaces, subalgebra


@dataclass(frozen=True, eq=False)  # equal only to itself: projectors have no truth value to compare by
class Part:
    """One summand of a name; ``moved`` is the projector ``(n, n)`` on the space it acts on."""

    name: str
    aliases: tuple[str, ...]
    dimension: int
    moved: Tensor | None = None


def name_reductive(
    structure: Tensor, matrices: Tensor | None, levi: Tensor, centre: Tensor, ruler: Ruler
) -> list[Part]:
    """Name the direct sum of a semisimple ideal ``levi (k, d)`` and the ``centre (c, d)``."""
    parts = name_semisimple(subalgebra(structure, levi), _along(matrices, levi), ruler) if len(levi) else []
    if matrices is None:
        return parts + ([Part(f"abelian({len(centre)})", (), len(centre))] if len(centre) else [])
    parts = _pair_up(parts, ruler)
    if not len(centre):
        return parts
    acting = torch.einsum("cd,dab->cab", centre, matrices)
    return _absorb(parts, acting, name_abelian(acting, ruler), ruler)


def _along(matrices: Tensor | None, span: Tensor) -> Tensor | None:
    """Matrices of a basis of a subalgebra."""
    return None if matrices is None else torch.einsum("kd,dab->kab", span, matrices)


def name_semisimple(structure: Tensor, matrices: Tensor | None, ruler: Ruler) -> list[Part]:
    """Name every simple ideal, the largest first."""
    ideals = simple_ideals(structure, ruler)
    if sum(len(ideal.basis) for ideal in ideals) != structure.shape[0]:
        raise UnclearError("the dimensions of its simple ideals do not add up")
    parts = [_name_simple(subalgebra(structure, i.basis), _along(matrices, i.basis), i.complex, ruler) for i in ideals]
    return sorted(parts, key=lambda part: (-part.dimension, part.name))


def _name_simple(structure: Tensor, matrices: Tensor | None, is_complex: bool, ruler: Ruler) -> Part:
    """Find a simple algebra in the table and choose among its names by the representation."""
    killing = killing_form(structure)
    dimension = structure.shape[0]
    positive, _, zero = signature(killing, ruler)
    if zero:
        raise UnclearError("a simple ideal has a degenerate Killing form")
    moved = None if matrices is None else _moved(matrices, ruler)
    found = [f for f in forms(dimension) if f.noncompact == positive and f.complex == is_complex]
    if not found and ruler.confidence < bars.EXCEPTIONAL:
        raise UnclearError(f"no simple algebra has dimension {dimension} and {positive} noncompact directions")
    if not found:
        return Part(f"simple({dimension})", (), dimension, moved)
    chosen = None if matrices is None else _natural_form(found, killing, matrices, ruler)
    chosen = chosen or _intrinsic_form(found, structure)
    others = [f.name for f in found if f.coxeter == chosen.coxeter and f.name != chosen.name]
    others += ["sp(1)"] if "usp(2)" in (chosen.name, *others) else []
    return Part(chosen.name, tuple(others), dimension, moved)


def _natural_form(found: list[Form], killing: Tensor, matrices: Tensor, ruler: Ruler) -> Form | None:
    """Pick the form of which the matrices are copies of the defining representation, if one is."""
    trace = torch.einsum("iab,jba->ij", matrices, matrices)
    index = float(torch.linalg.solve(killing, trace).diagonal().sum())  # dimension * trace / Killing form
    size = len(spaces(matrices.transpose(1, 2).flatten(0, 1) / _scale(matrices), ruler)[0])
    if size == 0:
        raise UnclearError("a simple ideal acts by zero")
    fits = [f for f in found if size % f.natural == 0]
    near = [f for f in fits if abs(index / size / f.casimir - 1) < bars.CASIMIR_TOLERANCE]
    return near[0] if near else None


def _intrinsic_form(found: list[Form], structure: Tensor) -> Form:
    """Pick the customary form, separating types B and C by the dual Coxeter number."""
    if len({f.coxeter for f in found}) == 1:
        return found[0]
    coxeter = dual_coxeter(structure)
    return min(found, key=lambda f: abs(math.log(f.coxeter / coxeter)))


def _scale(matrices: Tensor) -> float:
    """Spectral norm of the stacked matrices."""
    return float(torch.linalg.matrix_norm(matrices.flatten(0, 1), 2))


def _moved(matrices: Tensor, ruler: Ruler) -> Tensor:
    """Projector ``(n, n)`` on the image of the matrices along their common kernel."""
    scale = _scale(matrices)
    image, _ = spaces(matrices.transpose(1, 2).flatten(0, 1) / scale, ruler)
    rows, _ = spaces(matrices.flatten(0, 1) / scale, ruler)
    if len(image) != len(rows):
        raise UnclearError("the image and the kernel of a simple ideal overlap")
    return image.T @ torch.linalg.solve(rows @ image.T, rows)


def _pair_up(parts: list[Part], ruler: Ruler) -> list[Part]:
    """Join two commuting su(2), or sl(2), that act on the same 4-spaces into so(4), or so(2,2)."""
    joined = {"su(2)": ("so(4)", "so(3)+so(3)", "su(2)+su(2)"), "sl(2)": ("so(2,2)", "sl(2)+sl(2)")}
    left, result = list(parts), list[Part]()
    while left:
        part = left.pop(0)
        partner = next((p for p in left if p.name == part.name in joined and _same_space(part, p, ruler)), None)
        if partner is not None:
            left.remove(partner)
            name, *aliases = joined[part.name]
            part = Part(name, tuple(aliases), 6, part.moved)
        result.append(part)
    return sorted(result, key=lambda p: (-p.dimension, p.name))


def _same_space(first: Part, second: Part, ruler: Ruler) -> bool:
    """Whether two parts move the same space."""
    if first.moved is None or second.moved is None:
        return False
    size = torch.linalg.matrix_norm(first.moved)
    return ruler.vanishes(torch.linalg.matrix_norm(first.moved - second.moved) / size)


def _absorb(parts: list[Part], centre: Tensor, names: list[str], ruler: Ruler) -> list[Part]:
    """Join sl(n) with a scalar centre into gl(n), su(n) with a complex structure into u(n)."""
    result: list[Part] = []
    for part in parts:
        wanted = {"sl": "scaling", "su": "so(2)"}.get(part.name.split("(")[0])
        if wanted in names and _acts_as_scalar(part, centre, wanted == "scaling", ruler):
            names.remove(str(wanted))
            name = {"sl": "gl", "su": "u"}[part.name[:2]] + part.name[2:]
            part = Part(name, (f"{part.name}+{wanted}",), part.dimension + 1, part.moved)
        result.append(part)
    return result + [Part(name, (), 0) for name in names]


def _acts_as_scalar(part: Part, centre: Tensor, real: bool, ruler: Ruler) -> bool:
    """Whether one central matrix lives on the space of a part and is there a real (or imaginary) scalar."""
    if part.moved is None:
        return False
    normed = centre / torch.linalg.matrix_norm(centre, keepdim=True)
    outside = normed - part.moved @ normed @ part.moved
    local = spaces(outside.flatten(1).T, ruler)[1]
    if len(local) != 1:
        return False
    matrix = torch.einsum("c,cab->ab", local[0], normed)
    power = matrix if real else matrix @ matrix
    factor = power.trace() / part.moved.trace()
    excess = torch.linalg.matrix_norm(power - factor * part.moved) / torch.linalg.matrix_norm(power)
    return ruler.vanishes(excess) and (real or float(factor) < 0)


def name_abelian(matrices: Tensor, ruler: Ruler) -> list[str]:
    """Name commuting independent matrices ``(c, n, n)``: circles, scalings, translations, or abelian(c).

    The trace form ``tr(A B)`` sees the semisimple parts, without the square roots by which noise moves the
    eigenvalues of a nilpotent matrix; its null space must be nilpotent.
    """
    number = len(matrices)
    basis = spaces(matrices.flatten(1) / torch.linalg.matrix_norm(matrices.flatten(1), 2))[0]
    basis = basis.reshape(number, *matrices.shape[1:])
    trace = torch.einsum("iab,jba->ij", basis, basis)
    solid, flat = spaces(trace, ruler)
    if len(flat) and not _is_nilpotent(_generic(flat, basis), ruler):
        return [f"abelian({number})"]
    names = _semisimple_names(torch.einsum("si,iab->sab", solid, basis), len(flat) > 0, ruler) if len(solid) else []
    if names is None:
        return [f"abelian({number})"]
    return names + ([f"translation({len(flat)})"] if len(flat) else [])


def _generic(span: Tensor, basis: Tensor) -> Tensor:
    """Seeded random matrix of unit norm in a span of matrices."""
    weights = torch.randn(len(span), generator=torch.Generator().manual_seed(0), dtype=span.dtype)
    matrix = torch.einsum("s,si,iab->ab", weights, span, basis)
    return matrix / torch.linalg.matrix_norm(matrix)


def _is_nilpotent(matrix: Tensor, ruler: Ruler) -> bool:
    """Whether some power of a matrix of unit norm vanishes."""
    power = matrix
    for exponent in range(2, matrix.shape[0] + 1):
        power = power @ matrix
        if float(torch.linalg.matrix_norm(power)) < 2 * exponent * ruler.noise:
            return True
    return False


def _semisimple_names(matrices: Tensor, coarse: bool, ruler: Ruler) -> list[str] | None:
    """Split commuting matrices into imaginary and real spectra; None when they do not split.

    Beside nilpotent matrices (``coarse``) noise moves eigenvalues by its square root.
    """
    judge = Ruler(ruler.noise**0.5) if coarse else ruler
    weights = _weights(matrices)
    scale = torch.linalg.svdvals(torch.cat([weights.real, weights.imag], 1))[0]
    scalings = judge.count(torch.linalg.svdvals(weights.real) / scale)
    circles = judge.count(torch.linalg.svdvals(weights.imag) / scale)
    ruler.confidence = min(ruler.confidence, judge.confidence)
    if scalings + circles != len(matrices):
        return None
    if len(matrices) == 1 and scalings and _is_balanced(weights.real[0] / scale, judge):
        return ["so(1,1)"]
    return ["so(2)"] * circles + ["scaling"] * scalings


def _weights(matrices: Tensor) -> Tensor:
    """Joint eigenvalues ``(c, n)``: diagonals in the Schur basis of a generic element."""
    _, vectors = eigen(_generic(torch.eye(len(matrices), dtype=matrices.dtype), matrices))
    unitary = torch.linalg.qr(vectors)[0]
    return torch.einsum("ak,cab,bk->ck", unitary.conj(), matrices.to(unitary.dtype), unitary)


def _is_balanced(spectrum: Tensor, ruler: Ruler) -> bool:
    """Whether a real spectrum is symmetric about zero."""
    ordered = spectrum.sort().values
    excess = float((ordered + ordered.flip(0)).abs().max())
    return excess < bars.BALANCED * ruler.noise
