"""Structure theory of a real Lie algebra given by its structure constants.

Everywhere ``structure`` is ``(d, d, d)`` with ``[e_i, e_j] = sum_k structure[i, j, k] e_k``, float64, at a
scale where its entries are of order one. Subspaces are orthonormal rows of coordinates, ``(k, d)``. Whether a
number is zero is decided by a `Ruler`, which knows the noise and remembers its closest call.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (torch.linalg carries no annotations)

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor

from ..errors import NotAnAlgebraError
from . import bars

TRIES = 16  # seeded generic elements among which the clearest one is used


class UnclearError(NotAnAlgebraError):
    """Two decisions contradict each other: at this noise the numbers do not describe one algebra."""


def cut(values: Tensor, noise: float) -> tuple[int, float]:
    """How many of the descending values are not zero, and the margin of that decision.

    Keeping ``k`` values scores ``values[k-1] / max(values[k], noise)``, with 1 standing before the first
    value and 0 after the last one, among the cuts that drop nothing above ``bars.SLACK * noise`` and keep nothing
    below ``noise``. The margin is the best score over the second best one (at least 1).

    >>> cut(torch.tensor([0.5, 0.25, 0.0]), 1 / 1024)
    (2, 256.0)
    """
    listed = [float(v) for v in values]
    ladder = [max([1.0, *listed[:1]]), *listed, 0.0]
    steps = enumerate(pairwise(ladder))
    scores = [
        (kept / max(dropped, noise), k)
        for k, (kept, dropped) in steps
        if dropped <= bars.SLACK * noise and kept >= noise
    ]
    if not scores:
        return 0, 0.0
    (best, number), *others = sorted(scores, reverse=True)
    return number, best / max([1.0, *(score for score, _ in others[:1])])


@dataclass
class Ruler:
    """Decides which values are zero at a noise level and keeps the confidence of its closest call.

    The confidence of a decision with margin ``m`` is ``1 - m ** -0.5``.
    """

    noise: float = field(default_factory=lambda: bars.FLOOR)
    confidence: float = 1.0

    def count(self, values: Tensor) -> int:
        """Count the values, sorted from large to small, that are not zero."""
        number, margin = cut(values, self.noise)
        self.note(margin)
        return number

    def vanishes(self, value: float | Tensor) -> bool:
        """Whether one value of natural scale 1 is zero."""
        return self.count(torch.as_tensor([float(value)])) == 0

    def note(self, margin: float) -> None:
        """Remember the margin of a decision."""
        self.confidence = min(self.confidence, 1.0 - max(margin, 1.0) ** -0.5)


def spaces(matrix: Tensor, ruler: Ruler | None = None) -> tuple[Tensor, Tensor]:
    """Row space ``(r, d)`` and null space ``(d - r, d)`` of a matrix ``(k, d)`` of natural scale 1."""
    rows, columns = matrix.shape
    if rows < columns:
        matrix = torch.cat([matrix, matrix.new_zeros(columns - rows, columns)])
    _, values, right = torch.linalg.svd(matrix, full_matrices=False)
    number = (ruler or Ruler()).count(values)
    return right[:number], right[number:]


def eigen(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors of a matrix without entries that are rounding of the others.

    Balancing inside MKL takes entries of 1e-33 beside 1 for units, and then its iteration fails or corrupts memory.
    """
    dust = torch.finfo(matrix.dtype).eps * matrix.abs().amax()
    return torch.linalg.eig(torch.where(matrix.abs() <= dust, 0.0, matrix))


def killing_form(structure: Tensor) -> Tensor:
    """Killing form ``(d, d)``: ``K(x, y) = tr(ad x ad y)``."""
    return torch.einsum("iab,jba->ij", structure, structure)


def signature(form: Tensor, ruler: Ruler | None = None) -> tuple[int, int, int]:
    """Numbers of positive, negative and zero eigenvalues of a symmetric form ``(d, d)``."""
    values = torch.linalg.eigvalsh((form + form.T) / 2)
    order = values.abs().argsort(descending=True)
    number = (ruler or Ruler()).count(values.abs()[order])
    positive = int((values[order][:number] > 0).sum())
    return positive, number - positive, len(values) - number


def adjoint(structure: Tensor, element: Tensor) -> Tensor:
    """Matrices of ``ad x`` acting on coordinate columns: ``(d, d)`` for ``x`` of shape ``(d,)``."""
    return torch.einsum("...i,ijk->...kj", element, structure)


def brackets(structure: Tensor, left: Tensor, right: Tensor, ruler: Ruler | None = None) -> Tensor:
    """Span ``(k, d)`` of all brackets between two subspaces ``(a, d)`` and ``(b, d)``."""
    values = torch.einsum("ai,bj,ijk->abk", left, right, structure)
    return spaces(values.flatten(0, 1), ruler)[0]


def derived(structure: Tensor, ruler: Ruler | None = None) -> Tensor:
    """Compute ``[g, g]`` as a subspace ``(k, d)``."""
    return spaces(structure.flatten(0, 1), ruler)[0]


def centre(structure: Tensor, ruler: Ruler | None = None) -> Tensor:
    """Centre ``{x : [x, g] = 0}`` as a subspace ``(k, d)``."""
    return spaces(structure.flatten(1).T, ruler)[1]


def centralizer(structure: Tensor, span: Tensor, ruler: Ruler | None = None) -> Tensor:
    """Elements ``(k, d)`` that commute with a subspace ``(a, d)``."""
    return spaces(torch.einsum("aj,ijk->aki", span, structure).flatten(0, 1), ruler)[1]


def radical(structure: Tensor, ruler: Ruler | None = None) -> Tensor:
    """Largest solvable ideal ``(k, d)``: the Killing-orthogonal of ``[g, g]``."""
    return spaces(derived(structure, ruler) @ killing_form(structure), ruler)[1]


def subalgebra(structure: Tensor, span: Tensor) -> Tensor:
    """Structure constants ``(k, k, k)`` in the orthonormal basis ``(k, d)`` of a subalgebra."""
    return torch.einsum("ai,bj,ijk,ck->abc", span, span, structure, span)


def quotient(structure: Tensor, ideal: Tensor) -> Tensor:
    """Structure constants of the quotient by an ideal ``(k, d)``, in the complement's orthonormal basis."""
    return subalgebra(structure, complement(ideal))


def complement(span: Tensor) -> Tensor:
    """Orthogonal complement ``(d - k, d)`` of orthonormal rows ``(k, d)``."""
    return spaces(span)[1]


def derived_series(structure: Tensor, ruler: Ruler | None = None) -> tuple[int, ...]:
    """Dimensions of ``g, [g, g], [[g, g], [g, g]], ...`` until they repeat or reach 0."""
    dimensions, current = [structure.shape[0]], structure
    while dimensions[-1]:
        span = derived(current, ruler)
        if span.shape[0] >= dimensions[-1]:
            break
        dimensions.append(span.shape[0])
        current = subalgebra(current, span)
    return tuple(dimensions)


def lower_central_series(structure: Tensor, ruler: Ruler | None = None) -> tuple[int, ...]:
    """Dimensions of ``g, [g, g], [g, [g, g]], ...`` until they repeat or reach 0."""
    whole = torch.eye(structure.shape[0], dtype=structure.dtype)
    dimensions, span = [structure.shape[0]], whole
    while dimensions[-1]:
        span = brackets(structure, whole, span, ruler)
        if span.shape[0] >= dimensions[-1]:
            break
        dimensions.append(span.shape[0])
    return tuple(dimensions)


def is_abelian(structure: Tensor, ruler: Ruler | None = None) -> bool:
    """Whether all brackets vanish."""
    return derived(structure, ruler).shape[0] == 0


def is_solvable(structure: Tensor, ruler: Ruler | None = None) -> bool:
    """Whether the derived series reaches 0."""
    return derived_series(structure, ruler)[-1] == 0


def is_nilpotent(structure: Tensor, ruler: Ruler | None = None) -> bool:
    """Whether the lower central series reaches 0."""
    return lower_central_series(structure, ruler)[-1] == 0


def is_semisimple(structure: Tensor, ruler: Ruler | None = None) -> bool:
    """Whether the Killing form is nondegenerate and the algebra is not trivial."""
    return structure.shape[0] > 0 and signature(killing_form(structure), ruler)[2] == 0


@dataclass(frozen=True)
class Facts:
    """Integers of an algebra that depend on no basis.

    Attributes
    ----------
    dimension, centre, radical
        Dimensions of the algebra, of its centre and of its radical.
    derived
        Dimensions of the derived series, first the algebra itself.
    killing
        Numbers of positive, negative and zero eigenvalues of the Killing form.
    solvable, nilpotent, semisimple
        The trivial algebra is solvable and nilpotent, not semisimple.
    """

    dimension: int
    derived: tuple[int, ...]
    centre: int
    radical: int
    killing: tuple[int, int, int]
    solvable: bool
    nilpotent: bool
    semisimple: bool


def collect_facts(structure: Tensor, ruler: Ruler | None = None) -> Facts:
    """Collect the `Facts` of an algebra."""
    series = derived_series(structure, ruler)
    solvable = series[-1] == 0
    return Facts(
        dimension=structure.shape[0],
        derived=series,
        centre=centre(structure, ruler).shape[0],
        radical=radical(structure, ruler).shape[0],
        killing=signature(killing_form(structure), ruler),
        solvable=solvable,
        nilpotent=solvable and is_nilpotent(structure, ruler),
        semisimple=is_semisimple(structure, ruler),
    )


def _null_dimension(matrix: Tensor, noise: float) -> tuple[int, float]:
    """Dimension of the generalised null space of a matrix by staircase, and the smallest margin met."""
    size, smallest = matrix.shape[0], float("inf")
    current = matrix
    while current.shape[0]:
        _, values, right = torch.linalg.svd(current)
        number, margin = cut(values, noise)
        smallest = min(smallest, margin)
        if number == current.shape[0]:
            break
        kept = right[:number]
        current = kept @ current @ kept.T
    return size - current.shape[0], smallest


def generic_element(structure: Tensor, ruler: Ruler | None = None) -> tuple[Tensor, int]:
    """Draw the seeded element ``(d,)`` with the clearest null space of ``ad x``; its dimension."""
    judge = ruler or Ruler()
    generator = torch.Generator().manual_seed(0)
    trials: list[tuple[int, float, Tensor]] = []
    for _ in range(TRIES):
        element = torch.randn(structure.shape[0], generator=generator, dtype=structure.dtype)
        scale = float(torch.linalg.matrix_norm(adjoint(structure, element), 2))
        element = element / scale if scale > judge.noise else element
        dimension, margin = _null_dimension(adjoint(structure, element), judge.noise)
        trials.append((dimension, margin, element))
    clear = [trial for trial in trials if trial[1] >= bars.CLEAR_MARGIN] or trials
    smallest = min(dimension for dimension, _, _ in clear)  # regular elements have the smallest null space
    dimension, margin, element = max((t for t in clear if t[0] == smallest), key=lambda t: t[1])
    judge.note(margin)
    return element, dimension


def rank(structure: Tensor, ruler: Ruler | None = None) -> int:
    """Dimension of a Cartan subalgebra: the generalised null space of ``ad x`` for generic ``x``."""
    return generic_element(structure, ruler)[1] if structure.shape[0] else 0


@dataclass(frozen=True)
class Ideal:
    """A simple ideal: its orthonormal basis ``(k, d)`` and whether its centroid is the complex numbers."""

    basis: Tensor
    complex: bool


def _centroid(structure: Tensor, ruler: Ruler) -> tuple[Tensor, Tensor]:
    """Centroid of a semisimple algebra on the sum ``m`` of its root spaces.

    An element ``phi`` of the centroid satisfies ``phi [x, y] = [phi x, y]``, so for regular ``x`` it is
    ``ad(u) ad(x)^-1`` on ``m = [x, g]`` with ``u = phi x`` in the Cartan subalgebra, where it must satisfy
    ``[phi y, z] = [y, phi z]``: as many unknowns as the rank. Returns a basis ``(c, m, m)``
    and ``m`` as rows.
    """
    element, number = generic_element(structure, ruler)
    if number == structure.shape[0]:
        raise _not_semisimple(structure)
    left, _, right = torch.linalg.svd(adjoint(structure, element))
    roots, cartan = left[:, : len(left) - number].T, right[len(right) - number :]
    inverse = torch.linalg.inv(roots @ adjoint(structure, element) @ roots.T)
    maps = roots @ adjoint(structure, cartan) @ roots.T @ inverse
    maps = maps / torch.linalg.matrix_norm(maps, keepdim=True)
    table = torch.einsum("ai,bj,ijk->abk", roots, roots, structure)
    moved = torch.einsum("upa,pbk->uabk", maps, table)
    excess = moved + moved.transpose(1, 2)  # [phi y, z] - [y, phi z], for table[a, b] = -table[b, a]
    scale = torch.linalg.matrix_norm(moved.flatten(1), 2)
    _, kernel = spaces(excess.flatten(1).T / scale, ruler)
    if not len(kernel):
        raise _not_semisimple(structure)
    return torch.einsum("cu,uab->cab", kernel, maps), roots


def _not_semisimple(structure: Tensor) -> UnclearError:
    """Build the error of an algebra without root spaces or centroid."""
    return UnclearError(
        f"expected a semisimple algebra, received one of dimension {structure.shape[0]} without centroid; "
        "take the quotient by its radical first, or lower the noise"
    )


def _clearest_split(centroid: Tensor, ruler: Ruler) -> tuple[Tensor, int]:
    """Element ``(m, m)`` of the centroid with the best separated eigenvalues, and their gap count."""
    generator = torch.Generator().manual_seed(0)
    best, number, margin = centroid[0], 0, 0.0
    for _ in range(TRIES):
        weights = torch.randn(len(centroid), generator=generator, dtype=centroid.dtype)
        element = torch.einsum("c,cab->ab", weights, centroid)
        element = element / torch.linalg.eigvals(element).abs().max()
        gaps = _heights(torch.linalg.eigvals(element)).sort().values.diff()
        number_here, margin_here = cut(gaps.sort(descending=True).values, ruler.noise)
        if margin_here > margin:
            best, number, margin = element, number_here, margin_here
    ruler.note(margin)
    return best, number


def _heights(values: Tensor) -> Tensor:
    """One real number for each conjugate pair of eigenvalues."""
    return values.real + values.imag.abs()


def simple_ideals(structure: Tensor, ruler: Ruler | None = None) -> list[Ideal]:
    """Split a semisimple algebra by the eigenspaces of a generic element of its centroid.

    Raises
    ------
    UnclearError
        When the algebra is not semisimple, or not clearly so.
    """
    judge = ruler or Ruler()
    centroid, roots = _centroid(structure, judge)
    if len(centroid) == 1:
        return [Ideal(torch.eye(structure.shape[0], dtype=structure.dtype), False)]
    element, number = _clearest_split(centroid, judge)
    values, vectors = eigen(element)
    heights = _heights(values)
    order = heights.argsort()
    cuts = heights[order].diff().topk(number).indices.sort().values + 1
    groups = [g for g in torch.tensor_split(order, cuts.tolist()) if len(g)]
    pairs = sorted(groups, key=lambda g: -float(values[g].imag.abs().mean()))[: len(centroid) - len(groups)]
    dual = torch.linalg.inv(vectors)
    ideals: list[Ideal] = []
    for group in groups:
        projector = (vectors[:, group] @ dual[group]).real
        seedling = torch.linalg.svd(projector)[0][:, : len(group)].T @ roots
        products = brackets(structure, seedling, seedling, judge)
        ideals.append(Ideal(_join(seedling, products, judge), any(group is p for p in pairs)))
    return ideals


def _join(first: Tensor, second: Tensor, ruler: Ruler) -> Tensor:
    """Orthonormal basis of the sum of two subspaces given by orthonormal rows."""
    return spaces(torch.cat([first, second]) / 2**0.5, ruler)[0]
