"""Names that neither units nor a far centre nor a skew frame can change."""

import pytest
import torch

import isotropy as iso
from isotropy.algebra._frame import balance, frame_of, invariant_form

LINEAR = ("so(2)", "so(3)", "so(1,3)", "scaling(3)", "sl(2)", "gl(2)")
AFFINE = ("se(2)", "se(3)", "translation(2)")


def draws(generator, *shape):
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def homogeneous(name):
    """Generators `(k, n + 1, n + 1)` of an algebra of the catalogue."""
    algebra = iso.named(name)
    return algebra.basis if name in AFFINE else torch.nn.functional.pad(algebra.basis, (0, 1, 0, 1))


def moved(basis, seed, far=300.0, decades=6.0):
    """The same motions in a skew frame, about a far centre, in columns with units of their own; with that change."""
    generator, size = torch.Generator().manual_seed(seed), basis.shape[1] - 1
    turn = torch.linalg.qr(draws(generator, size, size)).Q
    stretch = torch.exp(1.5 * torch.rand(size, dtype=torch.float64, generator=generator))
    units = 10 ** (decades * (2 * torch.rand(size, dtype=torch.float64, generator=generator) - 1))
    change = torch.eye(size + 1, dtype=torch.float64)
    change[:size, :size] = units[:, None] * turn * stretch
    change[:size, size] = far * units * draws(generator, size)
    # In units far apart an inverse by elimination would lose what the entries hold.
    inner, centre = change[:size, :size], change[:size, size]
    linear = inner @ basis[:, :-1, :-1] @ (torch.diag(1 / stretch) @ turn.T / units)
    shift = basis[:, :-1, -1] @ inner.T - linear @ centre
    return torch.nn.functional.pad(torch.cat([linear, shift[:, :, None]], dim=2), (0, 0, 0, 1)), change


@pytest.mark.parametrize("name", [*LINEAR, *AFFINE])
def test_names_are_the_same_in_a_hundred_frames(name):
    known = iso.LieAlgebra(homogeneous(name)).identify().name
    decades = 2.0 if name.startswith("translation") else 6.0  # directions alone: in far units they are parallel
    found = {iso.LieAlgebra(moved(homogeneous(name), seed, decades=decades)[0]).identify().name for seed in range(100)}
    assert found == {known}


@pytest.mark.parametrize("name", ["so(3)", "so(1,3)"])
def test_linear_algebras_are_named_in_any_units(name):
    basis = iso.named(name).basis
    units = torch.logspace(6, -3, basis.shape[1], dtype=torch.float64)
    assert iso.LieAlgebra(units[:, None] * basis / units).identify().name == name


def test_balanced_units_do_not_depend_on_units():
    basis = iso.gl(4).span(draws(torch.Generator().manual_seed(0), 3, 16)).basis
    units = torch.tensor([1e6, 1.0, 1e-3, 1e4], dtype=torch.float64)
    one, other = balance(units[:, None] * basis / units), balance(basis / units[:, None] * units)
    ratio = one * units.square() / other
    torch.testing.assert_close(ratio / ratio[0], torch.ones(4, dtype=torch.float64), rtol=0.02, atol=0)
    assert torch.equal(balance(iso.so(3).basis), torch.ones(3, dtype=torch.float64))


@pytest.mark.parametrize("seed", range(10))
def test_the_fixed_point_is_found(seed):
    basis, change = moved(homogeneous("so(3)"), seed)
    frame = frame_of(basis[:, :-1, :-1], basis[:, :-1, -1])
    assert frame.fixed and frame.determined.all()
    torch.testing.assert_close(frame.centre, change[:-1, -1], rtol=1e-6, atol=0)


def test_an_axis_leaves_coordinates_open_and_shifts_keep_no_point():
    turn = homogeneous("so(2)")
    wide = torch.nn.functional.pad(turn, (1, 0, 1, 0))  # a coordinate in front that nothing moves
    frame = frame_of(wide[:, :-1, :-1], wide[:, :-1, -1])
    assert frame.fixed and frame.determined.tolist() == [False, True, True]
    for name in AFFINE:
        basis = homogeneous(name)
        assert not frame_of(basis[:, :-1, :-1], basis[:, :-1, -1]).fixed
    screw = torch.zeros(1, 4, 4, dtype=torch.float64)
    screw[0, :2, :2], screw[0, 2, 3] = iso.so(2).basis[0], 1.0
    assert not frame_of(screw[:, :-1, :-1], screw[:, :-1, -1]).fixed


@pytest.mark.parametrize("seed", range(10))
def test_the_invariant_form_is_that_of_the_frame(seed):
    basis, change = moved(homogeneous("so(1,3)"), seed, decades=3.0)
    frame = frame_of(basis[:, :-1, :-1], basis[:, :-1, -1])
    form, back = invariant_form(frame, 1e-9), torch.linalg.inv(change[:-1, :-1])
    metric = torch.diag(torch.tensor([1.0, -1, -1, -1], dtype=torch.float64))
    expected, size = back.T @ metric @ back, frame.scale[:, None] * frame.scale
    expected, form = expected / size, form / size  # entries of one size, so that all of them are compared
    torch.testing.assert_close(form / form.norm(), expected / expected.norm() * torch.sign((form * expected).sum()))


@pytest.mark.parametrize("name", ["gl(2)", "sl(2)", "scaling(3)", "translation(2)"])
def test_algebras_without_one_form_have_none(name):
    basis = homogeneous(name)
    frame = frame_of(basis[:, :-1, :-1], basis[:, :-1, -1])
    assert invariant_form(frame, 1e-9) is None


def test_independent_generators_in_far_units_are_no_dependent_ones():
    units = torch.tensor([1e8, 1.0, 1e-6], dtype=torch.float64)
    basis = units[:, None] * iso.gl(3).span(draws(torch.Generator().manual_seed(0), 4, 9)).basis / units
    assert iso.LieAlgebra(basis).dim == 4
    with pytest.raises(iso.errors.NotAnAlgebraError, match="received 5 that span 4"):
        iso.LieAlgebra(torch.cat([basis, basis[:1] - 2 * basis[1:2]]))
