"""``symmetry.json``, format 1, as far as it tells what the action was."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ..action._action import Action
from ..actions._affine import Affine
from ..actions._by_name import action_by_name
from ..actions._polynomial import PolynomialFields
from ..algebra._lie_algebra import LieAlgebra
from ..dictionary import FieldBracket, Polynomials
from ..errors import DataError
from ._certificate import Certificate
from ._domain import Column, Domain
from ._generator import Generator

_OLD = "read from format 1, which keeps neither samples nor intervals"
_SIZE = re.compile(r"\d+")


def first_format(content: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The arguments of the symmetry in the content of a file of format 1.

    Such a file names the candidates and their columns, but neither keeps the action: latent, time-scaled and stacked
    ones look like plain matrices in it, so they are refused.

    Raises
    ------
    DataError
        If the candidates cannot be built again from their name and the number of columns.
    """
    names = [str(name) for name in content.get("coordinates") or ()]
    candidates, algebra = _candidates(content, names, source), _algebra(content)
    coefficients = algebra.basis.flatten(1) @ torch.linalg.pinv(_whole(candidates).basis.flatten(1))
    doubt = content.get("uncertainty")
    uncertainty = torch.zeros_like(coefficients) if doubt is None else torch.tensor(doubt, dtype=torch.float64)
    none = _whole(candidates).span(coefficients[:0])
    return {
        "candidates": candidates,
        "coefficients": coefficients,
        "algebra": algebra,
        "uncertainty": uncertainty.reshape(coefficients.shape),
        "status": str(content.get("status", "undecided")),
        "trivial": none,
        "transversal": none,
        "generators": tuple(Generator() for _ in range(algebra.dim)),
        "certificates": {name: Certificate.from_dict(one) for name, one in content.get("certificates", {}).items()},
        "spectrum": torch.tensor(content.get("spectrum", []), dtype=torch.float64),
        "cut": int(content.get("cut", algebra.dim)),
        "gap": math.nan,
        "floor": math.nan,
        "domain": Domain(tuple(Column(name) for name in names)),
        "road": str(content.get("method") or ""),
        "derivative": str(content.get("derivative") or ""),
        "seed": content.get("seed"),
        "limits": (*map(str, content.get("limits") or ()), _OLD),
        "version": str(content.get("isotropy_version")),
    }


def _candidates(content: Mapping[str, Any], names: list[str], source: str) -> Action:
    """The candidates by their name; where there is none, the action that the generators themselves describe."""
    text, road = content.get("candidates"), str(content.get("method"))
    if road == "LaLiGAN" or len(content.get("blocks") or [0]) > 1:
        raise DataError(
            f"{source}: expected a file that says how its generators act, received format 1 of {road} in {text}, which "
            "does not; run the discovery again to write format 2"
        )
    if text is None:
        return _own_action(_algebra(content), len(names))
    return action_by_name(str(text), len(names) or _fewest(str(text)), source)


def _own_action(algebra: LieAlgebra, columns: int) -> Action:
    if algebra.polynomials:
        size, degree = algebra.polynomials
        return PolynomialFields(size, degree, algebra)
    return Affine(algebra) if columns and algebra.n == columns + 1 else algebra.vector()


def _fewest(text: str) -> int:
    """Columns of one copy: the size of the algebra in its name, which for so(p,q) is a sum."""
    numbers = [int(number) for number in _SIZE.findall(text.split("degree")[0])]
    return sum(numbers) if text.startswith("so(") else math.prod(numbers)


def _algebra(content: Mapping[str, Any]) -> LieAlgebra:
    basis = torch.tensor(content["basis"], dtype=torch.float64)
    shape: Sequence[int] = content.get("shape") or basis.shape[1:]
    rule = FieldBracket(Polynomials(*content["polynomials"])) if content.get("polynomials") else None
    return LieAlgebra(basis.reshape(-1, *shape), blocks=tuple(content.get("blocks") or ()) or None, bracket=rule)


def _whole(candidates: Action) -> LieAlgebra:
    algebra = candidates.algebra
    if not isinstance(algebra, LieAlgebra):
        raise DataError(f"candidates: expected a LieAlgebra, received {type(algebra).__name__}; write format 2")
    return algebra
