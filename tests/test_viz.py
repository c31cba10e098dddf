import sys

import numpy as np
import pytest
import torch

from isotropy import viz
from isotropy.errors import DataError, MissingExtraError, RepresentationMismatchError

ROTATION = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])

SHIFT = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])


def texts(axes):
    return [text.get_text() for text in axes.texts]


def heights(axes, colour):
    lines = [line for line in axes.lines if line.get_color() == colour and line.get_linestyle() == "None"]
    return np.concatenate([line.get_ydata() for line in lines]) if lines else np.array([])


def test_spectrum_marks_every_value_and_the_cut():
    axes = viz.spectrum([0.9, 0.5, 0.2, 1e-9, 0.0], cut=2, floor=1e-6).axes[0]
    assert axes.get_yscale() == "log"
    assert heights(axes, viz.OTHER_COLOUR) == pytest.approx([0.9, 0.5, 0.2])
    null = heights(axes, viz.NULL_COLOUR)
    assert len(null) == 2
    assert null[0] == 1e-9
    assert 0 < null[1] < 1e-9, "a zero is drawn below everything"
    upright = [line for line in axes.lines if len(set(line.get_xdata())) == 1 and line.get_linestyle() == "--"]
    assert [line.get_xdata()[0] for line in upright] == [3.5]
    assert "2 × 10$^{8}$" in texts(axes)[0]
    assert axes.get_ylim()[0] < null[1]


def test_spectrum_without_symmetry_has_no_cut_and_is_not_zoomed_in():
    axes = viz.spectrum([0.9, 0.8], cut=0).axes[0]
    assert len(axes.lines) == 1
    assert axes.get_ylim()[0] <= 1e-2


@pytest.mark.parametrize("values", [[], [0.0, 0.0]])
def test_spectrum_of_nothing_and_of_zeros_can_be_drawn(values):
    figure = viz.spectrum(values, cut=len(values))
    figure.draw_without_rendering()


def test_generators_draw_one_panel_each_with_numbers_and_symmetric_colours():
    figure = viz.generators(torch.tensor(np.stack([ROTATION, 2 * ROTATION])), names=["a", "b", "c"], titles=["$", "2"])
    assert len(figure.axes) == 2
    for axes, scale in zip(figure.axes, (1, 2), strict=True):
        mesh = axes.collections[0]
        assert np.asarray(mesh.get_array()).reshape(3, 3) == pytest.approx(scale * ROTATION)
        assert mesh.get_clim() == (-2, 2)
        assert texts(axes)[1] == f"−{scale}"
        assert texts(axes)[0] == "0"
    figure.draw_without_rendering()


def test_numbers_are_left_out_of_large_matrices():
    assert texts(viz.generators(np.eye(8)[None]).axes[0]) == []


def test_affine_generators_name_the_shift_and_drop_the_last_row():
    shift = np.zeros((1, 3, 3))
    shift[0, 0, 2] = 1
    axes = viz.generators(shift, affine=True).axes[0]
    assert axes.collections[0].get_array().shape == (2, 3)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["x", "y", "1"]


def test_pictures_can_be_drawn_on_given_axes():
    figure = viz.spectrum([1.0], cut=0)
    axes = figure.add_subplot()
    assert viz.flow(ROTATION, ax=axes) is figure
    assert viz.generators(ROTATION[None], ax=axes) is figure
    assert viz.orbits(np.zeros((2, 1, 2)), ax=axes) is figure


@pytest.mark.parametrize(
    ("generator", "options", "expected"),
    [
        (ROTATION, {}, lambda x, y: (-y, x)),
        (ROTATION, {"plane": (1, 0)}, lambda x, y: (y, -x)),
        (
            SHIFT,
            {"affine": True},
            lambda x, y: (1 + 0 * x, 2 + 0 * y),
        ),
        (lambda p: p * [[1, -1]], {"extent": 3.0}, lambda x, y: (x, -y)),
    ],
)
def test_flow_follows_the_field(generator, options, expected):
    axes = viz.flow(generator, **options).axes[0]
    streaks = np.array(axes.collections[0].get_segments())
    middle = (streaks[:, 1:] + streaks[:, :-1]) / 2
    step = np.diff(streaks, axis=1)
    velocity = np.stack(expected(*np.moveaxis(middle, -1, 0)), axis=-1)
    time = (step * velocity).sum() / (velocity**2).sum()
    assert np.abs(step - time * velocity).max() < 0.01 * np.abs(step).max()
    assert len(axes.collections[1].get_offsets()) == len(streaks), "one head each"


def test_a_rotation_keeps_every_radius_and_leaves_the_centre_alone():
    streaks = np.array(viz.flow(ROTATION).axes[0].collections[0].get_segments())
    radius = np.linalg.norm(streaks, axis=-1)
    assert len(streaks) == 80
    assert np.abs(radius - radius[:, :1]).max() < 1e-3


def test_flow_says_when_nothing_moves_and_refuses_what_is_nowhere_finite():
    still = viz.flow(0 * ROTATION).axes[0]
    assert "nothing moves" in texts(still)[0]
    assert not still.collections
    with pytest.raises(DataError, match="finite"):
        viz.flow(lambda points: points * np.nan)


@pytest.mark.parametrize("size", [2, 3])
def test_orbits_draw_a_curve_and_a_start_per_point(size):
    points = np.random.default_rng(0).normal(size=(5, 7, size))
    axes = viz.orbits(points, names=["$", "b", "c"][:size]).axes[0]
    assert len(axes.lines) == 7 + 1
    assert len(axes.lines[-1].get_xdata()) == 7
    assert axes.name == ("3d" if size == 3 else "rectilinear")


@pytest.mark.parametrize(
    "draw",
    [
        lambda: viz.spectrum([1.0, 0.5], cut=3),
        lambda: viz.spectrum([[1.0]], cut=0),
        lambda: viz.generators(np.zeros((0, 2, 2))),
        lambda: viz.generators(np.zeros((1, 2, 3))),
        lambda: viz.generators(ROTATION[None], names=["x"]),
        lambda: viz.flow(ROTATION, plane=(0, 3)),
        lambda: viz.flow(ROTATION, plane=(1, 1)),
        lambda: viz.orbits(np.zeros((2, 2, 4))),
    ],
)
def test_what_does_not_fit_is_refused(draw):
    with pytest.raises(RepresentationMismatchError, match=r"expected .* got .*"):
        draw()


def test_values_that_would_be_drawn_wrongly_are_refused():
    with pytest.raises(DataError, match="descending"):
        viz.spectrum([0.1, 0.5], cut=1)
    with pytest.raises(DataError, match="got 1 that are not"):
        viz.generators([[[np.nan]]])


def test_pyplot_stays_untouched_and_matplotlib_is_asked_for_by_name(monkeypatch):
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    viz.spectrum([1.0], cut=0)
    assert "matplotlib.pyplot" not in sys.modules
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"isotropy\[report\]"):
        viz.spectrum([1.0], cut=0)
