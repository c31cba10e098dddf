"""Propagation rules: which weight each edge of a graph carries."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..errors import DataError

Rule = str | Callable[[Tensor, Tensor, int], Tensor]


def _adjacency(edges: Tensor, weight: Tensor, inverse: Tensor) -> Tensor:
    """``A``."""
    return weight


def _random_walk(edges: Tensor, weight: Tensor, inverse: Tensor) -> Tensor:
    """``D^-1 A``."""
    return weight * inverse.index_select(0, edges[1])


def _symmetric(edges: Tensor, weight: Tensor, inverse: Tensor) -> Tensor:
    """``D^-1/2 A D^-1/2``."""
    root = inverse.sqrt()
    return weight * root.index_select(0, edges[1]) * root.index_select(0, edges[0])


def _triangles(edges: Tensor, weight: Tensor, inverse: Tensor) -> Tensor:
    """``A * A^2`` entry by entry: each edge counts the triangles it is part of."""
    from scipy.sparse import coo_array

    source, target = edges.cpu().numpy()
    matrix = coo_array((weight.detach().cpu().double().numpy(), (target, source)), shape=(len(inverse),) * 2).tocsr()
    paths = (matrix @ matrix)[target, source]
    return weight * torch.as_tensor(paths).to(weight)


RULES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {  # of edges, weights, inverse degrees
    "adjacency": _adjacency,
    "random_walk": _random_walk,
    "symmetric": _symmetric,
    "triangles": _triangles,
}


def edge_values(
    rules: Sequence[Rule],
    edges: Tensor,
    weight: Tensor | None,
    nodes: int,
    dtype: torch.dtype,
    scale: float | Tensor = 1.0,
) -> Tensor:
    """Weights `(rules, edges)` of the operators that the rules make of one graph.

    Parameters
    ----------
    rules : sequence of str or callable
        ``"adjacency"`` is A, ``"random_walk"`` D^-1 A, ``"symmetric"`` D^-1/2 A D^-1/2, ``"triangles"`` A * A^2 entry
        by entry, where D holds the row sums of |A| and the inverse of 0 is 0, so that isolated nodes give 0. A callable
        takes edges `(2, edges)`, weights `(edges,)` and the number of nodes, and returns new weights.
    edges, weight, nodes
        The graph; no weight means ones.
    dtype : dtype
        Of the answer.
    scale : float
        Divides the weights before the rules are made, so that normalised rules do not change.
    """
    ones = torch.ones(edges.shape[1], dtype=dtype, device=edges.device)
    given = (ones if weight is None else weight.flatten().to(ones)) / scale
    inverse = _inverse_degrees(edges, given, nodes)
    return torch.stack([_values(rule, edges, given, inverse) for rule in rules])


def rule_name(rule: Rule) -> str:
    """What to call a rule."""
    return rule if isinstance(rule, str) else getattr(rule, "__name__", repr(rule))


def require_rules(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return the rules if there is one at least and each is known or callable."""
    unknown = [rule for rule in rules if not callable(rule) and rule not in RULES]
    if isinstance(rules, str) or not rules or unknown:
        raise DataError(
            f"rules: expected a list of callables or of {', '.join(RULES)}, received {unknown or rules!r}; pass "
            "e.g. ['adjacency']"
        )
    return tuple(rules)


def _values(rule: Rule, edges: Tensor, weight: Tensor, inverse: Tensor) -> Tensor:
    """The weights of one rule, if they are one for each edge."""
    found = RULES[rule](edges, weight, inverse) if isinstance(rule, str) else rule(edges, weight, len(inverse))
    if found.shape != weight.shape:
        raise DataError(
            f"rule {rule_name(rule)}: expected weights {tuple(weight.shape)}, one for each edge, received "
            f"{tuple(found.shape)}; return one number for each edge"
        )
    return found


def _inverse_degrees(edges: Tensor, weight: Tensor, nodes: int) -> Tensor:
    """One over the row sums of |A|, and 0 for 0."""
    degrees = weight.new_zeros(nodes).index_add(0, edges[1], weight.abs())
    return torch.where(degrees > 0, 1 / degrees.clamp(min=torch.finfo(degrees.dtype).tiny), torch.zeros_like(degrees))
