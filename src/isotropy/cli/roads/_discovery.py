"""Which road the samples are sent down, and several of them side by side."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...action._action import Action
from ...actions import PolynomialFields, TimeScaled
from ...core._linalg import EPSILON, principal_angles
from ...datasets import Trajectories
from ...discover import Discovery, FromDynamics, FromNoether, LaLiGAN, bars, by_method
from ...errors import DataError
from ..input._candidates import output_action
from ..input._sources import Source
from ._moved import shown_points

METHODS = ("direct", "liegan", "laligan", "auto")
LAWS = ("normal", "uniform", "integer")


@dataclass(frozen=True)
class Wish:
    """How the user wants to be answered.

    Attributes
    ----------
    methods : tuple of str
        Roads to take, each once.
    outputs, rank, seed, tolerance, level
        As on the command line.
    channels : int
        Generators that a game proposes.
    law : str
        Of their coefficients.
    latent : int
        Size of the latent space of ``laligan``.
    resume : str, optional
        Where a game keeps its state.
    """

    methods: tuple[str, ...]
    outputs: str
    rank: str | int | float
    seed: int
    channels: int = 1
    law: str = "normal"
    latent: int = 2
    resume: str | None = None
    tolerance: float = 0.05
    level: float = 0.05

    @property
    def rules(self) -> dict[str, Any]:
        """How candidates are judged, on every road."""
        return {"rank": self.rank, "tolerance": self.tolerance, "level": self.level, "seed": self.seed}

    def require_known(self) -> None:
        """Refuse unknown laws, unknown or repeated roads, and several games that would share one state."""
        for method in self.methods:
            if method not in METHODS:
                raise DataError(
                    f"--method: expected one of {', '.join(METHODS)}, received {method!r}; use direct if unsure"
                )
        if len(set(self.methods)) < len(self.methods):
            raise DataError(f"--method: expected every road once, received {', '.join(self.methods)}; drop one")
        if self.law not in LAWS:
            raise DataError(f"--law: expected one of {', '.join(LAWS)}, received {self.law!r}; use normal if unsure")
        games = [method for method in self.methods if method != "direct"]
        if self.resume is not None and len(games) != 1:
            raise DataError(f"--resume: expected one game to keep the state of, received {len(games)}; ask for one")


@dataclass(frozen=True)
class Taken:
    """One road that was taken.

    Attributes
    ----------
    method : str
        As it was asked for.
    found : Discovery
        Where it led.
    outputs : str or None
        How outputs were taken to move.
    seconds : float
        CPU time.
    """

    method: str
    found: Discovery
    outputs: str | None
    seconds: float


def take_roads(source: Source, action: Action, wish: Wish, progress: Any) -> list[Taken]:
    """Send the data down every road that was asked for."""
    taken: list[Taken] = []
    for method in wish.methods:
        start = time.process_time()
        found, how = _take(method, source, action, wish, progress)
        taken.append(Taken(method, found, how, time.process_time() - start))
    return taken


def best_of(taken: list[Taken]) -> Taken:
    """The first certified answer, or the first."""
    return next((road for road in taken if road.found.status_ == "certified"), taken[0])


def labelled(road: Taken) -> dict[str, Any]:
    """What a road says beside its symmetry: which latent generators are those of time."""
    return {"labels": road.found.labels_} if isinstance(road.found, LaLiGAN) else {}


def compared(taken: list[Taken], source: Source) -> list[dict[str, Any]]:
    """One row per road, with the principal angles, in degrees, to the answer of every road.

    Angles are those between the spans of velocities at samples, so that answers in different coordinates can be
    compared, and generators that do the same to the data are the same.
    """
    points = shown_points(source)
    fields = [_velocities(road.found, points) for road in taken]
    return [_row(road, field, fields) for road, field in zip(taken, fields, strict=True)]


def _row(road: Taken, field: Tensor, fields: list[Tensor]) -> dict[str, Any]:
    found = road.found
    return {
        "road": road.method,
        "method": type(found).__name__,
        "status": found.status_,
        "dimension": found.algebra_.dim,
        "name": found.identify().name,
        "seconds": round(road.seconds, 2),
        "vector_fields": found.vector_fields(),
        "basis": found.algebra_.basis.tolist(),
        "angles": [[round(math.degrees(a), 4) for a in _angles(field, other)] for other in fields],
    }


def _angles(first: Tensor, second: Tensor) -> list[float]:
    """Principal angles; none where one of the roads found nothing."""
    return principal_angles(first, second).tolist() if len(first) and len(second) else []


def _velocities(found: Discovery, points: Tensor) -> Tensor:
    """Velocities of the generators at samples, independent rows `(r, samples * n)`."""
    action = found.action_
    if not found.algebra_.dim:
        return points.new_zeros(0, points.numel())
    rows = action.fields(points.reshape(len(points), *action.event)).transpose(0, 1).flatten(1)
    sizes, axes = torch.linalg.svd(rows, full_matrices=False)[1:]
    return axes[sizes > math.sqrt(EPSILON) * sizes[0]]


def _take(method: str, source: Source, action: Action, wish: Wish, progress: Any) -> tuple[Discovery, str | None]:
    """One road; of a map, also say how its outputs were taken to move."""
    if source.kind in ("dynamics", "mechanics"):
        return _along_trajectories(method, source, action, wish, progress), None
    data: Any = source.data
    if method == "laligan":
        return _latent(source, wish, progress), None
    points = data.x.reshape(len(data.x), *action.event)
    options: dict[str, Any] = {**wish.rules, "progress": progress, "resume": wish.resume}
    options |= {"n_generators": wish.channels, "law": wish.law}
    if data.y is None:
        return by_method(method, action, action, points, **options), None
    rho_out, how = output_action(action, data.y.shape[1], wish.outputs)
    y = data.y[:, 0] if data.y.shape[1] == 1 else data.y
    return by_method(method, action, rho_out, points, y, **options), how


def _along_trajectories(method: str, source: Source, action: Action, wish: Wish, progress: Any) -> Discovery:
    data: Any = source.data
    if method == "laligan":
        return _latent(source, wish, progress)
    if source.kind == "mechanics":
        if method not in ("direct", "auto"):
            raise DataError(f"--method {method}: expected no --noether, received it; leave one of them out")
        return FromNoether(action, **wish.rules).fit(data.states, data.times)
    direct = None
    if method != "liegan":
        direct = FromDynamics(action, **wish.rules).fit(data.states, data.times, progress=progress)
        if method == "direct" or direct.status_ != "undecided":
            return direct
    played = _by_steps(data, action, wish, progress)
    return played if direct is None or played.status_ == "certified" else direct


def _by_steps(data: Trajectories, action: Action, wish: Wish, progress: Any) -> Discovery:
    """A game on the map from a state to its step, which turns with the states; the state itself would hide it."""
    if isinstance(action, TimeScaled | PolynomialFields):
        raise DataError(
            "--method: expected direct with --time-scaling or poly candidates, received a game, which moves steps "
            "as linear and affine candidates do; use --method direct"
        )
    before, after = steps(data)
    return by_method(
        "liegan", action, action.tangent(), before, after - before, n_generators=wish.channels, law=wish.law,
        resume=wish.resume, progress=progress, **wish.rules,
    )  # fmt: skip


def _latent(source: Source, wish: Wish, progress: Any) -> Discovery:
    """A symmetry in latent coordinates, of points or of steps."""
    data: Any = source.data
    if source.kind == "supervised":
        raise DataError("--method laligan: expected points or trajectories, received --y; leave --y out")
    x, y = steps(data) if isinstance(data, Trajectories) else (data.x, None)
    game = LaLiGAN(
        min(wish.latent, x.shape[1]), wish.channels, tolerance=wish.tolerance, level=wish.level, seed=wish.seed
    )
    return game.fit(x, y, resume=wish.resume, progress=progress)


def steps(data: Trajectories) -> tuple[Tensor, Tensor]:
    """States and those one sample later, `(pairs, n)` each.

    Raises
    ------
    DataError
        If samples are not equally spaced in time: then there is no one step.
    """
    gaps = torch.cat([t.diff() for t in data.times]).to(torch.float64)
    if float(gaps.max() - gaps.min()) > bars.EVEN_STEPS * float(gaps.mean()):
        raise DataError(
            f"--time: expected equal steps for a game, received steps from {float(gaps.min()):.3g} to "
            f"{float(gaps.max()):.3g}; resample, or use --method direct"
        )
    return torch.cat([s[:-1] for s in data.states]), torch.cat([s[1:] for s in data.states])
