"""The modular graph network: sizes, wiring, permutations, and what it can represent."""

import pytest
import torch
from sklearn.utils.estimator_checks import check_estimator
from torch import nn

from isotropy.errors import DataError
from isotropy.graphs import Graph, as_graph, join, moments, random_graphs
from isotropy.nn import ModularBlock, ModularGCN, ModularGCNClassifier, message_passing
from isotropy.testing import assert_estimator

PRISM = torch.kron(torch.eye(2), torch.ones(3, 3) - torch.eye(3)) + torch.kron(
    torch.tensor([[0.0, 1], [1, 0]]), torch.eye(3)
)
BIPARTITE = torch.kron(torch.tensor([[0.0, 1], [1, 0]]), torch.ones(3, 3))


def draw(n, seed=0):
    upper = (torch.rand(n, n, generator=torch.Generator().manual_seed(seed)) < 0.4).float().triu(1)
    return upper + upper.T


@pytest.mark.parametrize(("depth", "count"), [(1, 80), (3, 176), (4, 224)])
def test_parameters_are_as_many_as_published(depth, count):
    assert sum(p.numel() for p in ModularGCN(depth).parameters()) == count


@pytest.mark.parametrize("wiring", ["full", "per_rule"])
def test_a_module_is_its_formula(wiring):
    A = draw(7).double()
    graph = as_graph(A)
    block = ModularBlock(3, units=2, wiring=wiring, activation=torch.tanh).double()
    nn.init.normal_(block.bias)
    x = torch.randn(7, 3, dtype=torch.float64)
    degrees = A.sum(1)
    inverse = torch.where(degrees > 0, 1 / degrees.clamp(min=1), 0.0)
    operators = [A, inverse[:, None] * A, inverse.sqrt()[:, None] * A * inverse.sqrt()]
    parts = [
        torch.tanh((P @ (x if wiring == "full" else x[:, k : k + 1])) @ block.weight[k].T + block.bias[k])
        for k, P in enumerate(operators)
    ]
    expected = torch.tanh(block.mix(torch.cat(parts, dim=1)))
    assert torch.allclose(block(x, graph.edge_index), expected, atol=1e-12)


@pytest.mark.parametrize("readout", ["probability", "moments"])
@pytest.mark.parametrize("skip", ["concat", "sum", "none"])
def test_answers_do_not_depend_on_the_order_of_nodes_or_graphs(readout, skip):
    torch.manual_seed(0)
    net = ModularGCN(3, 4, readout=readout, skip=skip, wiring="full", units=2, scale=3.0).eval()
    graphs = [draw(9, 1), draw(5, 2), draw(1, 3), torch.zeros(4, 4)]
    order = torch.randperm(9)
    answers = net(graphs)
    assert torch.allclose(answers.exp().sum(1), torch.ones(4), atol=1e-5)
    assert torch.allclose(net([graphs[0][order][:, order]])[0], answers[0], atol=1e-5)
    assert torch.allclose(net(graphs[::-1]), answers.flip(0), atol=1e-5)
    assert torch.allclose(net(graphs[1])[0], answers[1], atol=1e-5)
    nodes = net.node_features(torch.ones(9, 1), as_graph(graphs[0]).edge_index)
    moved = net.node_features(torch.ones(9, 1), as_graph(graphs[0][order][:, order]).edge_index)
    assert torch.allclose(moved, nodes[order], atol=1e-5)


def test_a_bias_makes_the_constant_anew_so_that_three_layers_give_the_second_moment():
    A = draw(8, 4).double()
    edges = as_graph(A).edge_index
    blocks = [ModularBlock(1, ["adjacency"]).double() for _ in range(3)]
    with torch.no_grad():
        for index, block in enumerate(blocks):
            block.weight.fill_(0.0 if index == 0 else 1.0)
            block.bias.fill_(1.0 if index == 0 else 0.0)
            block.mix.weight.fill_(1.0)
    h = torch.full((8, 1), 7.0, dtype=torch.float64)
    for block in blocks:
        h = block(h, edges)
    assert torch.equal(h[:, 0], moments(A, 2)[:, 1])


def test_isomorphism_networks_are_a_special_case():
    def identity(edges, weight, nodes):
        return torch.where(edges[0] == edges[1], 1.0, 0.0).to(weight)

    def others(edges, weight, nodes):
        return torch.where(edges[0] == edges[1], 0.0, 1.0).to(weight) * weight

    A, x = draw(6, 5).double(), torch.randn(6, 2, dtype=torch.float64)
    looped = as_graph(A + torch.eye(6))
    block = ModularBlock(2, [identity, others], units=2).double()
    W = torch.randn(2, 2, dtype=torch.float64)
    with torch.no_grad():
        block.weight[0], block.weight[1] = 1.5 * W, W
        block.mix.weight.copy_(torch.eye(2).repeat(1, 2))
    assert torch.allclose(block(x, looped.edge_index), (1.5 * x + A @ x) @ W.T, atol=1e-12)


def test_the_ceiling_of_colour_refinement_holds_for_any_weights():
    net = ModularGCN(4, wiring="full", units=3, activation=torch.tanh).double()
    assert torch.allclose(net(PRISM), net(BIPARTITE), rtol=0, atol=1e-13)
    apart = ModularGCN(2, rules=["triangles", "adjacency"], wiring="full")
    assert float((apart(PRISM) - apart(BIPARTITE)).detach().abs().max()) > 1e-6


def test_edge_weights_and_features_count():
    A = draw(6, 1) * torch.rand(6, 6)
    graph = as_graph(A)
    net = ModularGCN(2, channels=2, wiring="full")
    x = torch.randn(6, 2)
    weighted = Graph(graph.edge_index, 6, graph.edge_weight, x)
    assert torch.allclose(net([weighted])[0], net(x, graph.edge_index, graph.edge_weight)[0])
    assert not torch.allclose(net([weighted]), net([Graph(graph.edge_index, 6, None, x)]))
    with pytest.raises(DataError, match=r"x: expected node features \(nodes, 2\), received \(6, 1\)"):
        net(torch.ones(6, 1), graph.edge_index)


def test_gradients_reach_weights_and_edges():
    graph = as_graph(draw(6, 1))
    weight = torch.rand(graph.edge_index.shape[1], requires_grad=True)
    net = ModularGCN(3)
    net(torch.ones(6, 1), graph.edge_index, weight)[0, 0].backward()
    assert weight.grad is not None and float(weight.grad.abs().max()) > 0
    assert all(p.grad is not None for p in net.parameters())


def test_it_takes_the_data_and_batches_of_torch_geometric():
    geometric = pytest.importorskip("torch_geometric.data", reason="needs the extra graphs")
    parts = [as_graph(draw(n, n)) for n in (4, 7)]
    data = [geometric.Data(edge_index=g.edge_index, num_nodes=g.num_nodes, x=torch.ones(g.num_nodes, 1)) for g in parts]
    net = ModularGCN(2).eval()
    expected = net(parts)
    batch = geometric.Batch.from_data_list(data)
    assert torch.allclose(net(batch), expected, atol=1e-6)
    assert torch.allclose(net(batch.x, batch.edge_index, None, batch.batch), expected, atol=1e-6)
    assert torch.allclose(net(data), expected, atol=1e-6)
    assert torch.allclose(net(data[1])[0], expected[1], atol=1e-6)


def test_as_message_passing_it_equals_the_dense_operators():
    pytest.importorskip("torch_geometric", reason="needs the extra graphs")
    A = draw(8, 2)
    A[3] = A[:, 3] = 0  # an isolated node
    graph, x = as_graph(A), torch.randn(8, 2)
    found = message_passing()(x, graph.edge_index)
    degrees = A.sum(1)
    inverse = torch.where(degrees > 0, 1 / degrees.clamp(min=1), 0.0)
    operators = [A, inverse[:, None] * A, inverse.sqrt()[:, None] * A * inverse.sqrt()]
    assert torch.allclose(found, torch.cat([P @ x for P in operators], dim=1), atol=1e-6)
    assert float(found[3].abs().max()) == 0


def test_the_classifier_beats_degrees_on_swapped_graphs():
    data = random_graphs("swap", 300, 30, attachments=[1, 2, 3])
    train, test = data.split(0.3)
    graphs, labels = [data.graphs[i] for i in train.tolist()], data.labels[train]
    model = ModularGCNClassifier(epochs=20, batch_size=32).fit(graphs, labels)
    assert model.score([data.graphs[i] for i in test.tolist()], data.labels[test]) > 0.75


def test_the_classifier_keeps_the_contract():
    data = random_graphs("er", 24, 8)
    words = ["grown" if label else "random" for label in data.labels.tolist()]
    assert_estimator(lambda: ModularGCNClassifier(epochs=2, batch_size=7), [data.graphs, data.labels])
    assert set(ModularGCNClassifier(epochs=1).fit(data.graphs, words).predict(data.graphs)) <= {"grown", "random"}
    with pytest.warns(UserWarning, match="Can't test estimator ModularGCNClassifier"):  # graphs are no table
        check_estimator(ModularGCNClassifier())
    with pytest.raises(DataError, match="at least two classes"):
        ModularGCNClassifier().fit(data.graphs, [0] * 24)
    with pytest.raises(DataError, match="one label for each of 24 graphs"):
        ModularGCNClassifier().fit(data.graphs, [0, 1])
    with pytest.raises(DataError, match="square matrix"):
        ModularGCNClassifier().fit([torch.ones(2, 3), torch.ones(2, 2)], [0, 1])


def test_bad_options_are_refused():
    with pytest.raises(DataError, match="expected depth of at least 1"):
        ModularGCN(0)
    with pytest.raises(DataError, match="wiring: expected one of"):
        ModularBlock(2, wiring="per_rule")
    with pytest.raises(DataError, match="received 2, 'per_rule', 'dense'"):
        ModularGCN(2, skip="dense")


def test_state_survives_saving(tmp_path):
    net, other = ModularGCN(2, scale=4.0), ModularGCN(2)
    other.load_state_dict(net.state_dict())
    assert torch.equal(net([draw(5)]), other([draw(5)]))


def test_mixed_sizes_equal_one_by_one():
    net = ModularGCN(3, wiring="full").eval()
    graphs = [draw(n, n) for n in (3, 8, 5)]
    whole, owner = join(graphs)
    together = net(torch.ones(whole.num_nodes, 1), whole.edge_index, None, owner)
    assert torch.allclose(together, torch.cat([net([g]) for g in graphs]), atol=1e-5)


@pytest.mark.slow
def test_it_compiles():
    graph, net = as_graph(draw(7)), ModularGCN(2, wiring="full").eval()
    arguments = (torch.ones(7, 1), graph.edge_index, None, torch.zeros(7, dtype=torch.long))
    torch._dynamo.reset()
    compiled = torch.compile(net, backend="eager")
    with torch.no_grad():
        assert torch.allclose(compiled(*arguments), net(*arguments), atol=1e-6)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_it_runs_on_a_gpu():
    graphs, net = [draw(7), draw(4)], ModularGCN(2, rules=["adjacency", "triangles"], wiring="full").eval()
    expected = net(graphs)
    assert torch.allclose(net.cuda()(graphs).cpu(), expected, atol=1e-5)
