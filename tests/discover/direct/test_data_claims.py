"""What is claimed from samples: the cases that were once answered falsely, and answers that no unit changes."""

import math
import warnings

import pytest
import torch

import isotropy as iso
from isotropy.discover import FromData
from isotropy.errors import DataError

QUICK = ["polynomial", "kernel-gaussian"]


def cloud(count, size, seed):
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(count, size, dtype=torch.float64, generator=generator) - 1, generator


def with_noise(y, share, generator):
    spread = y.square().mean().sqrt() if y.ndim > 1 else y.std()
    return y + share * spread * torch.randn(y.shape, dtype=torch.float64, generator=generator)


def hopf(x, broken):
    radius = x.square().sum(1, keepdim=True)
    turned = torch.stack([x[:, 0] - x[:, 1], x[:, 0] + x[:, 1]], 1)
    return turned - x * radius + broken * torch.stack([x[:, 0] ** 2, 0 * x[:, 0]], 1)


def ask(x, y, action=None, still=None, **options):
    G = iso.gl(x.shape[1])
    return FromData(action or G.vector(), still or G.scalar(), **{"kinds": QUICK, **options}).fit(x, y)


@pytest.mark.parametrize("seed", range(3))
def test_predator_and_prey_keep_no_affine_motion(seed):
    x, generator = cloud(800, 2, seed)
    y = torch.stack([x[:, 0] * (1 - x[:, 1]), x[:, 1] * (x[:, 0] - 1)], 1)
    action = iso.actions.Affine(iso.aff(2))
    found = ask(x, with_noise(y, 0.3, generator), action, action.tangent(), kinds=["polynomial"])
    assert found.status_ == "none"


@pytest.mark.parametrize(("samples", "size", "share"), [(800, 2, 0.3), (2000, 2, 0.5), (800, 3, 0.5), (400, 2, 0.3)])
def test_a_plain_noisy_table_has_none(samples, size, share):
    for seed in range(3):
        x, generator = cloud(samples, size, seed)
        y = x[:, 0] + 0.6 * x[:, 0] * x[:, 1] - 0.5 * x[:, 1] ** 2 + (0.4 * x[:, 2] * x[:, 0] if size == 3 else 0)
        assert ask(x, with_noise(y, share, generator), kinds=["polynomial"], seed=seed).status_ != "certified"


@pytest.mark.parametrize(("broken", "status"), [(0.05, "certified"), (0.2, "none"), (0.4, "none")])
def test_a_broken_rotation_is_told_with_its_size(broken, status):
    x, generator = cloud(400, 2, 0)
    action = iso.actions.Affine(iso.aff(2))
    found = ask(x, with_noise(hopf(x, broken), 0.01, generator), action, action.tangent(), kinds=["polynomial"])
    assert found.status_ == status
    words = str(found)
    if status == "certified":
        (one,) = found.symmetry_.generators
        assert 0.005 < one.lower < one.error < one.upper < 0.05 and one.grade == "approximate"
        assert "exclude an exact symmetry" in words


def test_a_smooth_map_that_is_no_polynomial_is_claimed_under_an_assumption():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(300, 3, dtype=torch.float64, generator=generator)
    y = torch.asinh(x.square().sum(1) / 3)
    found = ask(x, with_noise(y, 0.01, generator))
    assert (found.status_, found.identify().name) == ("certified", "so(3)")
    assert "as smooth as the samples suggest" in found.limits_[-1]
    assert all(one.upper <= 0.05 for one in found.symmetry_.generators)


def test_nearly_equal_columns_get_an_answer():
    """Two columns that differ by 0.1 %; moves along their difference once overflowed."""
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(300, 1, dtype=torch.float64, generator=generator)
    second = first + 1e-3 * torch.randn(300, 1, dtype=torch.float64, generator=generator)
    weights = torch.randn(2, 12, dtype=torch.float64, generator=generator)
    x = torch.cat([first, second], 1)
    y = torch.nn.functional.silu(x @ weights) @ torch.randn(12, dtype=torch.float64, generator=generator)
    assert ask(x, with_noise(y, 0.02, generator)).status_ in ("certified", "undecided", "none")


def test_equal_columns_are_undecided_with_the_reason():
    x, generator = cloud(200, 2, 0)
    x[:, 1] = 2 * x[:, 0]
    found = ask(x, with_noise(x[:, 0] ** 2, 0.01, generator))
    assert found.status_ == "undecided"
    assert "full rank" in found.certificates_["tolerance"].words


def scaled(found, x, y, generator, shift, action):
    """The answer in other units, as drawn."""
    units = 10 ** (12 * torch.rand(x.shape[1] + 1, dtype=torch.float64, generator=generator) - 6)
    offset = 5 * shift * torch.randn(x.shape[1], dtype=torch.float64, generator=generator)
    again = ask((x + offset) * units[:-1], y * units[-1], action, action.algebra.scalar(), kinds=["polynomial"])
    assert again.status_ == found.status_
    assert again.algebra_.dim == found.algebra_.dim
    assert again.identify().name == found.identify().name


def units_change_nothing(draws):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(200, 2, dtype=torch.float64, generator=generator)
    y = with_noise(x.square().sum(1) + 0.3 * x[:, 0] * x[:, 1], 0.05, generator)
    for action, shift in ((iso.gl(2).vector(), 0.0), (iso.actions.Affine(iso.aff(2)), 1.0)):
        found = ask(x, y, action, action.algebra.scalar(), kinds=["polynomial"])
        assert found.status_ == "certified"
        for _ in range(draws):
            scaled(found, x, y, generator, shift, action)


def test_units_of_columns_change_nothing():
    units_change_nothing(3)


@pytest.mark.slow
def test_units_of_columns_never_change_anything():
    units_change_nothing(50)


def test_order_of_columns_and_threads_change_nothing():
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(200, 3, dtype=torch.float64, generator=generator)
    y = with_noise(x[:, :2].square().sum(1) + x[:, 2] ** 3, 0.05, generator)
    found, turned = (ask(z, y, kinds=["polynomial"]) for z in (x, x[:, [2, 0, 1]]))
    assert (found.status_, found.algebra_.dim) == (turned.status_, turned.algebra_.dim)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        again = ask(x, y, kinds=["polynomial"])
    finally:
        torch.set_num_threads(threads)
    assert (found.status_, found.algebra_.dim) == (again.status_, again.algebra_.dim)


def test_order_of_samples_changes_nothing_but_the_draws():
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(200, 2, dtype=torch.float64, generator=generator)
    y = with_noise(x.square().sum(1), 0.05, generator)
    order = torch.randperm(200, generator=generator)
    found, mixed = ask(x, y), ask(x[order], y[order])
    assert (found.status_, found.identify().name) == (mixed.status_, mixed.identify().name) == ("certified", "so(2)")


def test_kinds_whose_error_nobody_knows_are_undecided():
    x, generator = cloud(60, 2, 0)
    found = ask(x, with_noise(x.square().sum(1), 0.05, generator), kinds=["network-tanh"])
    assert found.status_ == "undecided"
    assert "none knows its error" in found.certificates_["tolerance"].words


def test_a_narrower_tolerance_certifies_less():
    x, generator = cloud(300, 2, 2)
    y = with_noise(x.square().sum(1) + 0.05 * x[:, 0], 0.02, generator)
    wide, narrow = (ask(x, y, kinds=["polynomial"], tolerance=t) for t in (0.3, 0.001))
    assert wide.status_ == "certified" and narrow.status_ != "certified"


@pytest.mark.parametrize("name", ["tolerance", "level"])
def test_numbers_outside_of_zero_and_one_are_refused(name):
    x, _ = cloud(60, 2, 0)
    with pytest.raises(DataError, match=name):
        ask(x, x[:, 0], **{name: 1.5})


def test_labels_are_undecided_but_told():
    x = torch.randn(400, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels = (x.norm(dim=1) > 1.1).to(torch.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = ask(x, labels, kinds=["classifier-logistic-2"])
    assert found.status_ == "undecided" and not math.isnan(found.certificates_["tolerance"].value)
    assert "labels show no gradient" in found.certificates_["tolerance"].words


def test_what_gives_no_limits_names_no_assumption_of_theirs():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(400, 3, dtype=torch.float64, generator=generator)
    x = x / torch.randn(400, 4, dtype=torch.float64, generator=generator).square().mean(1, keepdim=True).sqrt()
    y = torch.sin(x.square().sum(1))
    found = ask(x, y)
    assert found.status_ == "undecided" and "one smooth process" in found.certificates_["tolerance"].words
    assert not any("the limits hold" in words for words in found.limits_)
