"""The metric network is invariant under the group of its metric and under reordering, and sees nothing else."""

import pytest
import torch

import isotropy as iso
from isotropy.errors import DataError, RepresentationMismatchError
from isotropy.nn import MetricNetwork

MINKOWSKI = torch.diag(torch.tensor([-1.0, 1, 1, 1], dtype=torch.float64))


def sets(batch=6, k=5, n=4, seed=0):
    return torch.randn(batch, k, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def moved(algebra, x, seed=1):
    xi = torch.randn(algebra.dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return x @ algebra.exp(0.7 * xi).T


def network(metric, **options):
    """A network whose moves are as large as its other parts."""
    built = MetricNetwork(metric, hidden=8, **options).double()
    for layer in built.layers:
        torch.nn.init.normal_(layer.move.weight)
    return built


@pytest.mark.parametrize("algebra", [iso.so(4), iso.so(1, 3), iso.so(2, 2)])
def test_output_is_invariant_under_the_group_of_the_metric(algebra):
    x, build = sets(), network(algebra)
    assert torch.allclose(build(moved(algebra, x)), build(x), atol=1e-8)


def test_output_changes_under_other_maps():
    x, build = sets(), network(iso.so(4))
    assert float((build(moved(iso.so(1, 3), x)) - build(x)).detach().abs().max()) > 1e-4


def test_order_and_padding_do_not_matter():
    x, build = sets(), network(MINKOWSKI, outputs=2)
    padded = torch.cat([x, torch.zeros(6, 3, 4, dtype=torch.float64)], 1)
    assert torch.allclose(build(padded[:, torch.randperm(8)]), build(x), atol=1e-12)
    assert torch.isfinite(build(torch.zeros(2, 3, 4, dtype=torch.float64))).all()


def test_a_discovered_algebra_gives_its_metric():
    noise = torch.randn(6, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = iso.LieAlgebra(torch.cat([iso.so(1, 3).basis + 1e-3 * noise, torch.eye(4, dtype=torch.float64)[None]]))
    assert torch.allclose(MetricNetwork(found).metric.double(), MINKOWSKI, atol=0.01)


def test_discovery_finds_the_group_in_the_network():
    V = iso.gl(4).vector()
    found = iso.discover.FromModel(iso.actions.Points(V, 5), iso.gl(4).scalar())
    build = network(MINKOWSKI)
    found.fit(lambda x: build(x.reshape(-1, 5, 4))[:, 0], sets(60).flatten(1))
    assert found.algebra_.distance(iso.so(1, 3)) < 1e-6


def test_a_learnt_metric_is_a_parameter():
    assert {name for name, _ in MetricNetwork(MINKOWSKI, learn=True).named_parameters()} >= {"metric"}
    assert "metric" not in dict(MetricNetwork(MINKOWSKI).named_parameters())


def test_seeds_repeat_and_leave_the_global_state():
    torch.manual_seed(3)
    first = MetricNetwork(MINKOWSKI, seed=5).embed.weight
    drawn = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(drawn, torch.rand(1))
    assert torch.equal(first, MetricNetwork(MINKOWSKI, seed=5).embed.weight)


@pytest.mark.parametrize("metric", [torch.ones(2, 3), torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.ones(3)])
def test_other_matrices_are_refused(metric):
    with pytest.raises(RepresentationMismatchError, match="expected a symmetric matrix"):
        MetricNetwork(metric)


def test_algebras_without_one_form_are_refused():
    with pytest.raises(RepresentationMismatchError, match="keeps one form up to a factor, received one that keeps 2"):
        MetricNetwork(iso.so(3) + iso.so(2))
    with pytest.raises(DataError, match="metric"):
        MetricNetwork(torch.full((2, 2), float("nan")))
    with pytest.raises(RepresentationMismatchError, match=r"shape \(batch, k, 4\), received \(6, 4\)"):
        MetricNetwork(MINKOWSKI)(torch.zeros(6, 4))
