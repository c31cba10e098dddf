"""Symmetries of a map that can be evaluated anywhere: a trained model, a formula, a simulator."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...core._autodiff import Map
from ...core._checks import as_points
from ...derivative._finite_flow import flow_error
from ...derivative._lie_derivative import LieDerivative
from ...errors import DataError
from ...symmetry import bars as verdicts
from ...symmetry._domain import Seen
from ...symmetry.claims import rows_of
from .. import bars
from ..evidence._claimed import Inquiry
from ..evidence._conclude import conclude
from ..evidence._evidence import Evidence
from ..evidence._question import HELD, Question
from ..evidence._result import Discovery
from ..evidence._sample import Sample
from ._resume import add_chunks

FOLDS = 8
_MOST_ENTRIES, _FEWEST = 2**25, 4  # numbers in Jacobians and fields of a claim, and samples for one
_MOST_CANDIDATES = 256  # of which all brackets are held; those of gl(16) take a gigabyte
_UNBOUNDED = "there are too many numbers to hold Jacobians or brackets of the candidates, so the error was not bounded"
_KEPT = 256  # held-out points kept for the split and the finite flows
_BESIDE = ("points", "sample", "sums", "counts", "method", "device")  # what a state holds beside the evidence


class FromModel(Discovery):
    """Kernel of ``xi -> L_xi f`` over candidate generators, certified.

    Data are streamed: memory does not grow with their number. ``fit`` takes all at once or an iterable of chunks;
    ``partial_fit``, ``merge`` and ``conclude`` do the same in steps and across processes.

    Parameters
    ----------
    rho_in, rho_out : Action
        Candidate actions of one algebra on inputs and outputs.
    rank : "gap", int or float
        How many directions to judge: as many as are within the tolerance (``"gap"``, which is how the spectrum is cut
        where the error cannot be bounded), a dimension, or those up to a defect.
    method : str
        Rung of the derivative ladder, or ``"auto"``.
    tolerance : float
        Defect that is accepted: 0 is exact, 1 is chance.
    level : float
        Probability with which a certified generator may have a true defect above the tolerance.
    seed : int
        Of the finite flows that are tried, and of resamples.

    Raises
    ------
    DataError
        If points or values are not finite, or there are fewer than two.
    RepresentationMismatchError
        If shapes do not fit the actions, or the actions do not have one algebra.
    DerivativeUnavailableError
        If the map cannot be differentiated.

    References
    ----------
    otto2023unified

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> G = iso.gl(3)
    >>> x = torch.randn(200, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    >>> found = FromModel(G.vector(), G.scalar()).fit(lambda x: x.square().sum(1), x)
    >>> found.status_, found.algebra_.dim, found.algebra_.identify().name
    ('certified', 3, 'so(3)')
    """

    def __init__(
        self,
        rho_in: Action,
        rho_out: Action,
        *,
        rank: str | int | float = "gap",
        method: str = "auto",
        tolerance: float = 0.05,
        level: float = 0.05,
        seed: int = 0,
    ) -> None:
        self.rho_in = rho_in
        self.rho_out = rho_out
        self.rank = rank
        self.method = method
        self.tolerance = tolerance
        self.level = level
        self.seed = seed

    def fit(
        self,
        f: Map,
        x: Tensor | Iterable[Tensor],
        *,
        resume: str | os.PathLike[str] | None = None,
        every: int = 1,
    ) -> FromModel:
        """Discover the symmetries of ``f`` at points `(batch, *event)`, or at chunks of such points.

        With ``resume``, a ``.safetensors`` file, the evidence is written there after ``every`` so many chunks, and a
        rerun over the same chunks goes on after the last one written, to the same answer.
        """
        self._reset()
        chunks: Iterable[Any] = [x] if hasattr(x, "__array__") else x
        if resume is not None:
            add_chunks(self, f, chunks, resume, every)
        else:
            for chunk in chunks:
                self.partial_fit(f, chunk)
        return self.conclude(f)

    def partial_fit(self, f: Map, x: Any) -> FromModel:
        """Add evidence at points `(batch, *event)` without drawing a conclusion."""
        self._start()
        points = as_points(x, "x", self.rho_in.event)
        derivative = LieDerivative(f, self.rho_in, self.rho_out, self._method or self.method)
        start = self.evidence_.samples
        for chunk, rows, slope, value in derivative.scaled(points):
            shaped = value.reshape(len(chunk), *self.rho_out.event)
            self.evidence_.add(chunk, rows.reshape(len(chunk), -1, derivative.dim), slope, shaped, start)
            start += len(chunk)
        self._keep(points, self.evidence_.samples - len(points))
        self._seen.update(points)
        self._sample.update(points)
        self._method, self._device = derivative.method, points.device
        return self

    def merge(self, other: FromModel | dict[str, Any]) -> FromModel:
        """Absorb the evidence of another estimator of the same candidates, or its ``state_dict``, and return self."""
        self._start()
        state = other if isinstance(other, dict) else other.state_dict()
        points = state["points"]
        self.evidence_.absorb({name: part for name, part in state.items() if name not in _BESIDE})
        self.points_ = torch.cat([self.points_.to(points.dtype), points])[:_KEPT]
        self._seen.absorb(state)
        self._sample.update(state["sample"])
        if not self._method:
            self._method, self._device = state["method"], torch.device(state["device"])
        return self

    def state_dict(self) -> dict[str, Any]:
        """The evidence so far as plain tensors and two words, small whatever the number of samples.

        It can be pickled, sent, or saved by ``torch.save``, and goes to ``merge`` in another process.
        """
        beside = {
            "points": self.points_,
            "sample": self._sample.points,
            "method": self._method,
            "device": str(self._device),
        }
        return {**self.evidence_.state_dict(), **self._seen.state(), **beside}

    def conclude(self, f: Map) -> FromModel:
        """Draw the conclusion from the evidence gathered so far."""
        if self.evidence_.samples < 2:
            raise DataError(f"x: expected at least 2 samples, received {self.evidence_.samples}; bring more data")
        precision = torch.finfo(self.points_.dtype).eps
        inquiry = self._inquiry(f)
        question = Question(
            road=type(self).__name__,
            action=self.rho_in,
            evidence=self.evidence_,
            points=self.points_,
            domain=self._seen.domain(),
            check=lambda xi, x: torch.tensor(flow_error(f, self.rho_in, self.rho_out, xi, x.to(self._device))),
            rank=self.rank,
            seed=self.seed,
            floor=bars.DIFFERENCE_FLOOR if self._method == "difference" else verdicts.ROUNDINGS * precision,
            resolution=bars.TRIVIAL_ROUNDINGS * precision,
            method=self._method,
            inquiry=inquiry,
            limits=() if inquiry else (_UNBOUNDED,),
        )
        self.symmetry_ = conclude(question)
        return self

    def _inquiry(self, f: Map) -> Inquiry | None:
        """The map at some of the samples; none where Jacobians there would be too large to hold."""
        entries = self.rho_in.size * max(self.rho_out.size, self.rho_in.algebra.dim)
        count = min(len(self._sample.points), _MOST_ENTRIES // entries)
        if entries * _FEWEST > _MOST_ENTRIES or self.rho_in.algebra.dim > _MOST_CANDIDATES:
            return None
        x = self._sample.points[:count].to(self._device)
        return Inquiry(
            lambda: rows_of(f, x, self.rho_in, self.rho_out, self._method), self.tolerance, self.level, self.seed
        )

    def _start(self) -> None:
        if not hasattr(self, "evidence_"):
            self._reset()

    def _reset(self) -> None:
        self.evidence_ = Evidence(self.rho_in, self.rho_out, FOLDS)
        self.points_ = torch.zeros(0, *self.rho_in.event)
        self._seen, self._sample = Seen(self.rho_in.size), Sample(self.rho_in.event)
        self._method, self._device = "", torch.device("cpu")

    def _keep(self, points: Tensor, start: int) -> None:
        """Keep some points of the held-out fold."""
        room = _KEPT - len(self.points_)
        if room:
            held = points[(HELD - start) % FOLDS :: FOLDS][:room].detach().cpu()
            self.points_ = torch.cat([self.points_.to(held.dtype), held])
