"""Structure theory and names of Lie algebras, in random bases, conjugated and with noise."""

import math

import pytest
import torch

from isotropy._identity import identify
from isotropy._simple import dual_coxeter, forms
from isotropy._structure import (
    Ruler,
    centre,
    collect_facts,
    cut,
    derived,
    derived_series,
    is_abelian,
    is_nilpotent,
    is_semisimple,
    is_solvable,
    killing_form,
    lower_central_series,
    quotient,
    radical,
    rank,
    signature,
    simple_ideals,
    subalgebra,
)
from isotropy.errors import NotAnAlgebraError, RepresentationMismatchError, SymmetryError


def unit(n, i, j):
    matrix = torch.zeros(n, n, dtype=torch.float64)
    matrix[i, j] = 1.0
    return matrix


def kernel(n, condition):
    """Matrices A (n, n) with condition(A) = 0, for a linear condition."""
    images = torch.stack([condition(unit(n, i, j)).reshape(-1) for i in range(n) for j in range(n)])
    left, values, _ = torch.linalg.svd(images)
    return left[:, int((values > 1e-9).sum()) :].T.reshape(-1, n, n)


def sl(n):
    return kernel(n, lambda a: a.trace())


def gl(n):
    return torch.stack([unit(n, i, j) for i in range(n) for j in range(n)])


def so(p, q=0):
    metric = torch.diag(torch.tensor([1.0] * p + [-1.0] * q, dtype=torch.float64))
    return kernel(p + q, lambda a: a.T @ metric + metric @ a)


def complex_unit(n):
    zero, one = torch.zeros(n, n, dtype=torch.float64), torch.eye(n, dtype=torch.float64)
    return torch.cat([torch.cat([zero, -one], 1), torch.cat([one, zero], 1)])


def sp(n):
    form = complex_unit(n // 2)
    return kernel(n, lambda a: a.T @ form + form @ a)


def u(p, q=0):
    """Real form (2n, 2n) of u(p, q)."""
    unit_i = complex_unit(p + q)
    metric = torch.diag(torch.tensor(([1.0] * p + [-1.0] * q) * 2, dtype=torch.float64))
    return kernel(2 * (p + q), lambda a: torch.stack([a.T @ metric + metric @ a, a @ unit_i - unit_i @ a]))


def su(p, q=0):
    basis = u(p, q)
    traces = (basis @ complex_unit(p + q)).diagonal(dim1=1, dim2=2).sum(1, keepdim=True)
    left, _, _ = torch.linalg.svd(traces)
    return torch.einsum("ij,iab->jab", left[:, 1:], basis)


def slc(n):
    unit_i = complex_unit(n)
    return kernel(
        2 * n,
        lambda a: torch.cat(
            [(a @ unit_i - unit_i @ a).reshape(-1), torch.stack([a.trace(), (a @ unit_i).trace()])]
        ),
    )


def usp(n):
    """Compact sp on H^(n/2) = R^2n: commutes with two anticommuting complex structures."""
    i, h = complex_unit(n), complex_unit(n // 2)
    j = torch.block_diag(h, -h)
    return kernel(2 * n, lambda a: torch.stack([a + a.T, a @ i - i @ a, a @ j - j @ a]))


def affine(linear, shifts=True):
    """Homogeneous form of linear matrices with all translations."""
    n = linear.shape[1]
    lifted = torch.nn.functional.pad(linear, (0, 1, 0, 1))
    return torch.cat([lifted, torch.stack([unit(n + 1, i, n) for i in range(n)])]) if shifts else lifted


def scaling(n):
    return torch.eye(n, dtype=torch.float64)[None]


def galilei(n):
    """Acts on (x, t, 1)."""
    rotations = torch.nn.functional.pad(so(n), (0, 2, 0, 2)) if n > 1 else torch.zeros(0, n + 2, n + 2)
    boosts = [unit(n + 2, i, n) for i in range(n)]
    shifts = [unit(n + 2, i, n + 1) for i in range(n + 1)]
    return torch.cat([rotations, torch.stack(boosts + shifts)])


def heisenberg(k):
    n = k + 2
    rows = [unit(n, 0, i) for i in range(1, n - 1)]
    columns = [unit(n, i, n - 1) for i in range(1, n - 1)]
    return torch.stack([*rows, *columns, unit(n, 0, n - 1)])


def both(first, second):
    """Direct sum acting on the direct sum of the spaces."""
    a, b = first.shape[1], second.shape[1]
    pad = torch.nn.functional.pad
    return torch.cat([pad(first, (0, b, 0, b)), pad(second, (a, 0, a, 0))])


def copies(matrices, k):
    return torch.stack([torch.block_diag(*[m] * k) for m in matrices])


def beside(matrices, k):
    """The same matrices with k more dimensions that do not move."""
    return torch.nn.functional.pad(matrices, (0, k, 0, k))


def spread(n, generator, condition):
    """Random element of GL(n) with the given condition number."""
    q1, _ = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))
    q2, _ = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))
    values = (
        torch.logspace(0, math.log10(condition), n, dtype=torch.float64) if n > 1 else torch.ones(1).double()
    )
    return q1 @ torch.diag(values) @ q2


def constants(matrices):
    """Structure constants by least squares."""
    commutators = torch.einsum("iab,jbc->ijac", matrices, matrices)
    commutators = commutators - commutators.transpose(0, 1)
    flat = matrices.flatten(1).T
    d = len(matrices)
    return torch.linalg.lstsq(flat, commutators.reshape(d * d, -1).T).solution.T.reshape(d, d, d)


def disguise(matrices, seed=0, noise=0.0, condition=2.0, mix=3.0):
    """Random basis, random conjugation, relative noise."""
    generator = torch.Generator().manual_seed(seed)
    matrices = matrices.double()
    d, n, _ = matrices.shape
    p = spread(n, generator, condition)
    matrices = p @ matrices @ torch.linalg.inv(p)
    q, _ = torch.linalg.qr(matrices.flatten(1).T)
    matrices = torch.einsum("ij,jab->iab", spread(d, generator, mix), q.T.reshape(d, n, n))
    dirt = torch.randn(d, n, n, generator=generator, dtype=torch.float64)
    sizes = torch.linalg.matrix_norm(matrices, keepdim=True) / torch.linalg.matrix_norm(dirt, keepdim=True)
    return matrices + noise * sizes * dirt


def name_of(matrices, defect=0.0):
    return identify(constants(matrices), matrices, defect).name


FAMILIES = {
    **{f"so({n})": so(n) for n in (3, 4, 5, 6, 7)},
    **{f"sl({n})": sl(n) for n in (2, 3, 4, 5)},
    **{f"gl({n})": gl(n) for n in (2, 3, 4)},
    **{f"sp({n})": sp(n) for n in (4, 6)},
    **{f"su({n})": su(n) for n in (2, 3, 4)},
    **{f"u({n})": u(n) for n in (2, 3)},
    **{f"so({p},{q})": so(p, q) for p, q in ((1, 2), (1, 3), (2, 2), (1, 4), (2, 3), (2, 4), (3, 3), (3, 4))},
    "su(1,1)": su(1, 1),
    "su(1,2)": su(1, 2),
    "su(2,2)": su(2, 2),
    "u(1,2)": u(1, 2),
    "sl(2,C)": slc(2),
    "sl(3,C)": slc(3),
    "usp(4)": usp(4),
    "usp(6)": usp(6),
    **{f"se({n})": affine(so(n)) for n in (2, 3, 4)},
    **{f"aff({n})": affine(gl(n)) for n in (1, 2, 3)},
    **{f"saff({n})": affine(sl(n)) for n in (2, 3)},
    **{f"sim({n})": affine(torch.cat([so(n), scaling(n)])) for n in (2, 3)},
    **{f"iso(1,{n})": affine(so(1, n)) for n in (1, 2, 3)},
    **{f"galilei({n})": galilei(n) for n in (2, 3)},
    **{f"heisenberg({2 * k + 1})": heisenberg(k) for k in (1, 2)},
    "so(2)": so(2),
    "so(1,1)": so(1, 1),
    "scaling": scaling(3),
    **{f"translation({n})": affine(torch.zeros(0, n, n).double()) for n in (1, 2, 3)},
    "so(2)+so(2)": both(so(2), so(2)),
    "so(2)+scaling": torch.cat([so(2), scaling(2)]),
    "so(3)+so(2)": both(so(3), so(2)),
    "so(3)+so(3)": both(so(3), so(3)),
    "so(3)+scaling": torch.cat([so(3), scaling(3)]),
    "so(1,3)+scaling": torch.cat([so(1, 3), scaling(4)]),
    "sl(3)+so(3)": both(sl(3), so(3)),
    "gl(2)+gl(2)": both(gl(2), gl(2)),
    "u(2)+so(2)": both(u(2), so(2)),
    "sl(2)+scaling": both(sl(2), scaling(1)),
    "su(2)+su(2)": both(su(2), su(2)),
    "so(1,3)+so(3)": both(so(1, 3), so(3)),
}
CASES = pytest.mark.parametrize("name", list(FAMILIES))


@CASES
def test_exact_families_are_named_in_random_bases(name):
    for seed in (0, 1):
        matrices = disguise(FAMILIES[name], seed)
        found = identify(constants(matrices), matrices)
        assert found.name == name, found
        assert found.confidence > 0.95
