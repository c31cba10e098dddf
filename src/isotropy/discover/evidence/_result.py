"""What every discovery returns: one symmetry, and today's names for its parts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ...action._action import Action
from ...algebra._identity import Identity
from ...algebra._lie_algebra import LieAlgebra
from ...core._estimator import Estimator
from ...symmetry import Certificate, Symmetry


class Discovery(Estimator):
    """The result that every road to a symmetry ends in.

    Attributes
    ----------
    symmetry_ : Symmetry
        All that was found, as one immutable value; the names below are views of it.
    """

    symmetry_: Symmetry

    @property
    def algebra_(self) -> LieAlgebra:
        """The symmetries that move the data along themselves, in a sparse basis."""
        return self.symmetry_.algebra

    @property
    def action_(self) -> Action:
        """The candidate action on inputs, restricted to ``algebra_``."""
        return self.symmetry_.action

    @property
    def candidates_(self) -> Action:
        """The candidate action on inputs."""
        return self.symmetry_.candidates

    @property
    def coefficients_(self) -> Tensor:
        """`(k, dim)` the basis of ``algebra_`` in the candidates' generators."""
        return self.symmetry_.coefficients

    @property
    def uncertainty_(self) -> Tensor:
        """`(k, dim)` change of each coefficient that the data would not notice."""
        return self.symmetry_.uncertainty

    @property
    def spectrum_(self) -> Tensor:
        """`(r,)` descending equivariance errors in [0, 1] of all directions that move the data."""
        return self.symmetry_.spectrum

    @property
    def cut_(self) -> int:
        """How many directions, from the small end of ``spectrum_``, count as symmetries."""
        return self.symmetry_.cut

    @property
    def gap_(self) -> float:
        """Ratio across the cut."""
        return self.symmetry_.gap

    @property
    def status_(self) -> str:
        """``"certified"``, ``"undecided"`` or ``"none"``."""
        return self.symmetry_.status

    @property
    def certificates_(self) -> Mapping[str, Certificate]:
        """Evidence for the status."""
        return self.symmetry_.certificates

    @property
    def trivial_(self) -> LieAlgebra:
        """Kernel directions that do not move the data."""
        return self.symmetry_.trivial

    @property
    def transversal_(self) -> LieAlgebra:
        """Kernel directions that move the data off the set they lie on."""
        return self.symmetry_.transversal

    @property
    def limits_(self) -> list[str]:
        """What the data cannot tell."""
        return list(self.symmetry_.limits)

    @property
    def grade_(self) -> str:
        """``"exact"`` or ``"approximate"`` of a certified answer; empty where the road cannot tell."""
        return self.symmetry_.grade

    @property
    def lower_(self) -> list[float]:
        """Lower limits of the defects of the generators; NaN where the road cannot bound them."""
        return [generator.lower for generator in self.symmetry_.generators]

    @property
    def upper_(self) -> list[float]:
        """Upper limits of the defects of the generators."""
        return [generator.upper for generator in self.symmetry_.generators]

    @property
    def ladder_(self) -> Mapping[float, int]:
        """Dimension by tolerance, 0.0 for exact."""
        return self.symmetry_.ladder

    @property
    def ignored_(self) -> int:
        """Candidate directions to which the map does not respond, or hardly; ``symmetry_.ignored_effect`` bounds it."""
        return self.symmetry_.ignored

    @property
    def method_(self) -> str:
        """How derivatives were taken."""
        return self.symmetry_.derivative

    def vector_fields(self, coordinates: list[str] | None = None) -> list[str]:
        """Readable generators, rounded to what the data determine; ``coefficients_`` holds the full numbers."""
        return self.symmetry_.fields(coordinates)

    def identify(self) -> Identity:
        """Name ``algebra_``, knowing how well the data determine it."""
        return self.symmetry_.identity

    def save(self, path: str | Path, coordinates: list[str] | None = None) -> Path:
        """Write ``symmetry.json``, with names of the columns where they are given."""
        return self._named(coordinates).save(path)

    def to_dict(self, coordinates: list[str] | None = None) -> dict[str, Any]:
        """The content of ``symmetry.json`` without the action: plain numbers and words."""
        return self._named(coordinates).to_dict()

    def summary(self, coordinates: list[str] | None = None) -> str:
        """The answer in a few lines, written in the names of the columns where they are given."""
        return str(self._named(coordinates))

    def __str__(self) -> str:
        """The answer in a few lines, or the constructor before ``fit``."""
        return str(self.symmetry_) if "symmetry_" in vars(self) else repr(self)

    def _named(self, coordinates: list[str] | None) -> Symmetry:
        return self.symmetry_ if coordinates is None else self.symmetry_.named(coordinates)
