"""One call for every road to the symmetries of samples."""

from __future__ import annotations

import os
from typing import Any

from ..action._action import Action
from ..errors import DataError
from .direct._from_data import FromData
from .evidence._result import Discovery
from .games._adversary import Progress
from .games._liegan import LieGAN
from .shape._from_points import FromPoints

METHODS = ("direct", "liegan", "auto")
_WHOLE = 3.0  # largest whole number of steps: powers of an element sharpen what is known of it


def by_method(
    method: str,
    rho_in: Action,
    rho_out: Action,
    x: Any,
    y: Any = None,
    *,
    n_generators: int = 1,
    law: str = "normal",
    rank: str | int | float = "gap",
    tolerance: float = 0.05,
    level: float = 0.05,
    resume: str | os.PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Discovery:
    """Discover by the direct road, by an adversarial game, or by the game only where the direct road stays open.

    Parameters
    ----------
    method : "direct", "liegan" or "auto"
        With ``"auto"`` the direct road is asked first; if its answer is "undecided", the game is played, and its
        answer is taken if it is certified.
    rho_in, rho_out : Action
        Candidate actions on inputs and outputs.
    x, y
        Samples `(S, *event)` and values, labels, or None for points alone.
    n_generators : int
        Channels of the game.
    law : "normal", "uniform" or "integer"
        Of the coefficients in the game; whole numbers find single elements and their powers.
    rank : "gap", int or float
        How to cut the spectrum.
    tolerance, level : float
        Defect that is accepted, and the risk to be wrong.
    resume : str or PathLike, optional
        A ``.safetensors`` name: the game writes its state beside it, and a rerun goes on from there.
    seed : int
        Of everything random.
    progress : callable, optional
        Called with the steps done, all steps and a word.

    Raises
    ------
    DataError
        If the method is unknown, or the data cannot decide.
    """
    if method not in METHODS:
        raise DataError(f"method: expected one of {', '.join(METHODS)}, received {method!r}; use 'auto' if unsure")
    rules: dict[str, Any] = {"rank": rank, "tolerance": tolerance, "level": level, "seed": seed}
    direct = None if method == "liegan" else _ask(rho_in, rho_out, x, y, rules, progress)
    if direct is not None and (method == "direct" or direct.status_ != "undecided"):
        return direct
    game = LieGAN(
        rho_in, None if y is None else rho_out, n_generators=n_generators, law=law,
        width=_WHOLE if law == "integer" else 1.0, conditional="auto", **rules,
    )  # fmt: skip
    played = game.fit(x, y, resume=resume, progress=progress)
    return played if direct is None or played.status_ == "certified" else direct


def _ask(
    rho_in: Action, rho_out: Action, x: Any, y: Any, rules: dict[str, Any], progress: Progress | None
) -> Discovery:
    if y is None:
        return FromPoints(rho_in, **rules).fit(x)
    return FromData(rho_in, rho_out, **rules).fit(x, y, progress=progress)
