"""Saved programs: pure functions of tensors are read, whatever reaches beyond them is refused before it runs."""

import json
import zipfile

import pytest
import torch
from torch import nn

from isotropy.cli.input._operators import faults
from isotropy.cli.input._program import read_program
from isotropy.errors import DataError

GRAPH = "models/model.json"
BATCHES = ({0: torch.export.Dim.DYNAMIC},)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, x):
        return self.inner(x).mean(1)


class Mixed(nn.Module):
    def forward(self, x):
        first, second = x.chunk(2, 1)
        first = torch.einsum("bi,bj->bij", first, second).flatten(1) + torch.zeros(4)
        first += 1
        return torch.cat([first, x.sort(1).values.clamp(0, 1)], 1)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.LSTM(3, 4, batch_first=True)

    def forward(self, x):
        return self.inner(x)[0][:, -1]


IMAGE = nn.Sequential(
    nn.Conv2d(1, 4, 3, padding=1),
    nn.BatchNorm2d(4),
    nn.ReLU(inplace=True),
    nn.MaxPool2d(2),
    nn.Dropout(0.1),
    nn.Flatten(),
    nn.Linear(36, 2),
)
PURE = {
    "image network": (IMAGE, (1, 6, 6)),
    "attention": (Attention(), (5, 8)),
    "recurrent": (Recurrent(), (4, 3)),
    "norms and gates": (nn.Sequential(nn.LayerNorm(4), nn.GELU(), nn.SiLU(), nn.Hardtanh(), nn.Softmax(1)), (4,)),
    "parts, sums and what was made": (Mixed(), (4,)),
}


def saved(network, event, path):
    torch.export.save(torch.export.export(network, (torch.randn(4, *event),), dynamic_shapes=BATCHES), path)
    return path


@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning")  # of torch, about weights of an LSTM
@pytest.mark.parametrize(("network", "event"), PURE.values(), ids=PURE)
def test_networks_as_they_are_are_read(network, event, tmp_path):
    network = network.eval()
    module, _ = read_program(saved(network, event, tmp_path / "net.pt2"))
    x = torch.randn(7, *event)
    assert torch.allclose(module(x), network(x), atol=1e-6)


class Writing(nn.Module):
    """Changes its own weight when it is called."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", torch.zeros(3))

    def forward(self, x):
        self.count.add_(1)
        return x.sum(1)


class Changing(nn.Module):
    def forward(self, x):
        return x.view(-1, 3).mul_(2).sum(1)


class Of(nn.Module):
    """A function as a module."""

    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, x):
        return self.f(x)


IMPURE = {
    "writes its weight": (Writing(), "has not made"),
    "writes its input": (Changing(), "has not made"),
    "random": (Of(lambda x: x.sum(1) + torch.rand(1)), "random"),
    "bare memory": (Of(lambda x: x.sum(1) + torch.empty(1)), "bare memory"),
    "dropout in training": (nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)).train(), "training mode"),
    "batch norm in training": (nn.BatchNorm1d(3, track_running_stats=False).train(), "training mode"),
    "too large": (Of(lambda x: x.sum(1) + torch.zeros(3, 2**28)[0, 0]), "above"),
}


@pytest.mark.parametrize(("network", "word"), IMPURE.values(), ids=IMPURE)
def test_what_is_no_function_of_its_input_is_refused(network, word, tmp_path):
    program = torch.export.export(network, (torch.randn(4, 3),), dynamic_shapes=BATCHES)
    torch.export.save(program, tmp_path / "net.pt2")
    with pytest.raises(DataError, match=word):
        read_program(tmp_path / "net.pt2")


def forged(tmp_path, target, inputs):
    """A program one of whose operators was exchanged for another."""
    path = saved(Of(lambda x: x.sum(1) + torch.full((5,), 1.0)[0]), (3,), tmp_path / "base.pt2")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    key = next(name for name in parts if name.endswith(GRAPH))
    graph = json.loads(parts[key])
    (node,) = [n for n in graph["graph_module"]["graph"]["nodes"] if "aten.full" in n["target"]]
    node["target"] = target
    node["inputs"] = inputs
    with zipfile.ZipFile(tmp_path / "forged.pt2", "w") as archive:
        for name, content in {**parts, key: json.dumps(graph).encode()}.items():
            archive.writestr(name, content)
    return tmp_path / "forged.pt2"


def test_a_program_can_not_reach_a_file(tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious" * 5)
    inputs = [
        {"name": "filename", "arg": {"as_string": str(victim)}, "kind": 1},
        {"name": "shared", "arg": {"as_bool": True}, "kind": 1},
        {"name": "size", "arg": {"as_int": 5}, "kind": 1},
    ]
    with pytest.raises(DataError, match="reads a file"):
        read_program(forged(tmp_path, "torch.ops.aten.from_file.default", inputs))
    assert victim.read_bytes() == b"precious" * 5


@pytest.mark.parametrize(
    ("target", "word"),
    [
        ("torch.ops.aten.no_such_thing.default", "does not have"),
        ("torch.ops.aten.set_.source_Tensor", "bare memory"),
        ("torch.ops.higher_order.while_loop", "other graphs"),
        ("torch.ops.aten.randn.default", "random"),
    ],
)
def test_operators_that_are_not_on_the_list_are_refused(tmp_path, target, word):
    with pytest.raises(DataError, match=word):
        read_program(forged(tmp_path, target, []))


@pytest.mark.parametrize("graph", [None, 3, [], {"nodes": [None, 3, {"target": 4}, {"target": "torch.ops.aten"}]}])
def test_a_graph_of_another_kind_is_told(graph):
    assert all(isinstance(fault, str) for fault in faults(graph))
