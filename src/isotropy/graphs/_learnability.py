"""Which functions of nodes a depth of propagation rules can learn, by least squares instead of training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..core._adjacency import Graph, as_graph, join
from ..core._propagation import RULES, Rule, require_rules, rule_name
from ..errors import DataError
from . import bars
from ._operator_words import mean_degree, moments, operator_words
from ._random import random_graphs

Target = int | str | Callable[[Graph], Tensor] | Sequence[Any]


@dataclass(frozen=True)
class Learnability:
    """What so many layers with linear activations, biases and skip connections can do at best.

    Attributes
    ----------
    residual : float
        Mean squared error over the variance of the target, on nodes of held-out graphs; 0 is learnable, 1 is blind.
    learnable : bool
        Whether the residual is rounding.
    words : int
        Independent functions that the rules reach at this depth.
    suggestion : str
        The known rule whose addition helps most, or empty if the target is learnable or none helps by half.
    """

    residual: float
    learnable: bool
    words: int
    suggestion: str


def learnability(
    rules: Sequence[Rule], depth: int, target: Target, graphs: Sequence[Any] | None = None, *, seed: int = 0
) -> Learnability:
    """Decide by least squares what training could reach.

    With linear activations the functions that a network of ``depth`` modules can represent are the span of all words of
    up to ``depth`` rules applied to 1, so the best fit needs no training. The fit is on half of the graphs and the
    residual on the other half.

    Parameters
    ----------
    rules : sequence of str or callable
        Propagation rules.
    depth : int
        Layers.
    target : int, "triangles", callable or sequence
        An order p stands for ``A^p 1``; ``"triangles"`` for the triangles at each node; a callable takes a ``Graph``
        and returns `(nodes,)`; a sequence holds `(nodes,)` for each of ``graphs``.
    graphs : sequence, optional
        The question is asked for these; if left out, for Barabási-Albert and Erdős-Rényi graphs of 20 nodes.
    seed : int
        Of the graphs, if they are left out, and of the halves.

    Raises
    ------
    DataError
        If a rule is not known, there are fewer than two graphs, or the target does not vary or fit the nodes.

    References
    ----------
    dehmamy2019understanding

    Examples
    --------
    >>> [learnability(["adjacency"], depth, 2).learnable for depth in (1, 2)]
    [False, True]
    >>> learnability(["random_walk"], 3, 1).suggestion
    'adjacency'
    """
    known = require_rules(rules)
    chosen = [as_graph(g) for g in (random_graphs("er", 200, 20, seed=seed).graphs if graphs is None else graphs)]
    if len(chosen) < 2:
        raise DataError(f"graphs: expected at least two, received {len(chosen)}; one half is held out")
    values = _target_values(target, chosen)
    order = torch.randperm(len(chosen), generator=torch.Generator().manual_seed(seed))
    held_out = torch.zeros(len(chosen), dtype=torch.bool).index_fill(0, order[: len(chosen) // 2], True)
    whole, owner = join([Graph(g.edge_index, g.num_nodes, g.edge_weight) for g in chosen])
    residual, words = _best(whole, known, depth, values, held_out[owner])
    learnable = residual < bars.LEARNABLE
    return Learnability(
        residual,
        learnable,
        words,
        "" if learnable else _suggest(whole, known, depth, values, held_out[owner], residual),
    )


def _best(graph: Graph, rules: tuple[Rule, ...], depth: int, target: Tensor, held_out: Tensor) -> tuple[float, int]:
    """Held-out residual of the least-squares fit and the rank of the words."""
    words = operator_words(graph, depth, rules, scale=mean_degree(graph))
    scaled = words / words.norm(dim=0).clamp(min=torch.finfo(words.dtype).tiny)
    size = target.abs().amax().clamp(min=torch.finfo(words.dtype).tiny)
    solved = torch.linalg.lstsq(scaled[~held_out], (target / size)[~held_out, None], driver="gelsd", rcond=1e-13)
    missed = (scaled[held_out] @ solved.solution)[:, 0] - (target / size)[held_out]
    spread = (target / size)[held_out].var(correction=0)
    if not spread > 0:
        raise DataError("target: expected values that vary, received a constant; every rule learns that")
    return float(missed.square().mean() / spread), int(solved.rank)


def _suggest(
    graph: Graph, rules: tuple[Rule, ...], depth: int, target: Tensor, held_out: Tensor, residual: float
) -> str:
    """The known rule that lowers the residual most, if it halves it."""
    others = [name for name in RULES if name not in rules]
    if not others:
        return ""
    found = {name: _best(graph, (*rules, name), depth, target, held_out)[0] for name in others}
    best = min(found, key=lambda name: found[name])
    return rule_name(best) if found[best] < bars.MOST_LEFT * residual else ""


def _target_values(target: Target, graphs: list[Graph]) -> Tensor:
    """The target on all nodes `(nodes,)`."""
    if isinstance(target, Sequence) and not isinstance(target, str):
        parts = [torch.as_tensor(one) for one in target]
    else:
        parts = [_on_graph(target, graph) for graph in graphs]
    sizes = [graph.num_nodes for graph in graphs]
    if [tuple(part.shape) for part in parts] != [(size,) for size in sizes]:
        raise DataError(
            f"target: expected one value for each of {sizes[:3]}... nodes, received shapes "
            f"{[tuple(part.shape) for part in parts[:3]]}...; return one number for each node"
        )
    return torch.cat(parts).to(torch.float64)


def _on_graph(target: int | str | Callable[[Graph], Tensor], graph: Graph) -> Tensor:
    """The target on one graph."""
    if callable(target):
        return torch.as_tensor(target(graph))
    if isinstance(target, int):
        return moments(graph, target)[:, -1]
    if target == "triangles":
        return operator_words(graph, 1, ["triangles"])[:, 1] / 2
    raise DataError(f'target: expected an order, "triangles", a callable or values, received {target!r}; choose one')
