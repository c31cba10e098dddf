"""Where a symmetry acts: the point that it keeps, and the frame in which it has its usual form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..action._action import Action
from ..action._spanned import SpannedAction, coordinate_names, write_sum
from ..algebra import bars as algebra_bars
from ..algebra._frame import Frame, balance, frame_of, invariant_form
from ..algebra._lie_algebra import LieAlgebra
from . import bars
from ._domain import Domain

_DIGITS = 6  # at most, of a centre or of a length


@dataclass(frozen=True)
class Place:
    """Where a symmetry acts, in the columns and units of the data.

    Attributes
    ----------
    centre : tuple of float or None
        The point that all generators keep; NaN along columns that they do not determine. None where they keep none, or
        one that may be the origin.
    error : tuple of float or None
        Its uncertainty.
    form : Tensor or None
        `(n, n)` the quadratic form about the centre that they keep, the middle one of its sizes 1; None where it is the
        usual one, or not determined.
    words : str
        Such as ``"about (120, -45, 300) mm, in x/1e+06, y, z/0.001"``; empty if there is nothing to say.
    """

    centre: tuple[float, ...] | None = None
    error: tuple[float, ...] | None = None
    form: Tensor | None = None
    words: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "centre": None if self.centre is None else list(self.centre),
            "centre_error": None if self.error is None else list(self.error),
            "form": None if self.form is None else self.form.tolist(),
            "where": self.words,
        }


def framed(
    action: Action, algebra: LieAlgebra, candidates: Action, uncertainty: Tensor, domain: Domain
) -> tuple[Frame, float] | None:
    """The frame of an algebra and the relative noise of its generators in it; None if it moves columns in another way.

    Parameters
    ----------
    uncertainty : Tensor
        `(k, dim)` of the coefficients in the candidates.
    """
    told = _told(action, algebra)
    if told is None or not isinstance(candidates, SpannedAction):
        return None
    size = action.size
    linear, shift = told[:, :, :size], told[:, :, size:].sum(2)
    mean, spread = _cloud(domain, size)
    scale = balance(linear, spread)
    entries = torch.einsum("kd,dij->kij", uncertainty.square(), candidates.tensor[:, :, :size].square()).sqrt()
    turns = linear * scale[:, None] / scale
    largest = turns.abs().flatten(1).amax(1)
    if mean is not None and spread is not None and shift.any():  # a shift may be all that a motion does to the data
        shifts = (shift + linear @ mean) * scale / float((spread * scale).square().mean().sqrt().clamp_min(1e-300))
        largest = largest.maximum(shifts.abs().amax(1))
    relative = (entries * scale[:, None] / scale / largest.clamp_min(1e-300)[:, None, None])[largest > 0]
    known = relative[relative > 0]
    noise = min(float(known.median()), bars.MOST_NOISE) if len(known) else 0.0
    return frame_of(linear, shift, max(noise, algebra_bars.FLOOR), mean, spread), noise


def _told(action: Action, algebra: LieAlgebra) -> Tensor | None:
    """Entries `(k, n, n)` or `(k, n, n + 1)` that move the columns, if they are the matrices of the algebra."""
    if not isinstance(action, SpannedAction) or not algebra.is_matrix or not algebra.dim:
        return None
    size, basis = action.size, algebra.basis
    told = basis[:, :-1] if basis.shape[1] == size + 1 and not bool(basis[:, -1].any()) else basis
    return told if told.shape == action.tensor.shape and torch.allclose(told, action.tensor) else None


def _cloud(domain: Domain, size: int) -> tuple[Tensor | None, Tensor | None]:
    """Means and spreads `(size,)` of the columns, where they are known."""
    table = torch.tensor([[c.mean, c.spread] for c in domain.columns], dtype=torch.float64)
    if len(table) != size or not bool(table.isfinite().all()):
        return None, None
    return table[:, 0], table[:, 1]


def place_of(frame: Frame, noise: float, domain: Domain, affine: bool) -> Place:
    """Where motions act, in words that say nothing of what is usual or not known."""
    size = len(frame.scale)
    names = domain.names or coordinate_names(size)
    if len(names) != size:
        return Place()
    centre, error = _centre(frame, noise, domain) if affine else (None, None)
    form = _unusual_form(frame, noise)
    words = "" if centre is None or error is None else f"about {_point(centre, error, names, domain)}"
    if form is not None:
        words += f"{', ' if words else ''}{_form_words(form, noise, names)}"
    return Place(_plain(centre), _plain(error), form, words)


def _plain(values: Tensor | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(values.tolist())


def _centre(frame: Frame, noise: float, domain: Domain) -> tuple[Tensor | None, Tensor | None]:
    """The fixed point with its uncertainty; none where there is none, or where it may be the origin."""
    known = frame.determined
    if not frame.fixed or not bool(known.any()):
        return None, None
    mean, spread = _cloud(domain, len(frame.scale))
    turns = frame.balanced(frame.linear)
    stack = turns.flatten(0, 1) @ frame.moved.T
    root = torch.linalg.pinv(stack)
    # A shift is known as well as the turns are where the data lie: to the noise, times their reach from there.
    reach = (frame.centre - (0 if mean is None else mean)) * frame.scale
    cloud = 0.0 if spread is None else float((spread * frame.scale).square().mean().sqrt())
    size = max(noise, algebra_bars.FLOOR) * float(turns.abs().amax()) * math.hypot(cloud, float(reach.norm()))
    error = (frame.moved.T @ root).norm(dim=1) * size / frame.scale
    centre = torch.where(known, frame.centre, torch.full_like(frame.centre, torch.nan))
    if not bool((centre.abs() > 2 * error)[known].any()):
        return None, None
    return centre, torch.where(known, error, torch.full_like(error, torch.nan))


def _point(centre: Tensor, error: Tensor, names: Sequence[str], domain: Domain) -> str:
    """A point, to the digits that are known, with units; by name where some columns are not determined."""
    units = [column.unit for column in domain.columns] or [""] * len(names)
    texts = [_rounded(value, doubt) for value, doubt in zip(centre.tolist(), error.tolist(), strict=True)]
    shown = [place for place, value in enumerate(centre.tolist()) if not math.isnan(value)]
    common = {units[place] for place in shown}
    unit = f" {common.pop()}" if len(common) == 1 and any(common) else ""
    if not unit:
        texts = [f"{text} {mark}".strip() for text, mark in zip(texts, units, strict=True)]
    if len(shown) == len(names):
        return f"({', '.join(texts)}){unit}"
    return ", ".join(f"{names[place]} = {texts[place]}{unit}" for place in shown)


def _rounded(value: float, doubt: float) -> str:
    """A number to the digit of its doubt."""
    if math.isnan(value):
        return ""
    places = -math.floor(math.log10(doubt)) if doubt > 0 else 12
    return f"{round(value, places) + 0.0:.{_DIGITS}g}"


def _unusual_form(frame: Frame, noise: float) -> Tensor | None:
    """The invariant form, unless it is a sum of squares, or of squares with signs, of the columns as they are."""
    form = invariant_form(frame, noise)
    if form is None:
        return None
    diagonal = form.diagonal()
    if float(diagonal.sum()) < 0:
        form, diagonal = -form, -diagonal
    for signs in (torch.ones_like(diagonal), torch.where(diagonal < 0, -1.0, 1.0).double()):
        kept = frame.linear.transpose(1, 2) * signs
        if float((kept + kept.transpose(1, 2)).norm()) <= _open_to(noise) * float(frame.linear.norm()):
            return None
    lengths = diagonal.abs()[diagonal.abs() > 0].sort().values
    return form / lengths[(len(lengths) - 1) // 2] if len(lengths) else None


def _open_to(noise: float) -> float:
    return max(algebra_bars.SLACK * noise, algebra_bars.KEPT)


def _form_words(form: Tensor, noise: float, names: Sequence[str]) -> str:
    """Units in which the form is the usual one, or the form where it mixes columns."""
    sizes = form.diagonal().abs().sqrt()
    digits = max(1, min(_DIGITS - 2, math.floor(-math.log10(max(2 * noise, 1e-9)))))
    mixed = form / (sizes[:, None] * sizes).clamp_min(1e-300)
    mixed = mixed - torch.diag_embed(mixed.diagonal())
    if float(mixed.abs().amax()) <= _open_to(noise):
        units = [(name, f"{1 / size:.{digits}g}") for name, size in zip(names, sizes.tolist(), strict=True) if size > 0]
        return "in " + ", ".join(name if unit == "1" else f"{name}/{unit}" for name, unit in units)
    terms = [
        ((1 if i == j else 2) * float(form[i, j]), f"{names[i]}^2" if i == j else f"{names[i]} {names[j]}")
        for i in range(len(names))
        for j in range(i, len(names))
        if i == j or abs(float(mixed[i, j])) > _open_to(noise)
    ]
    return "keeping " + write_sum(terms, digits)
