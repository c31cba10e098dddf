"""What every discovery returns, in numbers, in words and as a file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...algebra._identity import Identity, identify
from ...algebra._lie_algebra import LieAlgebra
from ...core._estimator import Estimator
from ...core._files import write_atomic
from ...core._version import version
from ._certificates import Certificate

FORMAT = 1
_MOST_NOISE = 0.05  # beyond it, brackets tell better what is noise


class Discovery(Estimator):
    """The results that every road to a symmetry ends in.

    Attributes
    ----------
    algebra_ : LieAlgebra
        The symmetries that move the data along themselves, in a sparse basis.
    action_ : Action
        The candidate action on inputs, restricted to ``algebra_``.
    coefficients_ : Tensor
        `(k, dim)` the basis of ``algebra_`` in the candidates' generators.
    spectrum_ : Tensor
        `(r,)` descending equivariance errors in [0, 1] of all directions that move the data.
    gap_ : float
        Ratio across the cut.
    status_ : str
        ``"certified"``, ``"undecided"`` or ``"none"``.
    certificates_ : dict of str to Certificate
        Evidence for the status.
    trivial_, transversal_ : LieAlgebra
        Kernel directions that do not move the data, and those that move it off the set it lies on.
    uncertainty_ : Tensor
        `(k, dim)` change of each coefficient that the data would not notice.
    limits_ : list of str
        What the data cannot tell.
    method_ : str
        How derivatives were taken.
    """

    algebra_: LieAlgebra
    action_: Action
    coefficients_: Tensor
    spectrum_: Tensor
    gap_: float
    status_: str
    certificates_: dict[str, Certificate]
    trivial_: LieAlgebra
    transversal_: LieAlgebra
    method_: str
    cut_: int
    limits_: list[str]
    candidates_: Action
    uncertainty_: Tensor

    def vector_fields(self, coordinates: list[str] | None = None) -> list[str]:
        """Readable generators, rounded to what the data determine; ``coefficients_`` holds the full numbers."""
        shown = [read_coefficients(*pair) for pair in zip(self.coefficients_, self.uncertainty_, strict=True)]
        return [self.candidates_.describe(row, coordinates, digits) for row, digits in shown]

    def identify(self) -> Identity:
        """Name ``algebra_``, knowing how well the data determine it."""
        algebra = self.algebra_.orthonormal()
        noise = _noise(self.coefficients_, self.uncertainty_)
        if algebra.is_matrix:
            return identify(algebra.structure_constants, algebra.basis, noise)
        return identify(algebra.structure_constants, defect=max(noise, algebra.closure_defect()))

    def to_dict(self, coordinates: list[str] | None = None) -> dict[str, Any]:
        """The content of ``symmetry.json``: plain numbers and words."""
        identity = self.identify()
        return {
            "format": FORMAT,
            "status": self.status_,
            "dimension": self.algebra_.dim,
            "name": identity.name,
            "aliases": list(identity.aliases),
            "confidence": identity.confidence,
            "candidates": getattr(self.candidates_.algebra, "name", None),
            "basis": self.algebra_.basis.tolist(),
            "shape": list(self.algebra_.basis.shape[1:]),
            "blocks": list(self.algebra_.blocks),
            "polynomials": self.algebra_.polynomials,
            "coordinates": coordinates,
            "vector_fields": self.vector_fields(coordinates),
            "uncertainty": self.uncertainty_.tolist(),
            "spectrum": self.spectrum_.tolist(),
            "cut": self.cut_,
            "certificates": {name: c.to_dict() for name, c in self.certificates_.items()},
            "trivial": self.trivial_.dim,
            "tangent": self.algebra_.dim,
            "transversal": self.transversal_.dim,
            "limits": self.limits_,
            "method": type(self).__name__,
            "derivative": self.method_,
            "seed": getattr(self, "seed", None),
            "isotropy_version": version(),
        }

    def save(self, path: str | Path, coordinates: list[str] | None = None) -> Path:
        """Write ``symmetry.json``."""
        return write_atomic(path, json.dumps(plain(self.to_dict(coordinates)), indent=1, allow_nan=False) + "\n")

    def summary(self, coordinates: list[str] | None = None) -> str:
        """The answer in a few lines."""
        answer = self.to_dict(coordinates)
        head = f"{self.status_}: dimension {answer['dimension']}, {answer['name']}"
        lines = [head, *(f"  {text}" for text in answer["vector_fields"][:6])]
        if len(answer["vector_fields"]) > 6:
            lines.append(f"  ... and {len(answer['vector_fields']) - 6} more")
        return "\n".join(
            [
                *lines,
                f"  gap {self.gap_:.3g}; trivial {answer['trivial']}, transversal {answer['transversal']}",
            ]
        )


def _noise(rows: Tensor, uncertainty: Tensor) -> float:
    """Typical uncertainty of a coefficient, relative to the largest of its generator."""
    if not len(rows):
        return 0.0
    return min(float((uncertainty / rows.abs().amax(dim=1, keepdim=True)).median()), _MOST_NOISE)


def read_coefficients(row: Tensor, uncertainty: Tensor) -> tuple[Tensor, int]:
    """One generator with undetermined terms dropped and those that may be 1 set to 1, and its digits."""
    largest = row.abs().amax()
    doubt = (uncertainty / largest).clamp_max(0.5)
    unit = row / largest
    kept = torch.where(unit.abs() < doubt, torch.zeros_like(unit), unit)
    snapped = torch.where((unit.abs() - 1).abs() < doubt, unit.sign(), kept)
    worst = float(doubt[snapped != 0].amax()) if bool((snapped != 0).any()) else 0.5
    return snapped, max(1, min(4, math.floor(-math.log10(max(worst, 1e-12)))))


def plain(value: Any) -> Any:
    """The same value with numbers that JSON does not know replaced by null."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
