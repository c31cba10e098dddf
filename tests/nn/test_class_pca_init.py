"""The initialiser: layers of every kind, what they are fitted to, and what it is good for."""

import copy

import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from isotropy.errors import DataError
from isotropy.nn.init import alignment, class_pca_, half_times, sample_convergence
from isotropy.nn.init._patches import layer_rows

CONVOLUTIONS = [
    (nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2), (9,)),
    (nn.Conv1d(2, 3, 3, padding="same"), (9,)),
    (nn.Conv2d(3, 4, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2)), (7, 8)),
    (nn.Conv2d(4, 8, 3, padding=2, groups=4, padding_mode="circular"), (6, 5)),
    (nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect", bias=False), (5, 5)),
    (nn.Conv3d(2, 3, (1, 2, 3), stride=(1, 2, 1), padding=(0, 1, 1)), (3, 4, 5)),
]


def draw(shape, classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator)
    y = torch.arange(shape[0]) % classes
    return x + y.reshape(-1, *[1] * (len(shape) - 1)) * torch.randn(shape[1:], generator=generator), y


@pytest.fixture(scope="module")
def digits():
    bunch = load_digits()
    return torch.tensor(bunch.data / 16, dtype=torch.float32), torch.tensor(bunch.target)


def split(digits, seed):
    first, second = train_test_split(range(1797), test_size=0.4, stratify=digits[1], random_state=seed)
    return digits[0][first], digits[1][first], digits[0][second], digits[1][second]


def two_convolutions(seed):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Sequential(nn.Conv2d(1, 20, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Sequential(nn.Conv2d(20, 40, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Flatten(),
        nn.Linear(160, 10),
    )


def accuracy(net, x, y):
    with torch.no_grad():
        return float((net(x).argmax(1) == y).double().mean())


@pytest.mark.parametrize(("layer", "axes"), CONVOLUTIONS)
def test_rows_times_weight_are_what_the_convolution_computes(layer, axes):
    layer = copy.deepcopy(layer).double()
    x = torch.randn(2, layer.in_channels, *axes, dtype=torch.float64)
    rows = layer_rows(layer, x)
    weight = layer.weight.detach().reshape(layer.groups, -1, rows.shape[-1])
    made = torch.einsum("gbps,gos->bgop", rows, weight).flatten(1, 2)
    expected = layer(x).detach()
    offset = 0 if layer.bias is None else layer.bias.detach()[:, None]
    assert torch.allclose(made + offset, expected.flatten(2), atol=1e-12)


@pytest.mark.parametrize(("layer", "axes"), CONVOLUTIONS)
def test_every_unit_has_mean_zero_and_variance_one_on_the_data(layer, axes):
    x, y = draw((60, layer.in_channels, *axes))
    report = class_pca_(layer, x, y, layers=[""], batch_size=7)[""]
    z = layer(x).detach().double().movedim(1, -1).flatten(0, -2)
    assert float((z.std(0, correction=0) - 1).abs().max()) < 1e-5
    if layer.bias is not None:
        assert float(z.mean(0).abs().max()) < 1e-5
    assert report.rows == len(z)
    assert len(report.eigenvalues) == len(report.classes) == layer.out_channels


def test_batches_may_lack_classes_and_come_in_any_order():
    x, y = draw((90, 5))
    order = y.argsort()
    nets = [nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3)).double() for _ in range(2)]
    class_pca_(nets[0], x.double(), y)
    loader = [(x.double()[piece], y[piece]) for piece in order.split(11)]  # almost every batch holds one class only
    class_pca_(nets[1], loader)
    assert torch.allclose(nets[0][0].weight, nets[1][0].weight, atol=1e-10)


class Residual(nn.Module):
    """A branch with batch norms beside an identity, called in another order than defined."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 3)
        self.second = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.5)
        self.first = nn.Conv2d(2, 8, 3, padding=1)

    def forward(self, x):
        h = torch.relu(self.first(x))
        h = h + torch.relu(self.norm(self.second(self.drop(h))))
        return self.head(h.mean((2, 3)))


def test_branches_and_batch_norms_are_fitted_to_what_they_receive():
    x, y = draw((50, 2, 6, 6))
    net = Residual().train()
    assert list(class_pca_(net, x, y, batch_size=16)) == ["first", "second"]
    assert net.training and net.drop.training and net.norm.training
    net.eval()
    h = torch.relu(net.first(x))
    z = net.norm(net.second(h)).detach().movedim(1, -1).flatten(0, -2)
    assert float(z.mean(0).abs().max()) < 1e-4
    assert float((z.std(0) - 1).abs().max()) < 1e-4


def test_layers_are_chosen_by_number_or_name():
    x, y = draw((40, 4))
    net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    assert list(class_pca_(net, x, y, layers=["2"])) == ["2"]
    assert torch.equal(net[0].weight, before["0.weight"])
    assert torch.equal(net[4].weight, before["4.weight"])
    assert list(class_pca_(net, x, y, layers=1)) == ["0"]
    for wrong in (["7"], 0, "first"):
        with pytest.raises(DataError, match="layers: expected"):
            class_pca_(net, x, y, layers=wrong)


def test_ridge_head_solves_the_normal_equations():
    x, y = draw((80, 4))
    net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)).double()
    class_pca_(net, x.double(), y, head="ridge", strength=0.5)
    features = torch.relu(net[0](x.double())).detach()
    target = nn.functional.one_hot(y).double()
    residual = net[2](features).detach() - target
    centred = features - features.mean(0)
    assert float((centred.T @ residual + 0.5 * net[2].weight.detach().T).abs().max()) < 1e-9
    assert float(residual.sum(0).abs().max()) < 1e-9


def test_long_inputs_go_through_a_sketch():
    x, y = draw((300, 60))
    x[torch.arange(300), y] *= 4
    nets = [nn.Linear(60, 6).double() for _ in range(2)]
    class_pca_(nets[0], x.double(), y, layers=[""])
    class_pca_(nets[1], x.double(), y, layers=[""], max_size=40)
    rows = [nn.functional.normalize(net.weight.detach(), dim=1) for net in nets]
    assert float((rows[0] * rows[1]).sum(1)[:3].min()) > 0.98
    z = nets[1](x.double()).detach()
    assert float(z.mean(0).abs().max()) < 1e-9
    assert float((z.std(0, correction=0) - 1).abs().max()) < 1e-9


def test_few_patches_of_each_image_are_enough():
    x, y = draw((200, 1, 12, 12))
    net = nn.Conv2d(1, 4, 3)
    assert class_pca_(net, x, y, layers=[""], patches=10)[""].rows == 2000


def test_the_same_seed_gives_the_same_filters():
    x, y = draw((60, 1, 6, 6))
    nets = [nn.Conv2d(1, 30, 3) for _ in range(2)]  # more filters than directions
    reports = [class_pca_(net, x, y, layers=[""], patches=5, seed=3)[""] for net in nets]
    assert torch.equal(nets[0].weight, nets[1].weight)
    assert reports[0].random > 0


def test_frozen_dense_features_of_digits(digits):
    scores = []
    for seed in range(2):
        x, y, x_test, y_test = split(digits, seed)
        net = nn.Sequential(nn.Linear(64, 40), nn.ReLU(), nn.Linear(40, 10))
        class_pca_(net, x, y, head="logistic")
        scores.append(accuracy(net, x_test, y_test))
    assert sum(scores) / 2 >= 0.965


@pytest.mark.parametrize(("lam", "low", "high"), [(1.0, 0.985, 1.0), (0.0, 0.9, 0.96)])
def test_frozen_convolutions_of_digits(digits, lam, low, high):
    scores = []
    for seed in (1, 2):
        x, y, x_test, y_test = split(digits, seed)
        net = two_convolutions(seed)
        class_pca_(net, x, y, lam=lam, head="logistic")
        scores.append(accuracy(net, x_test, y_test))
    assert low <= sum(scores) / 2 <= high


def test_first_epoch_is_better_than_from_default_weights(digits):
    gains = []
    for seed in range(2):
        x, y, x_test, y_test = split(digits, seed)
        reached = []
        for fill in (False, True):
            net = two_convolutions(seed)
            if fill:
                class_pca_(net, x, y)
            optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
            for batch in torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).split(32):
                optimizer.zero_grad()
                nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
                optimizer.step()
            reached.append(accuracy(net, x_test, y_test))
        gains.append(reached[1] - reached[0])
    assert sum(gains) / 2 >= 0.05


def test_filters_of_a_hundred_samples_are_as_good_as_those_of_all(digits):
    part, whole = sample_convergence(*digits, [100])
    assert (part.samples, whole.samples) == (100, 1078)
    assert part.accuracy >= whole.accuracy - 0.01
    assert part.overlap < whole.overlap == pytest.approx(1.0)


def test_alignment_of_class_filters_is_one(digits):
    x, y = digits
    layer = nn.Linear(64, 10)
    class_pca_(layer, x, y, layers=[""], lam=1.0)
    shares = alignment(layer.weight, x, y)
    assert shares["class - all"] == pytest.approx(1.0)
    assert shares["random"] == 10 / 64
    assert all(0 <= share <= 1 + 1e-9 for share in shares.values())


def test_half_times_interpolate_and_say_what_never_moved():
    states = [{"a": torch.tensor([v]), "b": torch.ones(2), "n": torch.tensor(3)} for v in (0.0, 3.0, 7.0, 8.0)]
    found = half_times(states)
    assert found["a"] == pytest.approx(1.25)
    assert found["b"] != found["b"]
    assert "n" not in found
    with pytest.raises(DataError, match="at least three states"):
        half_times(states[:2])


BAD = {
    "no labels": (lambda x, y: {"data": x}, "labels: expected one label for each sample, received none beside Tensor"),
    "a batch without labels": (
        lambda x, y: {"data": [(x, y), (x,)]},
        r"batch 1: expected a pair \(inputs, labels\), received tuple of 1; labels are missing there",
    ),
    "a batch that is a tensor": (lambda x, y: {"data": [x]}, "batch 0: expected a pair"),
    "too few labels": (lambda x, y: {"data": x, "labels": y[:-1]}, "batch 0: expected one integer label for each"),
    "labels that are no integers": (lambda x, y: {"data": x, "labels": y / 2}, "one integer label"),
    "one class": (lambda x, y: {"data": x, "labels": 0 * y}, "expected at least two classes"),
    "constant inputs": (lambda x, y: {"data": torch.ones_like(x), "labels": y}, "expected values that vary"),
    "NaN": (lambda x, y: {"data": x.log(), "labels": y}, "batch 0: expected finite inputs"),
    "an iterator": (lambda x, y: {"data": iter([(x, y)])}, "that runs dry"),
    "an empty loader": (lambda x, y: {"data": []}, "expected at least one batch"),
    "an unknown head": (lambda x, y: {"data": x, "labels": y, "head": "svm"}, "head: expected one of"),
    "no weight decay": (lambda x, y: {"data": x, "labels": y, "strength": 0.0}, "strength above 0"),
    "no patches": (lambda x, y: {"data": x, "labels": y, "patches": 0}, "patches: expected a positive number"),
    "labels beyond the head": (lambda x, y: {"data": x, "labels": y + 1, "head": "ridge"}, "labels: expected 0 to 2"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_and_the_network_left_alone(name):
    make, message = BAD[name]
    x, y = draw((30, 4))
    net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)).train()
    with pytest.raises(DataError, match=message):
        class_pca_(net, **make(x, y))
    assert net.training


def test_constant_pixels_get_no_weight():
    x, y = draw((60, 5))
    x[:, 2] = 7.0
    layer = nn.Linear(5, 6)
    class_pca_(layer, x, y, layers=[""])
    assert float(layer.weight.detach()[:, 2].abs().max()) < 1e-6


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_networks_on_a_gpu_get_the_same_filters():
    x, y = draw((60, 2, 6, 6))
    nets = [nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)) for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    class_pca_(nets[0], x, y, head="ridge")
    class_pca_(nets[1].cuda(), x, y, head="ridge")
    assert torch.allclose(nets[1][0].weight.cpu(), nets[0][0].weight, atol=1e-4)
