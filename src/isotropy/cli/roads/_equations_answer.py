"""What ``isotropy equations`` says, as plain numbers and words."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...core._version import version
from ...datasets import Trajectories
from ...dynamics import Governing, SecondOrder, bars
from ._equations import Found


def answer_of(found: Found, data: Trajectories, names: list[str], origin: str, seed: int) -> dict[str, Any]:
    """The content of ``equations.json``."""
    model = found.model
    free = None if found.choice is None else found.choice.free.equations(names)
    doubts = [*found.problems, *_doubts(found, data, names)]
    return {
        "format": 1,
        "status": "undecided" if doubts else "done",
        "equations": model.equations(names),
        "latex": model.latex(names),
        "without_symmetry": free,
        "coordinates": names,
        "terms": model.dictionary.names(names),
        "coefficients": model.coef_.tolist(),
        "errors": model.errors_.tolist(),
        "inclusion": found.inclusion.tolist(),
        "free_parameters": model.free_parameters_,
        "symmetry": None if found.choice is None else found.choice.to_dict(),
        "road": found.road,
        "simulated": _distances(found, data),
        "doubts": doubts,
        "method": type(model).__name__,
        "order": 2 if isinstance(model, SecondOrder) else 1,
        "data": origin,
        "seed": seed,
        "isotropy_version": version(),
    }


def _doubts(found: Found, data: Trajectories, names: list[str]) -> list[str]:
    """What the data do not determine, in sentences."""
    words = _unsure(found.model, found.inclusion, names)
    if not bool((found.model.coef_ != 0).any()):
        words.append("no term was kept: nothing in the dictionary explains the data")
    error = None if found.choice is None else found.choice.chosen.error
    if error is not None and error > bars.MOST_HELD_OUT:
        words.append(
            f"held-out data are missed by {error:.0%} of their size (at most {bars.MOST_HELD_OUT:.0%}): noise, or "
            "terms that are not there"
        )
    gone = sum(path is None for path in found.paths)
    if gone:
        words.append(f"{gone} of {len(found.paths)} simulations run away before the data end")
    far = [d for d in _distances(found, data) if d is not None and d > bars.MOST_DISTANCE]
    if far:
        words.append(
            f"{len(far)} of {len(found.paths)} simulations leave their trajectory by up to {max(far):.0%} of "
            f"the spread of the data (at most {bars.MOST_DISTANCE:.0%})"
        )
    return words


def _unsure(model: Governing, inclusion: Tensor, names: list[str]) -> list[str]:
    """Terms that resampled data do without."""
    if not bool(torch.isfinite(inclusion).all()):
        return ["resampled data do not determine the equations: give more data, fewer terms or a symmetry"]
    terms = model.dictionary.names(names)
    kept = (model.coef_ != 0) & (inclusion < bars.LEAST_INCLUSION)
    return [
        f"{terms[j]} in the equation of {names[i]} is in {float(inclusion[i, j]):.0%} of the resampled fits only "
        f"(at least {bars.LEAST_INCLUSION:.0%})"
        for i, j in kept.nonzero().tolist()
    ]


def _distances(found: Found, data: Trajectories) -> list[float | None]:
    """Root mean square distance of each simulation from its trajectory, relative to the spread of all states."""
    spread = torch.cat(data.states).std(dim=0, correction=0).clamp_min(1e-300)
    pairs = zip(found.paths, data.states[: len(found.paths)], strict=True)
    return [None if p is None else float((((p - x) / spread) ** 2).mean().sqrt()) for p, x in pairs]
