"""Moments, words and rules of graphs: exact values, permutations, and every way a graph can be given."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from isotropy.core._propagation import edge_values
from isotropy.errors import DataError
from isotropy.graphs import Graph, as_graph, join, moments, operator_words, word_names


def path(n):
    return torch.diag(torch.ones(n - 1), 1) + torch.diag(torch.ones(n - 1), -1)


def star(n):
    matrix = torch.zeros(n, n)
    matrix[0, 1:] = matrix[1:, 0] = 1
    return matrix


def cycle(n):
    return torch.eye(n).roll(1, 0) + torch.eye(n).roll(-1, 0)


def undirected(n, p, seed=0):
    upper = (torch.rand(n, n, generator=torch.Generator().manual_seed(seed)) < p).double().triu(1)
    return upper + upper.T


PRISM = torch.kron(torch.eye(2), cycle(3)) + torch.kron(torch.tensor([[0.0, 1], [1, 0]]), torch.eye(3))
BIPARTITE = torch.kron(torch.tensor([[0.0, 1], [1, 0]]), torch.ones(3, 3))


@pytest.mark.parametrize("A", [path(6), star(7), cycle(5), PRISM, undirected(12, 0.3)])
def test_moments_count_walks(A):
    powers = [torch.linalg.matrix_power(A.double(), p).sum(1) for p in range(1, 6)]
    assert torch.equal(moments(A, 5), torch.stack(powers, dim=1))


def test_moments_of_known_graphs():
    assert moments(star(5), 3)[0].tolist() == [4, 4, 16]
    assert moments(cycle(7), 4).tolist() == [[2, 4, 8, 16]] * 7
    networkx = pytest.importorskip("networkx", reason="needs the extra graphs")
    given_graph = networkx.barbell_graph(4, 2)
    assert torch.equal(moments(given_graph, 3), moments(networkx.to_numpy_array(given_graph), 3))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 3))
def test_words_are_products_of_matrices_and_follow_the_nodes(seed, length):
    A = undirected(7, 0.4, seed)
    degrees = A.sum(1)
    inverse = torch.where(degrees > 0, 1 / degrees.clamp(min=1), 0.0)
    operators = {
        "adjacency": A,
        "random_walk": inverse[:, None] * A,
        "symmetric": inverse.sqrt()[:, None] * A * inverse.sqrt(),
        "triangles": A * (A @ A),
    }
    words = operator_words(A, length, list(operators))
    for name, column in zip(word_names(length, list(operators)), words.T, strict=True):
        expected = torch.ones(7, dtype=torch.float64)
        for factor in reversed([] if name == "1" else name.split()):
            expected = operators[factor] @ expected
        assert torch.allclose(column, expected, atol=1e-9)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(seed))
    assert torch.allclose(operator_words(A[order][:, order], length, list(operators)), words[order], atol=1e-9)


def test_isolated_nodes_give_zero_and_no_nan():
    A = torch.zeros(4, 4)
    A[0, 1] = A[1, 0] = 1
    words = operator_words(A, 3)
    assert bool(torch.isfinite(words).all())
    assert float(words[2:, 1:].abs().max()) == 0
    assert float(operator_words(torch.zeros(3, 3), 2)[:, 1:].abs().max()) == 0


def test_random_walks_are_blind_without_isolated_nodes():
    pytest.importorskip("networkx", reason="random graphs need isotropy[graphs]")
    from isotropy.graphs import random_graphs

    for graph in random_graphs("swap", 6, 20, attachments=[1, 2, 3]).graphs:
        assert float((operator_words(graph, 5, ["random_walk"]) - 1).abs().max()) < 1e-12


def test_the_ceiling_of_colour_refinement():
    assert torch.equal(operator_words(PRISM, 6), operator_words(BIPARTITE, 6))
    apart = operator_words(PRISM, 1, ["triangles"]) - operator_words(BIPARTITE, 1, ["triangles"])
    assert float(apart[:, 1].min()) > 0


def test_rules_of_ones_own_and_weights():
    A = undirected(8, 0.5) * 2.5

    def halved(edges, weight, nodes):
        return weight / 2

    words = operator_words(A, 2, [halved])
    assert torch.allclose(words[:, 1], A.sum(1) / 2)
    assert word_names(1, [halved]) == ["1", "halved"]
    with pytest.raises(DataError, match="rule <lambda>: expected weights"):
        operator_words(A, 1, [lambda edges, weight, nodes: weight[:1]])
    with pytest.raises(DataError, match="rules: expected a list of callables or of adjacency"):
        operator_words(A, 1, ["laplacian"])
    with pytest.raises(DataError, match="order: expected at least 1"):
        moments(A, 0)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
def test_a_graph_may_come_as_anything():
    A = undirected(6, 0.5) * torch.rand(6, 6, dtype=torch.float64)  # directed and weighted
    expected = moments(A, 3)
    for same in (A.numpy(), A.to_sparse_coo(), A.to_sparse_csr(), csr_array(A.numpy()), as_graph(A), A.tolist()):
        assert torch.allclose(moments(same, 3), expected)
    assert torch.equal(as_graph(A).adjacency(), A)


def test_torch_geometric_data_are_graphs():
    geometric = pytest.importorskip("torch_geometric.data", reason="needs the extra graphs")
    A = undirected(6, 0.5)
    graph = as_graph(A)
    data = geometric.Data(edge_index=graph.edge_index, num_nodes=6)
    assert torch.equal(moments(data, 3), moments(A, 3))


def test_self_loops_count_once_and_equal_edges_add_up():
    assert moments(torch.tensor([[1.0]]), 2).tolist() == [[1, 1]]
    twice = Graph(torch.tensor([[0, 0], [1, 1]]), 2)
    assert moments(twice, 1)[:, 0].tolist() == [0, 2]


def test_joined_graphs_do_not_meet():
    parts = [path(3), star(4), torch.zeros(1, 1)]
    whole, owner = join(parts)
    assert torch.equal(moments(whole, 4), torch.cat([moments(part, 4) for part in parts]))
    assert owner.tolist() == [0, 0, 0, 1, 1, 1, 1, 2]


BAD = {
    "not square": (lambda: as_graph(torch.ones(2, 3)), r"expected a square matrix \(n, n\), received \(2, 3\)"),
    "not a matrix": (lambda: as_graph(torch.ones(3)), "expected a square matrix"),
    "sparse, not square": (lambda: as_graph(csr_array(np.ones((2, 3)))), "expected a square matrix"),
    "empty": (lambda: as_graph(torch.zeros(0, 0)), "expected at least one node, received 0; leave empty graphs out"),
    "NaN": (lambda: as_graph(torch.tensor([[0, torch.nan], [1, 0]])), "expected finite values"),
    "text": (lambda: as_graph("graph"), "expected an adjacency matrix, a networkx graph"),
    "a node beyond": (lambda: Graph(torch.tensor([[0], [3]]), 3), "expected nodes 0 to 2, received 0 to 3"),
    "fractions as nodes": (lambda: Graph(torch.ones(2, 1), 3), "expected integers"),
    "few weights": (lambda: Graph(torch.tensor([[0], [1]]), 2, torch.ones(3)), "edge_weight: expected 1 rows"),
    "few features": (lambda: Graph(torch.tensor([[0], [1]]), 2, x=torch.ones(3, 1)), "x: expected 2 rows"),
    "no graphs": (lambda: join([]), "expected at least one, with equal features, received 0"),
    "features of some": (
        lambda: join([Graph(torch.ones(2, 0, dtype=torch.long), 2, x=torch.ones(2, 1)), path(2)]),
        "give all graphs the same features or none",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_graph_is_refused(name):
    make, message = BAD[name]
    with pytest.raises(DataError, match=message):
        make()


def test_rules_in_single_precision_agree_with_double():
    graph = as_graph(undirected(9, 0.5))
    rules = ("adjacency", "random_walk", "symmetric", "triangles")
    single, double = (edge_values(rules, graph.edge_index, None, 9, kind) for kind in (torch.float32, torch.float64))
    assert float((single - double).abs().max()) < 1e-6
