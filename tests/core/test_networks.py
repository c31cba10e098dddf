"""Networks as plain data: layers of a list come back, anything else is refused by name."""

import json

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from isotropy.core._charts import Charts, read_charts, require_fit, write_charts
from isotropy.core._networks import LAYERS, read_network, write_network
from isotropy.core._parts import MOST_NESTED, Parts, plain_tensor
from isotropy.errors import DataError, NotRecordableError


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


NETWORKS = {  # network, points
    "Linear": (nn.Linear(3, 2), randn(4, 3)),
    "Linear, no bias": (nn.Linear(3, 2, bias=False), randn(4, 3)),
    "Conv1d": (nn.Conv1d(2, 4, 3, stride=2, padding=1, groups=2), randn(4, 2, 7)),
    "Conv2d": (nn.Conv2d(2, 3, (3, 2), padding=(1, 0), dilation=2, bias=False), randn(4, 2, 7, 8)),
    "Identity": (nn.Identity(), randn(4, 3)),
    "Tanh": (nn.Tanh(), randn(4, 3)),
    "ReLU": (nn.ReLU(), randn(4, 3)),
    "SiLU": (nn.SiLU(), randn(4, 3)),
    "Sigmoid": (nn.Sigmoid(), randn(4, 3)),
    "GELU": (nn.GELU("tanh"), randn(4, 3)),
    "Softplus": (nn.Softplus(0.7, 3.0), randn(4, 3)),
    "ELU": (nn.ELU(0.3), randn(4, 3)),
    "LeakyReLU": (nn.LeakyReLU(0.2), randn(4, 3)),
    "Flatten": (nn.Flatten(1, 2), randn(4, 3, 2, 2)),
    "Unflatten": (nn.Unflatten(1, (2, 3)), randn(4, 6)),
    "Upsample": (nn.Upsample((5, 4), mode="bilinear"), randn(4, 1, 3, 3)),
    "Upsample, one size": (nn.Upsample(5, mode="linear"), randn(4, 1, 3)),
    "Sequential": (nn.Sequential(nn.Sequential(nn.Linear(3, 5), nn.SiLU()), nn.Linear(5, 2)), randn(4, 3)),
    "orthogonal": (parametrizations.orthogonal(nn.Linear(5, 2, bias=False)), randn(4, 5)),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_layer_comes_back(name, dtype):
    network, x = NETWORKS[name]
    network, x = network.to(dtype), x.to(dtype)
    words, tensors = write_network(network, "net")
    plain = json.loads(json.dumps(words, allow_nan=False))
    assert plain == words
    back = read_network(Parts(plain, "network"), tensors, "net")
    assert not back.training
    assert not any(weight.requires_grad for weight in back.parameters())
    assert all(weight.dtype == dtype for weight in back.parameters())
    assert torch.allclose(back(x), network(x), rtol=1e-15 if dtype == torch.float64 else 1e-6, atol=1e-15)
    assert write_network(back, "net")[0] == words


def test_every_layer_of_the_list_is_tried():
    assert {name.split(",")[0] for name in NETWORKS} - {"Sequential", "orthogonal"} == set(LAYERS)


def with_hook():
    network = nn.Linear(2, 2)
    network.register_forward_pre_hook(lambda *_: None)
    return network


class Twice(nn.Linear):
    """A subclass does something else under the same weights."""

    def forward(self, x):
        return 2 * super().forward(x)


@pytest.mark.parametrize(
    ("network", "text"),
    [
        (torch.sin, "received the function sin; a Python function cannot be kept in a file: build it from Linear"),
        (3, "received int"),
        (nn.Dropout(), "expected layers out of Sequential, Linear, .*, received Dropout"),
        (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), "received BatchNorm1d"),
        (Twice(2, 2), "received Twice"),
        (with_hook(), "without hooks"),
        (nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular"), "padding_mode"),
        (nn.Upsample(scale_factor=2), "scale_factor"),
    ],
)
def test_what_is_not_in_the_list_is_not_written(network, text):
    with pytest.raises(NotRecordableError, match=text):
        write_network(network, "net")


LINEAR = {"layer": "Linear", "in_features": 3, "out_features": 2, "bias": True}
CONV = write_network(nn.Conv1d(2, 4, 3, groups=2), "net")[0]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({}, "expected 'layer', received none"),
        ({"layer": "torch.nn.Linear"}, "one of Sequential, Linear, .*, received 'torch.nn.Linear'"),
        ({"layer": "__import__('os')"}, "one of Sequential"),
        ({"layer": ["Linear"]}, "one of Sequential"),
        ({"layer": "Sequential", "layers": {}}, "layers: expected a list"),
        ({"layer": "Sequential", "layers": [3]}, r"layers\[0\]: expected named parts, received 3"),
        ({**LINEAR, "in_features": 10**9}, "whole number from 1 to 65536"),
        ({**LINEAR, "in_features": 60000, "out_features": 60000}, "expected shape"),
        ({**LINEAR, "bias": 1}, "true or false, received 1"),
        ({**LINEAR, "device": "cuda"}, "received also device"),
        ({k: v for k, v in LINEAR.items() if k != "out_features"}, "'out_features', received none"),
        ({**CONV, "groups": 3}, "expected shape"),
        ({**CONV, "in_channels": 3}, "expected options that fit, received: in_channels must be divisible"),
        ({**CONV, "kernel_size": [3, 3]}, "sizes for each of 1 axes"),
        ({**CONV, "stride": []}, "sizes for each of 1 axes"),
        ({**CONV, "padding": [2000]}, "whole number from 0 to 1024"),
        ({"layer": "ELU", "alpha": float("inf")}, "a finite number, received inf"),
        ({"layer": "GELU", "approximate": "exact"}, "one of none, tanh"),
        ({"layer": "Unflatten", "dim": 1, "unflattened_size": "ab"}, "expected a list"),
        ({"layer": "Upsample", "size": [10**9], "mode": "linear"}, "whole number"),
        ({"layer": "Upsample", "size": [2**13, 2**13], "mode": "linear"}, "at most 16777216 pixels"),
    ],
)
def test_hostile_layers_are_refused(words, text):
    tensors = {"net.weight": torch.zeros(2, 3), "net.bias": torch.zeros(2)}
    if words.get("layer") == "Conv1d":
        tensors = write_network(nn.Conv1d(2, 4, 3, groups=2), "net")[1]
    with pytest.raises(DataError, match=text):
        read_network(Parts(words, "network"), tensors, "net")


def test_layers_inside_layers_have_an_end():
    words = {"layer": "Tanh"}
    for _ in range(MOST_NESTED + 1):
        words = {"layer": "Sequential", "layers": [words]}
    with pytest.raises(DataError, match="inside one another"):
        read_network(Parts(words, "network"), {}, "net")


def charts(corrections=2):
    parts = {"mean": randn(2), "scale": 1 + randn(2).abs(), "center": randn(2, seed=1), "unit": torch.tensor(0.8)}
    scales = {name: part.double() for name, part in parts.items()}
    return Charts(nn.Linear(2, 2).double(), nn.Linear(2, 2).double(), **scales, corrections=corrections)


@pytest.mark.parametrize("corrections", [0, 2])
def test_charts_come_back_with_their_scales(corrections):
    pair = charts(corrections)
    words, tensors = write_charts(pair, "a")
    back = read_charts(Parts(json.loads(json.dumps(words)), "charts"), tensors, "a")
    x = randn(5, 2, seed=7)
    assert torch.equal(back.encode(x), pair.encode(x))
    assert torch.equal(back.decode(x), pair.decode(x))
    assert set(tensors) == {f"a.{part}.{w}" for part in ("encoder", "decoder") for w in ("weight", "bias")} | {
        f"a.{scale}" for scale in ("mean", "scale", "center", "unit")
    }


def test_networks_have_to_fit_points_and_one_another():
    there, back = nn.Linear(3, 2).double(), nn.Linear(2, 3).double()
    require_fit("a", there, back, (3,), 2)
    for encoder, decoder, event, latent in [
        (there, back, (4,), 2),
        (there, back, (3,), 1),
        (there, there, (3,), 2),
        (nn.Identity(), nn.Identity(), (3,), 2),
        (nn.Conv1d(1, 1, 3), back, (3,), 2),
    ]:
        with pytest.raises(DataError, match=r"a: expected .*match"):
            require_fit("a", encoder, decoder, event, latent)
    assert there.weight.device.type == "cpu"


def test_tensors_keep_every_digit_and_every_shape():
    for tensor in (randn(2, 3, 4), torch.zeros(0, 3, 3), torch.tensor([-0.0, 1e-310, 0.1]), randn(1, 0)):
        words = json.loads(json.dumps({"a": plain_tensor(tensor.double())}))
        back = Parts(words, "words").tensor("a", *[None] * tensor.ndim)
        assert torch.equal(back, tensor.double())
        assert torch.equal(back.signbit(), tensor.signbit())
    with pytest.raises(DataError, match=r"expected shape \(2, 'any'\), received \(1, 0\)"):
        Parts(words, "words").tensor("a", 2, None)
