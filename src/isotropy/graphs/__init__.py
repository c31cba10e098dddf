"""Graph moments, words of propagation rules, and what a depth of them can learn."""

from ._graph import Graph as Graph
from ._graph import as_graph as as_graph
