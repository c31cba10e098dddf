"""A found symmetry says where it acts, in the columns and units of the data, where that is worth a word."""

import pytest
import torch

import isotropy as iso
from isotropy.actions import Affine, Trivial

CENTRE = torch.tensor([120.0, -45.0, 300.0], dtype=torch.float64)


def draws(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def found(f, x):
    action = Affine(iso.aff(x.shape[1]))
    return iso.discover.FromModel(action, Trivial(action.algebra, (1,))).fit(f, x).symmetry_


@pytest.fixture(scope="module")
def far():
    """Rotations about a far centre."""
    return found(lambda x: (x - CENTRE).square().sum(1), CENTRE + 10 * draws(400, 3))


def test_rotations_about_a_far_centre(far, tmp_path):
    assert (far.status, far.name, far.place.words) == ("certified", "so(3)", "about (120, -45, 300)")
    assert far.place.centre == pytest.approx(CENTRE.tolist(), abs=1e-6)
    named = far.named(["u", "v", "w"], ["mm"] * 3)
    assert "so(3) about (120, -45, 300) mm, the rotations" in str(named)
    assert "so(3) about (120, -45, 300) mm" in repr(named)
    assert far.named(["u", "v", "w"], ["mm", "", "s"]).place.words == "about (120 mm, -45, 300 s)"
    assert named.on(["w", "u", "v"]).place.words == "about (300, 120, -45) mm"
    again = iso.Symmetry.load(named.save(tmp_path / "s.json"))
    assert again.place.words == named.place.words
    assert again.to_dict()["centre"] == pytest.approx(CENTRE.tolist())


def test_units_of_columns_are_told_and_change_no_name():
    units = torch.tensor([1e6, 1.0, 1e-3], dtype=torch.float64)
    symmetry = found(lambda x: (x / units).square().sum(1), draws(400, 3) * units)
    assert (symmetry.name, symmetry.place.words) == ("so(3)", "in x/1e+06, y, z/0.001")
    G = iso.gl(3)
    linear = iso.discover.FromModel(G.vector(), G.scalar()).fit(
        lambda x: (x / units).square().sum(1), draws(400, 3) * units
    )
    assert (linear.identify().name, linear.symmetry_.place.words) == ("so(3)", "in x/1e+06, y, z/0.001")


def test_a_form_that_mixes_columns_is_written_out():
    mixing = torch.tensor([[1.0, 0.0], [0.5, 1.0]], dtype=torch.float64)
    symmetry = found(lambda x: (x @ mixing.T).square().sum(1), draws(400, 2))
    assert (symmetry.name, symmetry.place.words) == ("so(2)", "keeping 1.25 x^2 + x y + y^2")


def test_what_is_usual_is_not_said():
    x = 10 * draws(400, 3)
    assert found(lambda x: x.square().sum(1), x).place.words == ""
    slanted = torch.tensor([1.0, 2.0, -1.0], dtype=torch.float64)
    about_axis = found(lambda x: x.square().sum(1) + 100 * torch.sin(x @ slanted / 10), x)
    assert (about_axis.name, about_axis.place.words) == ("so(2)", "")
    light = found(lambda x: x[:, 0] ** 2 - x[:, 1] ** 2 - x[:, 2] ** 2, x)
    assert (light.name, light.place.words) == ("so(1,2)", "")


def test_an_axis_is_told_by_the_columns_it_fixes():
    def f(x):
        return (x - CENTRE)[:, :2].square().sum(1) + 100 * torch.sin((x - CENTRE)[:, 2] / 10)

    symmetry = found(f, CENTRE + 10 * draws(400, 3))
    assert (symmetry.name, symmetry.place.words) == ("so(2)", "about x = 120, y = -45")


def planted(name, seed, noise):
    """A symmetry in a random frame, about a random far centre, in random units, whose entries carry relative noise."""
    generator = torch.Generator().manual_seed(seed)
    basis = iso.named(name).basis
    basis = basis if name == "se(2)" else torch.nn.functional.pad(basis, (0, 1, 0, 1))
    size = basis.shape[1] - 1
    draw = lambda *shape: torch.randn(*shape, dtype=torch.float64, generator=generator)  # noqa: E731
    units = 10 ** (12 * torch.rand(size, dtype=torch.float64, generator=generator) - 6)
    turn, centre = torch.linalg.qr(draw(size, size)).Q, 100 * units * draw(size)
    noisy = basis + noise * draw(*basis.shape)  # where the data lie
    linear = units[:, None] * (turn @ noisy[:, :-1, :-1] @ turn.T) / units
    shift = units * (noisy[:, :-1, -1] @ turn.T) - linear @ centre
    rows = torch.cat([linear, shift[:, :, None]], dim=2)
    columns = zip(centre.tolist(), units.tolist(), strict=True)
    doubt = noise * torch.cat([units[:, None] / units, 300 * units[:, None]], dim=1)
    algebra = iso.LieAlgebra(torch.nn.functional.pad(rows, (0, 0, 0, 1)))
    candidates = Affine(iso.aff(size))
    places = candidates.algebra.basis[:, :-1].flatten(1).argmax(1)  # each candidate is one entry
    still = iso.LieAlgebra(torch.zeros(0, size + 1, size + 1))
    return (
        iso.Symmetry(
            candidates=candidates,
            coefficients=rows.flatten(1)[:, places],
            algebra=algebra,
            uncertainty=doubt.flatten()[places].expand(len(basis), -1),
            status="certified",
            trivial=still,
            transversal=still,
            domain=iso.symmetry.Domain(tuple(iso.symmetry.Column(mean=m, spread=s) for m, s in columns), 100),
        ),
        centre,
        units,
    )


@pytest.mark.parametrize("noise", [0.0, 1e-4])
@pytest.mark.parametrize("name", ["so(2)", "so(3)", "so(1,3)", "se(2)", "scaling(2)"])
def test_names_are_the_same_in_a_hundred_frames(name, noise):
    known = planted(name, 0, 0.0)[0].name
    for seed in range(100):
        symmetry, centre, units = planted(name, seed, noise)
        assert symmetry.name == known, seed
        if name != "se(2)":
            assert symmetry.place.centre is not None, seed
            miss = (torch.tensor(symmetry.place.centre, dtype=torch.float64) - centre).abs()
            allowed = 10 * torch.tensor(symmetry.place.error, dtype=torch.float64) + 1e-9 * units
            assert bool((miss <= allowed).all()) and bool((allowed < 0.1 * units).all()), seed
        else:
            assert symmetry.place.centre is None
