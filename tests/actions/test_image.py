import pytest
import torch

import isotropy as iso
from isotropy.actions import Image
from isotropy.errors import DataError, RepresentationMismatchError


def waves(height, width, channels=2):
    """Smooth periodic images `(1, channels, height, width)` float64."""
    rows = 2 * torch.pi * torch.arange(height, dtype=torch.float64) / height
    columns = 2 * torch.pi * torch.arange(width, dtype=torch.float64) / width
    planes = [torch.sin(rows + k)[:, None] * torch.cos(columns - k)[None] for k in range(channels)]
    return torch.stack(planes)[None]


def relative(a, b):
    return float((a - b).norm() / b.norm())


def shift(action, *amounts):
    return action.pixel * torch.tensor(amounts, dtype=torch.float64)


@pytest.mark.parametrize(("rows", "columns"), [(0, 1), (3, 0), (-2, 5), (40, -33)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_circular_shift_by_whole_pixels_is_a_roll(rows, columns, dtype):
    action = Image(iso.translation(2), 12, 9, 3, boundary="circular")
    image = torch.rand(2, 3, 12, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    moved = action.flow(shift(action, columns, rows), image)
    torch.testing.assert_close(
        moved, image.roll((rows, columns), (2, 3)), rtol=0, atol=1e-5 if dtype == torch.float32 else 1e-12
    )


@pytest.mark.parametrize(("boundary", "edge"), [("zeros", 0.0), ("border", 1.0)])
def test_boundary_enters_from_outside(boundary, edge):
    action = Image(["shift_x"], 8, 8, boundary=boundary)
    image = torch.ones(1, 1, 8, 8, dtype=torch.float64)
    moved = action.flow(shift(action, 3), image)
    assert float((moved[..., :3] - edge).abs().max()) < 1e-12
    assert float((moved[..., 3:] - 1).abs().max()) < 1e-12
    gone = action.flow(shift(action, 100), image)
    assert float((gone - edge).abs().max()) < 1e-12


def test_quarter_turn_of_a_square_is_exact():
    """x right, y down: the positive rotation takes the x axis to the y axis, clockwise on the screen."""
    action = Image(["rotation"], 7, 7)
    image = torch.rand(1, 1, 7, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    turned = action.flow(torch.tensor([torch.pi / 2], dtype=torch.float64), image)
    torch.testing.assert_close(turned, torch.rot90(image, -1, (2, 3)), rtol=0, atol=1e-12)


def test_pixels_are_square_on_an_oblong_image():
    action = Image(["rotation"], 5, 9)
    dot = torch.zeros(1, 1, 5, 9, dtype=torch.float64)
    dot[0, 0, 2, 6] = 1.0  # two pixels to the right of the centre
    turned = action.flow(torch.tensor([torch.pi / 2], dtype=torch.float64), dot)
    assert float(turned[0, 0, 4, 4]) == pytest.approx(1.0)


def test_spectral_slopes_are_exact():
    action = Image(["shift_x", "shift_y"], 16, 10, 1, boundary="circular", gradient="spectral")
    rows = 2 * torch.pi * torch.arange(16, dtype=torch.float64) / 16
    image = torch.sin(2 * rows)[None, None, :, None].expand(1, 1, 16, 10)
    fields = action.fields(image)
    slope = 2 * torch.cos(2 * rows) * (2 * torch.pi / 16) / action.pixel
    torch.testing.assert_close(fields[0, 1, 0, :, 0], -slope)
    assert float(fields[:, 0].abs().max()) < 1e-12


def test_stencil_converges_with_fourth_order():
    errors = []
    for size in (16, 32):
        exact = Image(["shift_x"], size, size, 2, boundary="circular", gradient="spectral")
        stencil = Image(["shift_x"], size, size, 2, boundary="circular")
        errors.append(relative(stencil.fields(waves(size, size)), exact.fields(waves(size, size))))
    assert 14 < errors[0] / errors[1] < 18


def start(action, image):
    """Difference of the flow's first step and the field, relative."""
    xi, h = torch.tensor([0.6, -0.8], dtype=torch.float64), 1e-7
    slope = (action.flow(xi, image, h) - action.flow(xi, image, -h)) / (2 * h)
    return relative(slope, action.field(xi, image))


@pytest.mark.parametrize("boundary", ["zeros", "border", "circular"])
def test_flow_starts_along_the_stencil_field(boundary):
    noise = torch.randn(1, 2, 11, 14, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert start(Image(iso.translation(2), 11, 14, 2, boundary=boundary), noise) < 1e-6


def test_flow_converges_to_the_spectral_field_with_fourth_order():
    sizes = (16, 32)
    coarse, fine = (
        start(Image(iso.translation(2), n, n, 2, boundary="circular", gradient="spectral"), waves(n, n)) for n in sizes
    )
    assert fine < 1e-4
    assert 13 < coarse / fine < 18


def test_flow_keeps_a_smooth_image():
    action = Image(iso.translation(2), 32, 32, 1, boundary="circular")
    columns = 2 * torch.pi * (torch.arange(32, dtype=torch.float64) - 0.37) / 32
    moved = action.flow(shift(action, 0.37, 0.0), waves(32, 32, 1))
    rows = 2 * torch.pi * torch.arange(32, dtype=torch.float64) / 32
    assert relative(moved, torch.sin(rows)[None, None, :, None] * torch.cos(columns)) < 1e-4


def test_left_action():
    """First a, then b, is the motion of the product b a."""
    action = Image(iso.se(2), 40, 40)
    line = torch.linspace(-1, 1, 40, dtype=torch.float64)
    image = torch.exp(-15 * ((line[:, None] - 0.1) ** 2 + line[None] ** 2))[None, None]
    a, b = torch.tensor([0.5, 0.0, 0.0]), torch.tensor([0.0, 0.2, -0.1])
    product = action.algebra.exp(b) @ action.algebra.exp(a)
    generator = _logarithm(product)
    xi = torch.stack([generator[1, 0], generator[0, 2], generator[1, 2]])
    torch.testing.assert_close(action.algebra.element(xi), generator, rtol=0, atol=1e-10)
    both = action.flow(b, action.flow(a, image))
    assert relative(both, action.flow(xi, image)) < 1e-3
    assert relative(action.flow(a, action.flow(b, image)), both) > 0.1


def _logarithm(matrix):
    from scipy.linalg import logm

    return torch.as_tensor(logm(matrix.numpy()).real)


@pytest.mark.parametrize("boundary", ["zeros", "border", "circular"])
def test_field_and_flow_are_linear_in_the_image(boundary):
    action = Image(["rotation", "shear"], 11, 8, boundary=boundary)
    a, b = torch.randn(2, 1, 1, 11, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    xi = torch.tensor([0.4, -0.1])
    for move in (lambda y: action.field(xi, y), lambda y: action.flow(xi, y)):
        torch.testing.assert_close(move(2 * a - b), 2 * move(a) - move(b))


def test_pooled_convolutions_are_measured_as_invariant():
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(2, 6, 3, padding=1, padding_mode="circular", dtype=torch.float64)
    f = lambda y: torch.tanh(conv(y)).mean((2, 3))  # noqa: E731
    action = Image(["shift_x", "shift_y", "rotation"], 20, 20, 2, boundary="circular", gradient="spectral")
    image = torch.cat([waves(20, 20), waves(20, 20).roll(3, 2) + 0.3])
    report = iso.measure.equivariance(f, image, action, 6 * action.algebra.scalar())
    assert report.per_generator[:2].max() < 1e-4
    assert report.per_generator[2] > 10 * report.per_generator[:2].max()
    assert report.names == ("d/dx", "d/dy", "x d/dy - y d/dx")


def test_bad_options_are_refused():
    with pytest.raises(RepresentationMismatchError, match="plane"):
        Image(iso.se(3), 8, 8)
    with pytest.raises(RepresentationMismatchError, match="last row"):
        Image(iso.so(3), 8, 8)
    with pytest.raises(DataError, match="names"):
        Image(["spin"], 8, 8)
    with pytest.raises(DataError, match="boundary"):
        Image(["rotation"], 8, 8, boundary="mirror")
    with pytest.raises(DataError, match="gradient"):
        Image(["rotation"], 8, 8, gradient="exact")
    with pytest.raises(DataError, match="waves"):
        Image(["rotation"], 8, 8, gradient="spectral")
    with pytest.raises(DataError, match="pixels"):
        Image(["rotation"], 1, 8)
