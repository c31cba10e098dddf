"""Training on reference energies and forces, with every structure in a new orientation every time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...errors import DataError
from ...quadrature import haar
from ..structure._neighbours import Graph, energies_and_forces, graph, joined
from ..structure._structure import as_frames, require_frame
from ._point_edge import PointEdgeTransformer

Progress = Callable[[int, int, str], None]
_ENERGY_SHARE = 0.01
_STEEPEST = 5.0  # norm of the loss's gradient, cut above
_MEMORY = 0.7  # of the running mean squares that weigh energies against forces


@dataclass(frozen=True)
class Accuracy:
    """Mean absolute errors against references.

    Attributes
    ----------
    energy : float
        In eV for each structure; a common offset of the structures is taken off.
    forces : float
        In eV/A for each component.
    spread : float
        Standard deviation of reference forces, for comparison.
    """

    energy: float
    forces: float
    spread: float


@dataclass(frozen=True)
class _Examples:
    """Structures with references."""

    graphs: list[Graph]
    energies: Tensor
    forces: list[Tensor]

    def batch(self, chosen: Sequence[int]) -> tuple[Graph, Tensor, Tensor]:
        g = joined([self.graphs[k] for k in chosen])
        return g, self.energies[list(chosen)].to(g.vectors), torch.cat([self.forces[k] for k in chosen]).to(g.vectors)


def train(
    model: PointEdgeTransformer,
    frames: Any,
    steps: int = 4000,
    *,
    batch: int = 16,
    rate: float = 2e-3,
    augment: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[float]:
    """Fit a model to energies and forces, with a new random rotation or reflection of each structure each time.

    The loss is ``0.01 MSE_E / s_E^2 + MSE_F / s_F^2`` with running root mean square errors s; Adam, with a rate that
    falls as a cosine. Energies of elements are fitted first and kept in ``model.baseline``.

    Parameters
    ----------
    model : PointEdgeTransformer
        Changed in place.
    frames : Atoms or iterable of Atoms
        With energies and forces on their calculators, as ase reads them from a file.
    steps, batch, rate
        Steps of the optimizer, structures in each, and its first rate.
    augment : bool
        Whether structures are turned.
    seed : int
        Of batches and rotations.
    progress : callable, optional
        Called with the step, all steps and the error of forces.

    Returns
    -------
    list of float
        Root mean square error of forces in every step, in eV/A.

    Raises
    ------
    DataError
        If a frame has no reference or one that is not finite, or an element the model does not know.
    """
    examples = _examples(model, frames)
    model.baseline.copy_(_baseline(model, examples))
    targets = _Examples(examples.graphs, _without_baseline(model, examples), examples.forces)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    running: Tensor | None = None
    history: list[float] = []
    for step in range(steps):
        chosen = torch.randint(len(targets.graphs), (batch,), generator=generator).tolist()
        g, energies, forces = targets.batch(chosen)
        g, forces = _augmented(g, forces, generator) if augment else (g, forces)
        squares = _squares(model, g, energies, forces)
        now = squares.detach()
        running = now if running is None else _MEMORY * running + (1 - _MEMORY) * now
        optimizer.zero_grad()
        (squares / running @ squares.new_tensor([_ENERGY_SHARE, 1.0])).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), _STEEPEST)
        optimizer.step()
        schedule.step()
        history.append(float(now[1].sqrt()))
        if progress is not None:
            progress(step + 1, steps, f"forces {history[-1]:.4f} eV/A")
    return history


def accuracy(model: PointEdgeTransformer, frames: Any, batch: int = 16) -> Accuracy:
    """Errors of a model at frames with references, as they stand.

    Parameters
    ----------
    model : PointEdgeTransformer
        The model.
    frames : sequence of Atoms
        With reference energies and forces.
    batch : int
        Structures that are computed at once.

    Raises
    ------
    DataError
        As ``train``.
    """
    examples = _examples(model, frames)
    away: list[Tensor] = []
    forces: list[Tensor] = []
    targets = _without_baseline(model, examples)
    for chosen in torch.arange(len(examples.graphs)).split(batch):
        g, _, reference = examples.batch(chosen.tolist())
        energies, found, _ = energies_and_forces(model, g)
        away.append(energies - targets[chosen].to(energies))
        forces.append((found - reference).abs().flatten())
    offsets = torch.cat(away)
    spread = float(torch.cat(examples.forces).std())
    return Accuracy(float((offsets - offsets.mean()).abs().mean()), float(torch.cat(forces).mean()), spread)


def _squares(model: PointEdgeTransformer, g: Graph, energies: Tensor, forces: Tensor) -> Tensor:
    """Mean squared errors of energies and forces."""
    found, pushed, _ = energies_and_forces(model, g, create_graph=True)
    return torch.stack([(found - energies).square().mean(), (pushed - forces).square().mean()])


def _augmented(g: Graph, forces: Tensor, generator: torch.Generator) -> tuple[Graph, Tensor]:
    """Each structure after its own random element of O(3)."""
    signs = 1 - 2 * torch.randint(2, (g.count, 1, 1), generator=generator)
    turns = (haar(g.count, generator).rotations * signs).to(g.vectors)
    vectors = (turns[g.structures[g.centres]] @ g.vectors[:, :, None])[..., 0]
    return g.moved(vectors), (turns[g.structures] @ forces[:, :, None])[..., 0]


def _examples(model: PointEdgeTransformer, frames: Any) -> _Examples:
    """Graphs in the dtype of the model, references in float64."""
    dtype = next(model.parameters()).dtype
    graphs: list[Graph] = []
    references: list[tuple[Tensor, Tensor]] = []
    for index, atoms in enumerate(as_frames(frames)):
        require_frame(atoms, index, ())
        references.append(_reference(atoms, index))
        graphs.append(graph(atoms, model.cutoff, dtype))
        model.kinds(graphs[-1].species)
    energies, forces = zip(*references, strict=True)
    return _Examples(graphs, torch.stack(energies), list(forces))


def _reference(atoms: Any, index: int) -> tuple[Tensor, Tensor]:
    stored: dict[str, Any] = getattr(atoms.calc, "results", {})
    missing = sorted({"energy", "forces"} - set(stored))
    if missing:
        raise DataError(
            f"frame {index}: expected reference energy and forces, received no {' and no '.join(missing)}; "
            "attach them with ase's SinglePointCalculator"
        )
    values = tuple(torch.as_tensor(stored[name], dtype=torch.float64) for name in ("energy", "forces"))
    if not all(bool(torch.isfinite(value).all()) for value in values) or values[1].shape != (len(atoms), 3):
        raise DataError(
            f"frame {index}: expected a finite energy and finite forces of shape ({len(atoms)}, 3), received "
            f"NaN, infinity or shape {tuple(values[1].shape)}; leave the frame out"
        )
    return values[0], values[1]


def _composition(model: PointEdgeTransformer, examples: _Examples) -> Tensor:
    """`(structures, species)` numbers of atoms."""
    size = len(model.baseline)
    return torch.stack([torch.bincount(model.kinds(g.species), minlength=size) for g in examples.graphs]).double()


def _baseline(model: PointEdgeTransformer, examples: _Examples) -> Tensor:
    """Energies of elements by least squares; the smallest ones where compositions do not tell them apart."""
    counts = _composition(model, examples)
    return torch.linalg.lstsq(counts, examples.energies[:, None], driver="gelsd").solution[:, 0]


def _without_baseline(model: PointEdgeTransformer, examples: _Examples) -> Tensor:
    return examples.energies - _composition(model, examples) @ model.baseline.double()
