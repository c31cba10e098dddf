"""Random pairs, their leaks, and what least squares says can be learnt."""

import sys

import pytest
import torch
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.utils.estimator_checks import check_estimator

from isotropy.errors import DataError, MissingExtraError, NotFittedError
from isotropy.graphs import (
    GraphMoments,
    as_graph,
    double_edge_swap,
    leak_audit,
    learnability,
    moments,
    operator_words,
    random_graphs,
)
from isotropy.testing import assert_estimator

networkx = pytest.importorskip("networkx", reason="random graphs need isotropy[graphs]")


def edges(graph):
    return graph.edge_index.shape[1] // 2


@pytest.mark.parametrize("kind", ["er", "gnm", "configuration", "swap"])
def test_graphs_are_simple_and_undirected(kind):
    data = random_graphs(kind, 20, 16, seed=3)
    for graph in data.graphs:
        A = graph.adjacency()
        assert torch.equal(A, A.T)
        assert float(A.diagonal().abs().max()) == 0
        assert float(A.max()) <= 1
    if kind != "er":
        assert all(edges(a) == edges(b) for a, b in zip(data.graphs[::2], data.graphs[1::2], strict=True))
    again = random_graphs(kind, 20, 16, seed=3)
    assert all(torch.equal(a.edge_index, b.edge_index) for a, b in zip(data.graphs, again.graphs, strict=True))


def test_preferential_attachment_has_its_number_of_edges():
    grown = random_graphs("swap", 10, 20, attachments=[1, 2, 3, 5, 10]).graphs[::2]
    assert [edges(graph) for graph in grown] == [19, 36, 51, 75, 100]


def test_swaps_keep_every_degree_and_change_the_graph():
    data = random_graphs("swap", 12, 30, attachments=[1, 2, 3])
    for first, second in zip(data.graphs[::2], data.graphs[1::2], strict=True):
        assert torch.equal(moments(first, 1), moments(second, 1))
        assert not torch.equal(first.adjacency(), second.adjacency())
    swapped = double_edge_swap(data.graphs[0], seed=5)
    assert torch.equal(moments(swapped, 1), moments(data.graphs[0], 1))
    assert float(swapped.adjacency().max()) == 1
    with pytest.raises(DataError, match="expected no self-loops"):
        double_edge_swap(torch.ones(3, 3))


def test_what_cannot_be_swapped_stays():
    for still in (networkx.complete_graph(6), networkx.star_graph(5), networkx.path_graph(3), networkx.empty_graph(4)):
        before = as_graph(still).adjacency()
        assert torch.equal(double_edge_swap(still).adjacency(), before)
    ring = networkx.cycle_graph(30)
    once = double_edge_swap(ring, swaps=1).adjacency()
    assert float((once - as_graph(ring).adjacency()).abs().sum()) == 8  # two edges out, two in, each both ways


def test_without_networkx_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'isotropy\[graphs\]'"):
        random_graphs("er", 2, 8)
    with pytest.raises(MissingExtraError, match=r"pip install 'isotropy\[graphs\]'"):
        double_edge_swap(torch.ones(4, 4) - torch.eye(4))


def test_splits_keep_twins_together():
    data = random_graphs("gnm", 40, 8)
    train, test = data.split(0.25, seed=1)
    assert len(test) == 10
    assert not set(data.groups[train].tolist()) & set(data.groups[test].tolist())


def test_the_audit_finds_what_each_kind_gives_away():
    found = {}
    for kind, steps in {"er": None, "gnm": [1, 2, 3], "swap": [1, 2, 3]}.items():
        data = random_graphs(kind, 300, 30, attachments=steps)
        found[kind] = leak_audit(data.graphs, data.labels, data.groups, folds=3)
    assert found["er"]["edges"] >= 0.97
    assert found["gnm"]["edges"] == pytest.approx(0.5, abs=0.03)
    assert found["swap"]["edges"] == pytest.approx(0.5, abs=0.03)
    assert found["swap"]["degrees"] == pytest.approx(0.5, abs=0.03)
    assert found["gnm"]["degrees"] > 0.9
    assert {one["chance"] for one in found.values()} == {0.5}
    assert {one["nodes"] for one in found.values()} == {0.5}


@pytest.mark.slow
def test_longer_words_see_more_of_swapped_graphs():
    data = random_graphs("swap", 900, 30, attachments=[1, 2, 3])
    train, test = data.split(0.3)
    scores = []
    for length in (1, 2):
        features = GraphMoments(length).fit_transform(data.graphs)
        model = GradientBoostingClassifier(max_features="sqrt", random_state=0)
        model.fit(features[train], data.labels[train].numpy())
        scores.append(model.score(features[test], data.labels[test].numpy()))
    assert scores[1] - scores[0] >= 0.08


@pytest.mark.parametrize(("order", "low", "high"), [(2, 0.05, 0.15), (3, 0.05, 0.3)])
def test_a_moment_needs_as_many_layers_as_its_order(order, low, high):
    found = [learnability(["adjacency"], depth, order) for depth in range(1, order + 1)]
    assert low < found[0].residual < high
    assert found[-1].residual < 1e-20
    assert [one.learnable for one in found] == [False] * (order - 1) + [True]
    assert found[-1].words == order + 1


def test_a_wrong_rule_is_not_mended_by_depth():
    connected = [graph for graph in random_graphs("swap", 60, 20).graphs if float(moments(graph, 1).min()) > 0]
    found = learnability(["random_walk"], 5, 1, connected)
    assert found.residual > 0.9
    assert found.words == 1
    assert found.suggestion == "adjacency"


def test_triangles_need_their_own_rule():
    found = learnability(["adjacency", "random_walk", "symmetric"], 2, "triangles")
    assert not found.learnable
    assert found.suggestion == "triangles"
    assert learnability(["triangles"], 1, "triangles").learnable


def test_targets_may_be_functions_or_values():
    graphs = random_graphs("gnm", 40, 12).graphs

    def second(graph):
        return moments(graph, 2)[:, 1] + 3

    assert learnability(["adjacency"], 2, second, graphs).learnable
    assert learnability(["adjacency"], 2, [second(graph) for graph in graphs], graphs).learnable
    for target, message in (
        (lambda graph: torch.ones(3), "expected one value for each of"),
        (lambda graph: torch.ones(graph.num_nodes), "expected values that vary"),
        ("squares", 'expected an order, "triangles"'),
    ):
        with pytest.raises(DataError, match=message):
            learnability(["adjacency"], 1, target, graphs)
    with pytest.raises(DataError, match="graphs: expected at least two"):
        learnability(["adjacency"], 1, 1, graphs[:1])


def test_features_summarise_each_graph():
    graphs = [torch.ones(4, 4) - torch.eye(4), torch.zeros(2, 2), torch.ones(1, 1)]
    model = GraphMoments(1, ["adjacency"]).fit(graphs)
    rows = model.transform(graphs)
    assert rows.shape == (3, 14)
    words = operator_words(graphs[0], 1, ["adjacency"], scale=model.scale_)
    assert rows[0, 7] == pytest.approx(float(words[:, 1].mean()))
    assert rows[0, 8] == 0
    assert_estimator(lambda: GraphMoments(2), [graphs])
    with pytest.warns(UserWarning, match="Can't test estimator GraphMoments"):  # graphs are no table
        check_estimator(GraphMoments())
    with pytest.raises(NotFittedError, match="scale_"):
        GraphMoments().transform(graphs)
    with pytest.raises(DataError, match="expected at least one, received none"):
        GraphMoments().fit([])


def test_bad_requests_are_refused():
    for arguments in (("ba", 10, 10), ("gnm", 3, 10), ("gnm", 10, 3)):
        with pytest.raises(DataError, match="kind, count, nodes: expected one of"):
            random_graphs(*arguments)
    with pytest.raises(DataError, match="attachments: expected numbers from 1 to 9"):
        random_graphs("gnm", 4, 10, attachments=[10])
    data = random_graphs("gnm", 4, 10)
    with pytest.raises(DataError, match="at least 5 of each class"):
        leak_audit(data.graphs, data.labels)
