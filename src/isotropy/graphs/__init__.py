"""Graph moments, words of propagation rules, what a depth of them can learn, and graphs to test it on."""

from ..core._adjacency import Graph as Graph
from ..core._adjacency import as_graph as as_graph
from ..core._adjacency import join as join
from ._audit import leak_audit as leak_audit
from ._features import GraphMoments as GraphMoments
from ._learnability import Learnability as Learnability
from ._learnability import learnability as learnability
from ._operator_words import moments as moments
from ._operator_words import operator_words as operator_words
from ._operator_words import word_names as word_names
from ._random import RandomGraphs as RandomGraphs
from ._random import double_edge_swap as double_edge_swap
from ._random import random_graphs as random_graphs
