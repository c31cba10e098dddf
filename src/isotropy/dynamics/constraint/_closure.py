"""Which terms a dictionary lacks to be closed under a symmetry."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...action._action import Action
from ...dictionary import Dictionary, Polynomials
from .. import bars

_HIGHEST = 5  # degree of the monomials that are offered


def missing_terms(dictionary: Dictionary, action: Action, coordinates: Sequence[str] | None = None) -> list[str]:
    """Names of monomials that the derivatives of the terms along the symmetry need; empty if the dictionary is closed.

    A derivative that monomials cannot mend is named itself, as ``D(term)``.

    Parameters
    ----------
    dictionary : Dictionary
        The terms.
    action : Action
        The symmetry, on as many coordinates.
    coordinates : sequence of str, optional
        Names; x, y, z or x1, x2, ... if left out.

    Examples
    --------
    >>> import isotropy as iso
    >>> only = iso.dictionary.custom(2, {"x": lambda z: z[:, 0], "x^2": lambda z: z[:, 0] ** 2})
    >>> missing_terms(only, iso.so(2).vector())
    ['y', 'x y']
    """
    generator = torch.Generator().manual_seed(0)
    library = Polynomials(dictionary.size, _HIGHEST if dictionary.size <= 3 else 3)
    count = 4 * (len(dictionary) + len(library))
    x = torch.randn(count, dictionary.size, generator=generator, dtype=torch.float64)
    ours = dictionary.evaluate(x)
    moved = torch.einsum("bpn,bkn->bkp", dictionary.jacobian(x), action.fields(x)).flatten(1)
    outside = moved[:, _residual(ours, moved) > bars.OUTSIDE_SPAN]
    if not outside.shape[1]:
        return []
    new = (_residual(ours, library.evaluate(x)) > bars.OUTSIDE_SPAN).nonzero().flatten()
    wide = torch.cat([ours, library.evaluate(x)[:, new]], dim=1)
    mended = _residual(wide, outside) <= bars.OUTSIDE_SPAN
    weights = torch.linalg.lstsq(wide, outside[:, mended]).solution[len(dictionary) :]
    used = new[(weights.abs() > bars.NAMED_WEIGHT).any(dim=1)].tolist()
    names, terms = library.names(coordinates), dictionary.names(coordinates)
    broken = (_residual(wide, moved) > bars.OUTSIDE_SPAN).nonzero().flatten().tolist()
    return [names[i] for i in used] + sorted({f"D({terms[i % len(terms)]})" for i in broken})


def _residual(span: Tensor, columns: Tensor) -> Tensor:
    """Share of each column that a span leaves over."""
    q = torch.linalg.qr(span).Q
    sizes = columns.norm(dim=0)
    return (columns - q @ (q.T @ columns)).norm(dim=0) / sizes.clamp_min(1e-300) * (sizes > 1e-12)
