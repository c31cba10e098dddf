"""Equations of fields with the symmetries of space: made data, true terms."""

import pytest
import torch

import isotropy as iso
from isotropy.dynamics import FieldSINDy, periodic_jets, time_rates
from isotropy.errors import DataError

from .fields import LENGTH, burgers, korteweg_de_vries, reaction_diffusion, vorticity

JETS = ["u", "u_x", "u_xx", "u_xxx"]


def flat(jets):
    return jets[2:-2].flatten(0, -2)


def terms(model, names):
    """Coefficients that are not zero, by name."""
    named = model.dictionary.names(names)
    return [{n: float(c) for c, n in zip(row, named, strict=True) if c} for row in model.coef_]


@pytest.mark.parametrize(
    ("data", "truth"),
    [(burgers, {"u_xx": 0.1}), (korteweg_de_vries, {"u_xxx": -0.05})],
    ids=["Burgers", "KdV"],
)
def test_waves_on_a_line(data, truth):
    u, step = data()
    jets = flat(periodic_jets(u, [LENGTH], 3))
    rates = time_rates(u, step).flatten()
    library = iso.dictionary.polynomials(4, 2)
    free = terms(FieldSINDy(library).fit(jets, rates), JETS)[0]
    assert free == pytest.approx({"u u_x": -1.0, **truth}, rel=0.02)
    shift = iso.actions.Affine(_shift_of_u())
    boosted = FieldSINDy(library, shift, shift.algebra.scalar()).fit(jets, rates, -jets[:, 0] * jets[:, 1])
    assert boosted.symmetry_.dim == 10  # terms up to degree two in the three derivatives
    assert terms(boosted, JETS)[0] == pytest.approx(truth, rel=0.02)


def _shift_of_u():
    """Shifts of the first of four jets."""
    matrix = torch.zeros(1, 5, 5, dtype=torch.float64)
    matrix[0, 0, 4] = 1.0
    return iso.LieAlgebra(matrix, "shift of u")


def test_scaling_leaves_the_terms_of_one_weight():
    """x -> x/a, t -> t/a^2, u -> a u: jets weigh 1, 2, 3, 4 and the rate 3."""
    u, step = burgers()
    jets, rates = flat(periodic_jets(u, [LENGTH], 3)), time_rates(u, step).flatten()
    algebra = iso.diagonal(5).span(torch.tensor([[1.0, 2.0, 3.0, 4.0, 3.0]], dtype=torch.float64))
    first, last = _block(algebra, slice(0, 4)), _block(algebra, slice(4, 5))
    model = FieldSINDy(iso.dictionary.polynomials(4, 2), first, last).fit(jets, rates)
    assert model.symmetry_.dim == 2
    assert terms(model, JETS)[0] == pytest.approx({"u u_x": -1.0, "u_xx": 0.1}, rel=0.02)


def _block(algebra, rows):
    """Part of the coordinates of diagonal generators."""
    return iso.Representation(algebra, algebra.basis[:, rows, rows])


def test_vorticity_turns_with_the_plane():
    w, u, v, step = vorticity()
    slopes = periodic_jets(w, [LENGTH, LENGTH], 2)
    jets = torch.cat([u[..., None], v[..., None], slopes], dim=-1)
    names = ["u", "v", "w", "w_x", "w_y", "w_xx", "w_xy", "w_yy"]
    plane = iso.so(2)
    hessian = _hessian(plane)
    rho = _joined(plane, [plane.vector().tensor, plane.scalar().tensor, plane.vector().tensor, hessian])
    library = iso.dictionary.polynomials(8, 2)
    model = FieldSINDy(library, rho, plane.scalar()).fit(flat(jets), time_rates(w, step).flatten())
    assert model.symmetry_.dim < 20 < len(library)
    truth = {"u w_x": -1.0, "v w_y": -1.0, "w_xx": 0.02, "w_yy": 0.02}
    assert terms(model, names)[0] == pytest.approx(truth, rel=0.03)


def _hessian(plane):
    """Rotation of (w_xx, w_xy, w_yy)."""
    a = plane.basis[0]
    rows = []
    for i, j in ((0, 0), (0, 1), (1, 1)):
        unit = torch.zeros(2, 2, dtype=torch.float64)
        unit[i, j] = unit[j, i] = 1.0
        moved = a @ unit + unit @ a.T
        rows.append(torch.stack([moved[0, 0], moved[0, 1], moved[1, 1]]))
    return torch.stack(rows, dim=1)[None]


def _joined(algebra, blocks):
    """Blocks along the diagonal."""
    return iso.Representation(algebra, torch.stack([torch.block_diag(*(b[0] for b in blocks))]))


def test_reaction_and_diffusion_turn_the_two_fields_into_one_another():
    s, step = reaction_diffusion()
    parts = [periodic_jets(s[:, i], [LENGTH, LENGTH], 2) for i in (0, 1)]
    laplace = [p[..., 3] + p[..., 5] for p in parts]
    jets = torch.stack([parts[0][..., 0], parts[1][..., 0], *laplace], dim=-1)
    rates = torch.stack([time_rates(s[:, i], step).flatten() for i in (0, 1)], dim=1)
    inner = iso.so(2)
    model = FieldSINDy(iso.dictionary.polynomials(4, 3), 2 * inner.vector(), inner.vector()).fit(flat(jets), rates)
    first, second = terms(model, ["u", "v", "Lu", "Lv"])
    cubic = {"u^3": -1.0, "u^2 v": 1.0, "u v^2": -1.0, "v^3": 1.0}
    assert first == pytest.approx({"u": 1.0, "Lu": 0.1, **cubic}, rel=0.02)
    assert second["Lv"] == pytest.approx(first["Lu"], rel=1e-9)


def test_bad_fields_are_refused():
    library = iso.dictionary.polynomials(3, 1)
    good = torch.ones(10, 3)
    with pytest.raises(DataError, match="expected both or neither"):
        FieldSINDy(library, iso.so(3).vector()).fit(good, good[:, 0])
    with pytest.raises(DataError, match="flatten space and time"):
        FieldSINDy(library).fit(good[:, :2], good[:, 0])
    with pytest.raises(DataError, match="NaN or infinity"):
        FieldSINDy(library).fit(good * float("nan"), good[:, 0])
    with pytest.raises(DataError, match="expected an action on 1 rates"):
        FieldSINDy(library, iso.so(3).vector(), iso.so(3).vector()).fit(good, good[:, 0])
    with pytest.raises(DataError, match="one length per axis"):
        periodic_jets(torch.ones(4, 8), [1.0, 1.0], 1)
    with pytest.raises(DataError, match="five times or more"):
        time_rates(torch.ones(4, 8), 0.1)
