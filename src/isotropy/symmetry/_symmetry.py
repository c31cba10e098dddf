"""What a search ends in, and what everything else takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from ..action._action import Action
from ..actions._latent import LatentAction
from ..actions._reordered import reordered, reordered_algebra
from ..algebra._frame import Frame
from ..algebra._identity import Identity, identify
from ..algebra._lie_algebra import LieAlgebra
from ..core.about._version import version
from . import _sentences as sentences
from . import bars
from ._certificate import Certificate
from ._columns import order_of
from ._domain import Domain
from ._file import as_content, read_symmetry, write_content
from ._generator import Generator
from ._place import Place, framed, place_of
from ._readable import Shown, metric_of, readable


@dataclass(frozen=True, eq=False)
class Symmetry:
    """A found symmetry: how it acts, how well it is known, where and how it was found.

    Immutable. Every road ends in one, ``found.symmetry_``; ``save`` and ``load`` keep the whole of it, whatever the
    kind of action. A found symmetry is never exact: ``uncertainty`` says by how much its entries may change unnoticed.

    Parameters
    ----------
    candidates : Action
        The action that was searched, of an algebra of dimension ``dim``.
    coefficients : Tensor
        `(k, dim)` the generators in those of the candidates.
    algebra : LieAlgebra
        Their span, in a sparse basis.
    uncertainty : Tensor
        `(k, dim)` change of each coefficient that the data would not notice.
    status : str
        ``"certified"``, ``"undecided"`` or ``"none"``.
    generators : tuple of Generator
        What is known about each generator.
    certificates : mapping of str to Certificate
        Evidence for the status.
    spectrum : Tensor
        `(r,)` descending errors of all directions that move the data.
    cut : int
        How many of them, from the small end, count as symmetries.
    gap : float
        Ratio across the cut.
    floor : float
        Errors below it are rounding or noise.
    tolerance, level : float
        Defect that was accepted, and the risk to be wrong; NaN where the road bounds no error.
    ladder : mapping of float to int
        Dimension by tolerance, 0.0 for exact; empty where the road bounds no error.
    ignored : int
        Candidate directions to which the map does not respond, or hardly: no defect is told of them.
    ignored_effect : float
        What all of them together change at most, in spreads of the map, for one standard deviation of motion; NaN where
        the road bounds no error.
    trivial, transversal : LieAlgebra
        Directions that do not move the data, and those that move it off the set it lies on.
    elements : Tensor
        `(m, n, n)` single elements that no flow of the algebra reaches.
    orders : tuple of int
        How often each element has to be repeated to come back.
    domain : Domain
        The samples: columns, number, digest.
    road, derivative : str
        The estimator, and how derivatives were taken.
    seed : int or None
        Of the search.
    limits : tuple of str
        What the data cannot tell.
    digits : int
        Least number of digits with which ``fields`` prints.
    every_term : bool
        Whether it prints terms that are not determined, too, since without them the generators fail.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> x = torch.randn(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> G = iso.gl(2)
    >>> found = iso.discover.FromModel(G.vector(), G.scalar()).fit(lambda x: x.square().sum(1), x)
    >>> symmetry = found.symmetry_.named(["u", "v"])
    >>> symmetry.name, symmetry.fields(), symmetry.on(["v", "u"]).fields()
    ('so(2)', ['u d/dv - v d/du'], ['u d/dv - v d/du'])
    """

    candidates: Action
    coefficients: Tensor
    algebra: LieAlgebra
    uncertainty: Tensor
    status: str
    trivial: LieAlgebra
    transversal: LieAlgebra
    generators: tuple[Generator, ...] = ()
    certificates: Mapping[str, Certificate] = field(default_factory=dict[str, Certificate])
    spectrum: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.float64))
    cut: int = 0
    gap: float = math.nan
    floor: float = math.nan
    tolerance: float = math.nan
    level: float = math.nan
    ladder: Mapping[float, int] = field(default_factory=dict[float, int])
    ignored: int = 0
    ignored_effect: float = math.nan
    elements: Tensor = field(default_factory=lambda: torch.zeros(0, 0, 0, dtype=torch.float64))
    orders: tuple[int, ...] = ()
    domain: Domain = field(default_factory=Domain)
    road: str = ""
    derivative: str = ""
    seed: int | None = None
    limits: tuple[str, ...] = ()
    digits: int = 1
    every_term: bool = False
    version: str = field(default_factory=version)

    def __post_init__(self) -> None:
        """Keep copies that nobody else holds."""
        for name in ("coefficients", "uncertainty", "spectrum", "elements"):
            object.__setattr__(self, name, getattr(self, name).detach().to("cpu", torch.float64).clone())
        for name in ("certificates", "ladder"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    # -- what it is ----------------------------------------------------------------------------------------------

    @cached_property
    def action(self) -> Action:
        """How the generators move points: the candidates, restricted to ``algebra``."""
        return self.candidates.restrict(self.coefficients, self.algebra)

    @property
    def dim(self) -> int:
        """Number of generators."""
        return self.algebra.dim

    @property
    def grade(self) -> str:
        """``"exact"`` or ``"approximate"`` of a certified symmetry; empty where the road cannot tell."""
        grades = {generator.grade for generator in self.generators}
        if self.status != "certified" or not grades or "" in grades:
            return ""
        return "exact" if grades == {"exact"} else "approximate"

    @property
    def columns(self) -> list[str]:
        """Names of the columns it acts on; empty where they were not told."""
        return self.domain.names

    @property
    def doubt(self) -> float:
        """Relative uncertainty of the generators as a whole."""
        return float(self.uncertainty.norm() / self.coefficients.norm().clamp_min(1e-300)) if self.dim else 0.0

    @property
    def name(self) -> str:
        """Name of the algebra, such as ``"so(3)"``."""
        return self.identity.name

    @cached_property
    def identity(self) -> Identity:
        """The algebra by name and structure, knowing how well the data determine it.

        Named in balanced units and about the point that it keeps, so that neither units nor a far centre matter.
        """
        if not self.algebra.is_matrix:
            algebra = self.algebra.orthonormal()
            return identify(algebra.structure_constants, defect=max(self._noise, algebra.closure_defect()))
        frame, noise = self._frame or (self.algebra.frame(), self._noise)
        return self.algebra.named_in(frame, noise)

    @cached_property
    def place(self) -> Place:
        """The point that it keeps and the frame in which it has its usual form, where they are worth a word."""
        if self._frame is None or self.name.startswith("unidentified"):
            return Place()
        return place_of(*self._frame, self.domain, self.algebra.is_affine)

    @cached_property
    def _frame(self) -> tuple[Frame, float] | None:
        return framed(self.action, self.algebra, self.candidates, self.uncertainty, self.domain)

    def fields(self, columns: Sequence[str] | None = None) -> list[str]:
        """Readable generators, rounded together to what the data determine; ``coefficients`` holds the full numbers."""
        names = list(columns or self.columns) or None
        rows, (digits, _) = self._readable
        return [self.candidates.describe(row, names, digits) for row in rows]

    @property
    def printed(self) -> Tensor:
        """The generators `(k, dim)` that ``fields`` prints, in those of the candidates."""
        return self._readable[0].clone()

    def printed_if(self, passes: Callable[[Tensor], bool]) -> Symmetry:
        """The same symmetry, printed with as many digits as its rounded generators `(k, dim)` need to pass a test."""
        metric = metric_of(self.candidates, self.domain)
        _, (digits, every_term) = readable(self.coefficients, self.uncertainty, metric, passes)
        return replace(self, digits=digits, every_term=every_term)

    @cached_property
    def _readable(self) -> tuple[Tensor, Shown]:
        metric = metric_of(self.candidates, self.domain)
        return readable(self.coefficients, self.uncertainty, metric, start=(self.digits, self.every_term))

    @property
    def _noise(self) -> float:
        """Typical uncertainty of a coefficient, relative to the largest of its generator."""
        if not self.dim:
            return 0.0
        sizes = self.coefficients.abs().amax(dim=1, keepdim=True)
        return min(float((self.uncertainty / sizes).median()), bars.MOST_NOISE)

    # -- columns -------------------------------------------------------------------------------------------------

    def named(self, names: Sequence[str], units: Sequence[str] | None = None) -> Symmetry:
        """The same symmetry with names, and units where given, of the columns it acts on.

        Raises
        ------
        RepresentationMismatchError
            If the number of names is not that of the columns.
        DataError
            If two names are equal.
        """
        return replace(self, domain=self.domain.named(names, units))

    def on(self, columns: Sequence[str]) -> Symmetry:
        """The same symmetry on columns in another order, matched by name.

        Raises
        ------
        DataError
            If its columns have no names, one of them is missing, or there are others that it says nothing about.
        """
        order = order_of(self.columns, columns)
        if order == list(range(len(order))):
            return self
        spans = ("algebra", "trivial", "transversal")
        moved = {name: reordered_algebra(getattr(self, name), self.candidates, order) for name in spans}
        domain = replace(self.domain, columns=tuple(self.domain.columns[place] for place in order))
        return replace(self, candidates=reordered(self.candidates, order), domain=domain, **moved)

    # -- views ---------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The numbers and words of ``symmetry.json`` that a page or a terminal shows."""
        identity = self.identity
        return {
            "status": self.status,
            "dimension": self.dim,
            "name": identity.name,
            "aliases": list(identity.aliases),
            "name_confidence": identity.confidence,
            **self.place.to_dict(),
            "candidates": getattr(self.candidates.algebra, "name", None),
            "basis": self.algebra.basis.tolist(),
            "shape": list(self.algebra.basis.shape[1:]),
            "blocks": list(self.algebra.blocks),
            "polynomials": self.algebra.polynomials,
            "coordinates": self._shown,
            "vector_fields": self.fields(),
            "digits": self.digits,
            "every_term": self.every_term,
            "coefficients": self.coefficients.tolist(),
            "uncertainty": self.uncertainty.tolist(),
            "generators": [generator.to_dict() for generator in self.generators],
            "spectrum": self.spectrum.tolist(),
            "cut": self.cut,
            "gap": self.gap,
            "floor": self.floor,
            "tolerance": self.tolerance,
            "level": self.level,
            "grade": self.grade,
            "ladder": [[tolerance, dim] for tolerance, dim in sorted(self.ladder.items())],
            "ignored": self.ignored,
            "ignored_effect": self.ignored_effect,
            "certificates": {name: c.to_dict() for name, c in self.certificates.items()},
            "trivial": self.trivial.dim,
            "tangent": self.dim,
            "transversal": self.transversal.dim,
            **({"elements": self.elements.tolist(), "orders": list(self.orders)} if self.orders else {}),
            "domain": self.domain.to_dict(),
            "limits": list(self.limits),
            "method": self.road,
            "derivative": self.derivative,
            "seed": self.seed,
            "isotropy_version": self.version,
        }

    @property
    def _shown(self) -> list[str] | None:
        """Names of the coordinates that the generators are written in, which behind a chart are not the columns."""
        if isinstance(self.candidates, LatentAction):
            return [f"z{place + 1}" for place in range(self.candidates.latent.size)]
        return self.columns or None

    def __str__(self) -> str:
        """The answer in a few lines."""
        return "\n".join(sentences.summary(self.to_dict()))

    def __repr__(self) -> str:
        """Status, name and columns in one line."""
        where = f" on {', '.join(self.columns)}" if self.columns else ""
        return f"Symmetry({self.status}, {f'{self.name} {self.place.words}'.strip()}, dim={self.dim}{where})"

    # -- files ---------------------------------------------------------------------------------------------------

    def content(self, beside: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """What ``symmetry.json`` holds, with further words ``beside`` if given, and the tensors of networks.

        Raises
        ------
        DataError
            If the action cannot be written as data.
        """
        spans = {"trivial": self.trivial, "transversal": self.transversal}
        return as_content({**self.to_dict(), **(beside or {})}, self.candidates, spans)

    def save(self, path: str | Path, beside: Mapping[str, Any] | None = None) -> Path:
        """Write ``symmetry.json``, with further words ``beside`` if given; it is written whole or not at all.

        Tensors of networks go to a ``.safetensors`` file of the same name in the same folder.

        Raises
        ------
        DataError
            If the action cannot be written as data, or the folder is missing.
        """
        return write_content(Path(path), *self.content(beside))

    @classmethod
    def load(cls, path: str | Path) -> Symmetry:
        """Read what ``save`` wrote; files of format 1 too, as far as they tell what the action was.

        Raises
        ------
        DataError
            If the file is missing, damaged, of another format, or does not say how the generators act.
        """
        return cls(**read_symmetry(Path(path)))
