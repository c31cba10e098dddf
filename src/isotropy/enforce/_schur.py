"""Invariants of a tensor product by Schur's lemma, for algebras and groups closed under transposition.

An invariant of ``A (x) B`` is an intertwiner from the dual of B to A. Both halves are taken apart into irreducible
pieces at once: a random Hermitian element of the algebra that the group generates has one eigenspace per basis vector
of every irreducible kind, a second element carries one eigenspace to the next, and in these frames an intertwiner is
any matrix between the multiplicities. Only matrices of half the size are ever decomposed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..symmetry import bars
from ._tensor_product import TensorProduct

_WORD = 4  # factors of a random word; its square-free products separate the irreducible kinds


@dataclass(frozen=True)
class Kind:
    """Frames of one irreducible kind on both halves, `(d, size, multiplicity)` complex."""

    left: Tensor
    right: Tensor


def is_selfadjoint(product: TensorProduct) -> bool:
    """Whether generators span a space closed under transposition, alike on all factors, and elements are orthogonal."""
    stack = torch.cat([g.flatten(1) for g in product.generators], dim=1)
    turned = torch.cat([g.transpose(1, 2).flatten(1) for g in product.generators], dim=1)
    outside = turned - turned @ torch.linalg.pinv(stack) @ stack if len(stack) else turned
    defects = [outside.norm() / stack.norm().clamp(min=1.0)]
    defects += [(h @ h.transpose(1, 2) - torch.eye(h.shape[1], dtype=h.dtype)).norm() for h in product.elements]
    return float(torch.stack(defects).max()) < bars.SELFADJOINT


def schur_invariants(product: TensorProduct, seed: int) -> Tensor | None:
    """Orthonormal invariants `(k, size)`, or None where the pieces could not be told apart or certified."""
    axes = _halves(product.sizes)
    halves = [product.part(part).matrices() for part in axes]
    left, right = torch.cat(halves[0]), torch.cat(_dual(*halves[1]))
    generator = torch.Generator().manual_seed(seed)
    first, second = (_random_hermitian([left, right], generator) for _ in range(2))
    kinds = _kinds(first, second)
    if kinds is None or any(_residual(kind, left, right) > bars.MOST_SCHUR_RESIDUAL for kind in kinds):
        return None
    return _reordered(_real_basis(kinds, len(left[0]), len(right[0])), product.sizes, axes)


def _halves(sizes: list[int]) -> tuple[list[int], list[int]]:
    """Axes of two halves of about equal size."""
    order = sorted(range(len(sizes)), key=lambda axis: -sizes[axis])
    sides: tuple[list[int], list[int]] = ([], [])
    volumes = [1, 1]
    for axis in order:
        side = int(volumes[1] < volumes[0])
        sides[side].append(axis)
        volumes[side] *= sizes[axis]
    return sorted(sides[0]), sorted(sides[1])


def _dual(generators: Tensor, elements: Tensor) -> tuple[Tensor, Tensor]:
    """The dual half; elements are orthogonal, so they are their own duals."""
    return -generators.transpose(1, 2), elements


def _random_hermitian(stacks: list[Tensor], generator: torch.Generator) -> list[Tensor]:
    """The same random Hermitian word in the generators on each half."""
    count = len(stacks[0])
    draws = torch.randn(_WORD, 2, count, generator=generator, dtype=torch.float64)
    coefficients = torch.complex(draws[:, 0], draws[:, 1])
    words: list[list[Tensor]] = []
    for row in coefficients:
        letters = [torch.einsum("k,kij->ij", row, stack.to(torch.complex128)) for stack in stacks]
        size = max(float(torch.linalg.matrix_norm(letter)) / math.sqrt(len(letter)) for letter in letters)
        words.append([letter / max(size, 1e-300) + torch.eye(len(letter)) for letter in letters])
    totals = [words[0][half] @ words[1][half] @ words[2][half] @ words[3][half] for half in range(len(stacks))]
    return [total + total.mH for total in totals]


def _kinds(first: list[Tensor], second: list[Tensor]) -> list[Kind] | None:
    """Frames of the irreducible kinds that both halves share."""
    spectra = [torch.linalg.eigh(matrix) for matrix in first]
    labels = _clusters([values for values, _ in spectra])
    if labels is None:
        return None
    couplings = [frame.mH @ matrix @ frame for (_, frame), matrix in zip(spectra, second, strict=True)]
    count = 1 + max(int(label.max()) for label in labels)
    members = [torch.nn.functional.one_hot(label, count).to(torch.float64) for label in labels]
    squares = sum(m.T @ k.abs().square() @ m for m, k in zip(members, couplings, strict=True))
    sizes = sum(m.sum(0) for m in members)
    links = (torch.as_tensor(squares) / torch.as_tensor(sizes)[None]).sqrt()
    found: list[Kind] = []
    for tree in _trees(links):
        frames = [
            _transported(tree, vectors, label, coupling)
            for (_, vectors), label, coupling in zip(spectra, labels, couplings, strict=True)
        ]
        if frames[0] is None or frames[1] is None:
            return None
        if frames[0].shape[2] and frames[1].shape[2]:
            found.append(Kind(frames[0], frames[1]))
    return found


def _clusters(spectra: list[Tensor]) -> list[Tensor] | None:
    """Which eigenvalues of both halves are equal, as labels; None if some are neither equal nor apart."""
    values = torch.cat(spectra)
    ordered, order = values.sort()
    steps = ordered.diff() / ordered.abs().max()
    if bool(((steps > bars.SAME_EIGENVALUE / 1e3) & (steps < bars.SAME_EIGENVALUE * 10)).any()):
        return None
    labels = torch.empty(len(values), dtype=torch.int64)
    labels[order] = torch.cat([torch.zeros(1, dtype=torch.int64), (steps > bars.SAME_EIGENVALUE).cumsum(0)])
    return list(labels.split([len(part) for part in spectra]))


def _trees(links: Tensor) -> list[list[tuple[int, int]]]:
    """Spanning trees of the linked eigenspaces along the strongest links, as pairs (from, to); roots from -1."""
    strengths = links.fill_diagonal_(0.0)
    limit = bars.LINKED * max(float(strengths.max()), 1e-300)
    free = torch.ones(len(links), dtype=torch.bool)
    trees: list[list[tuple[int, int]]] = []
    while bool(free.any()):
        root = int(free.nonzero()[0])
        tree = [(-1, root)]
        free[root] = False
        best, source = strengths[root].clone(), torch.full((len(links),), root)
        while float((reach := torch.where(free, best, 0.0)).max()) > limit:
            nearest = int(reach.argmax())
            tree.append((int(source[nearest]), nearest))
            free[nearest] = False
            closer = strengths[nearest] > best
            source[closer] = nearest
            best = torch.maximum(best, strengths[nearest])
        trees.append(tree)
    return trees


def _transported(tree: list[tuple[int, int]], vectors: Tensor, label: Tensor, coupling: Tensor) -> Tensor | None:
    """Frames `(d, size, m)` carried along a tree; None where a link is not a multiple of a unitary matrix."""
    turns: dict[int, Tensor] = {}
    frames: list[Tensor] = []
    places = {cluster: (label == cluster).nonzero()[:, 0] for _, cluster in tree}
    width = len(places[tree[0][1]])
    for source, cluster in tree:
        place = places[cluster]
        if len(place) != width:
            return None
        turn = torch.eye(width, dtype=coupling.dtype)
        if source >= 0 and width:
            carried = coupling[place][:, places[source]] @ turns[source]
            u, values, vh = torch.linalg.svd(carried)
            if float(values[-1]) < (1 - 1e-6) * float(values[0]):
                return None
            turn = u @ vh
        turns[cluster] = turn
        frames.append(vectors[:, place] @ turn)
    return torch.stack(frames)


def _residual(kind: Kind, left: Tensor, right: Tensor) -> float:
    """Largest failure of ``X frame = frame D`` with one ``D`` for both halves, relative to ``X``."""
    worst = 0.0
    for a, b in zip(left.to(kind.left.dtype), right.to(kind.left.dtype), strict=True):
        moved = [a @ kind.left, b @ kind.right]
        shared = torch.einsum("dna,ena->de", kind.left.conj(), moved[0]) / kind.left.shape[2]
        for frame, image in zip((kind.left, kind.right), moved, strict=True):
            gap = image - torch.einsum("dna,de->ena", frame, shared)
            worst = max(worst, float(gap.norm() / image.norm().clamp(min=1.0)))
    return worst


def _real_basis(kinds: list[Kind], rows: int, columns: int) -> Tensor:
    """Real orthonormal intertwiners `(k, rows, columns)`, kind by kind, conjugate kinds together."""
    counts = [kind.left.shape[2] * kind.right.shape[2] for kind in kinds]
    basis = torch.empty(sum(counts), rows, columns, dtype=torch.float64)
    filled = 0
    for index, kind in enumerate(kinds):
        partner = _conjugate(kind, kinds)
        if partner < index:
            continue
        coefficients = _real_coefficients(kind)
        count = coefficients.shape[2]
        _fill(basis[filled : filled + count], kind, coefficients)
        filled += count
    return basis


def _conjugate(kind: Kind, kinds: list[Kind]) -> int:
    """Which kind is the complex conjugate of this one."""
    overlaps = [
        float(torch.einsum("dna,enb->deab", kind.left, other.left).norm())
        if other.left.shape == kind.left.shape
        else -1.0
        for other in kinds
    ]
    return max(range(len(kinds)), key=overlaps.__getitem__)


def _real_coefficients(kind: Kind) -> Tensor:
    """Complex combinations `(m_left, m_right, k)` of intertwiners whose real parts are orthonormal.

    The Gram matrix of real and imaginary parts is a projector, or half of one for a kind that is not its own
    conjugate, so that its eigenvalues are 1, 1/2 or 0.
    """
    d, _, m = kind.left.shape
    n = kind.right.shape[2]
    overlap = torch.einsum("cia,eix->caex", kind.left, kind.left)
    other = torch.einsum("cib,eiy->cbey", kind.right, kind.right).conj()
    pairing = (torch.einsum("caex,cbey->abxy", overlap, other) / d).reshape(m * n, m * n)
    one = torch.eye(m * n, dtype=torch.float64)
    gram = 0.5 * torch.cat(
        [torch.cat([one + pairing.real, pairing.imag], dim=1), torch.cat([pairing.imag, one - pairing.real], dim=1)]
    )
    values, vectors = torch.linalg.eigh(gram)
    kept = values > 0.25
    scaled = vectors[:, kept] / values[kept].sqrt()
    return torch.complex(scaled[: m * n], -scaled[m * n :]).reshape(m, n, -1)


def _fill(target: Tensor, kind: Kind, coefficients: Tensor) -> None:
    """Write ``Re(sum_c left_c S right_c^H) / sqrt(d)`` for every combination S into `(k, rows, columns)`."""
    d, rows, _ = kind.left.shape
    back = kind.right.conj().permute(0, 2, 1).reshape(-1, target.shape[2])
    real_back = torch.cat([back.real, -back.imag]) / math.sqrt(d)
    step = max(1, 2**24 // (rows * max(len(back), target.shape[2])))
    for start in range(0, len(target), step):
        part = coefficients[:, :, start : start + step]
        carried = torch.einsum("cia,abr->ricb", kind.left, part).flatten(2)
        torch.matmul(torch.cat([carried.real, carried.imag], dim=2), real_back, out=target[start : start + step])


def _reordered(basis: Tensor, sizes: list[int], axes: tuple[list[int], list[int]]) -> Tensor:
    """Put the axes of both halves back in their places, `(k, size)`."""
    order = axes[0] + axes[1]
    if order == sorted(order):
        return basis.flatten(1)
    places = [1 + order.index(axis) for axis in range(len(order))]
    return basis.reshape(len(basis), *(sizes[axis] for axis in order)).permute(0, *places).flatten(1)
