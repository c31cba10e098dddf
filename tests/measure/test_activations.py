import pytest
import torch
from torch import nn

import isotropy as iso
from isotropy.errors import DataError, RepresentationMismatchError, SymmetryWarning
from isotropy.measure import equivariance, layers


class Network(nn.Module):
    """Keeps so(3) up to ``norm``, and loses it in ``mix``."""

    def __init__(self):
        super().__init__()
        self.same = nn.Identity()
        self.mix = nn.Linear(3, 4)
        self.bend = nn.Tanh()

    def forward(self, x):
        return self.bend(self.bend(self.mix(self.same(x))))


def test_layers_agree_with_one_measurement_each(points, so3):
    torch.manual_seed(0)
    f, x = Network().double().train(), points()
    reports = layers(f, x, so3.vector())
    assert list(reports) == ["same", "mix", "bend", "bend#2"]
    assert reports["same"].at_floor
    whole = equivariance(f, x, so3.vector(), 4 * so3.scalar())
    torch.testing.assert_close(
        reports["bend#2"].per_generator_absolute, whole.per_generator_absolute, rtol=1e-9, atol=1e-12
    )
    torch.testing.assert_close(reports["bend#2"].per_generator, whole.per_generator, rtol=0.1, atol=0)  # pairs are few
    torch.testing.assert_close(reports["bend#2"].per_generator_effect, whole.per_generator_effect, rtol=1e-6, atol=0)
    assert reports["bend#2"].relative_error == pytest.approx(whole.relative_error, rel=0.2)  # |Df| is estimated
    assert f.training and f.bend.training
    assert all(not m._forward_hooks for m in f.modules())


def test_stated_actions_are_used(points, so3):
    f = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Identity()).double()
    f[0].weight.data = 2 * torch.eye(3, dtype=torch.float64)
    kept = layers(f, points(), so3.vector(), actions={"1": so3.vector()})
    broken = layers(f, points(), so3.vector(), actions={"1": 3 * so3.scalar()})
    assert kept["1"].at_floor and not broken["1"].at_floor
    with pytest.raises(DataError, match="nowhere"):
        layers(f, points(), so3.vector(), actions={"nowhere": so3.vector()})
    with pytest.raises(RepresentationMismatchError, match="3 numbers"):
        layers(f, points(), so3.vector(), actions={"1": so3.scalar()})


def test_convolutions_move_as_images():
    torch.manual_seed(0)
    f = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, padding_mode="circular"),
        nn.Tanh(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )
    action = iso.actions.Image(["shift_x", "rotation"], 16, 16, boundary="circular", gradient="spectral")
    grid = torch.linspace(0, 2 * torch.pi, 17)[:-1]
    waves = torch.stack([torch.sin(grid + a)[:, None] * torch.cos(grid - a)[None] for a in (0.0, 0.3, 1.0)])[:, None]
    reports = layers(f, waves, action)
    shifts = {name: float(report.per_generator[0]) for name, report in reports.items()}
    assert shifts["0"] < 1e-4 and shifts["4"] < 1e-2
    assert float(reports["0"].per_generator[1]) > 100 * shifts["0"]


def test_everything_is_restored_when_the_model_fails(points, so3):
    class Failing(Network):
        def forward(self, x):
            super().forward(x)
            raise KeyError("broken")

    f = Failing().double()
    with pytest.raises(KeyError):
        layers(f, points(), so3.vector())
    assert f.training
    assert all(not m._forward_hooks for m in f.modules())


def test_outputs_that_are_no_tensor_are_named(points, so3):
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.LSTM(3, 5, batch_first=True)
            self.head = nn.Linear(5, 1)

        def forward(self, x):
            return self.head(self.cell(x[:, None])[0][:, 0])

    with pytest.warns(SymmetryWarning, match="cell"):
        reports = layers(Recurrent().double(), points(8), so3.vector())
    assert list(reports) == ["head"]
    assert reports["head"].method in ("forward", "double_backward")
    assert reports["head"].relative_error > 0.01
