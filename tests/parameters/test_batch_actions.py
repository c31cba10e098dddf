"""Actions that depend on data: exact on small batches, identity at the identity, a group law, and where they end."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import isotropy as iso
from isotropy.parameters import drift_bound, move_by_rotation, move_incoming, move_outgoing, scaled_rotation

F64 = torch.float64
H, N, M = 6, 5, 3


def weights(seed):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(shape, generator=generator, dtype=F64) for shape in ((H, N), (M, H), (H, H)))


def near_identity(matrix, size):
    return torch.linalg.matrix_exp(size * matrix / H**0.5)


def leaky(z):
    return torch.where(z > 0, z, 0.1 * z)


def unleaky(z):
    return torch.where(z > 0, z, 10 * z)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([torch.tanh, torch.sigmoid, torch.relu, leaky]))
def test_outgoing_form_on_a_small_batch(seed, activation):
    v, u, direction = weights(seed)
    bias, g = torch.ones(H, dtype=F64), near_identity(direction, 0.3)
    x = torch.randn(3, N, generator=torch.Generator().manual_seed(seed), dtype=F64)
    if int(torch.linalg.matrix_rank(activation((x @ v.T + bias) @ g.T))) < 3:
        return
    new_v, new_u, new_bias = move_outgoing(g, v, u, x, activation, bias)
    before, after = activation(x @ v.T + bias) @ u.T, activation(x @ new_v.T + new_bias) @ new_u.T
    assert torch.allclose(before, after, rtol=1e-10, atol=1e-9)
    eye = torch.eye(H, dtype=F64)
    same_v, same_u, same_bias = move_outgoing(eye, v, u, x, activation, bias)
    assert torch.equal(same_v, v)
    assert torch.equal(same_bias, bias)
    if int(torch.linalg.matrix_rank(activation(x @ v.T + bias))) == 3:
        assert torch.equal(same_u, u)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_incoming_form_is_a_group_action(seed):
    v, u, direction = weights(seed)
    x = torch.randn(4, N, generator=torch.Generator().manual_seed(seed), dtype=F64)
    g1, g2 = near_identity(direction, 0.3), near_identity(direction.T, 0.2)
    new_v, new_u = move_incoming(g1, v, u, x, leaky, unleaky)
    assert torch.allclose(leaky(x @ v.T) @ u.T, leaky(x @ new_v.T) @ new_u.T, rtol=1e-10, atol=1e-10)
    twice = move_incoming(g2, new_v, new_u, x, leaky, unleaky)
    once = move_incoming(g2 @ g1, v, u, x, leaky, unleaky)
    assert all(torch.allclose(a, b, rtol=1e-9, atol=1e-9) for a, b in zip(twice, once, strict=True))
    same_v, same_u = move_incoming(torch.eye(H, dtype=F64), v, u, x, leaky, unleaky)
    assert torch.equal(same_v, v)
    assert torch.equal(same_u, u)
    everywhere = move_incoming(g1, v, u, x, lambda z: z, lambda z: z)  # no activation: the linear action on the span
    assert torch.allclose(x @ everywhere[0].T, x @ (g1 @ v).T, atol=1e-10)


def test_larger_batches_are_refused_and_their_error_is_of_first_order():
    v, u, direction = weights(0)
    x = torch.randn(40, N, generator=torch.Generator().manual_seed(1), dtype=F64)
    with pytest.raises(iso.errors.SymmetryError, match="at most 6 independent moved hidden states, received 40"):
        move_outgoing(near_identity(direction, 0.1), v, u, x, torch.tanh)
    with pytest.raises(iso.errors.SymmetryError, match="at most 5 independent samples"):
        move_incoming(near_identity(direction, 0.1), v, u, x, leaky, unleaky)
    errors = []
    for size in (1e-4, 1e-3, 1e-2):
        with pytest.warns(iso.errors.SymmetryWarning, match="not exact"):
            new_v, new_u, _ = move_outgoing(near_identity(direction, size), v, u, x, torch.tanh, strict=False)
        errors.append(float((torch.tanh(x @ new_v.T) @ new_u.T - torch.tanh(x @ v.T) @ u.T).norm()))
    slopes = [math.log10(b / a) for a, b in pairwise(errors)]
    assert slopes == pytest.approx([1.0, 1.0], abs=0.1)
    with pytest.raises(iso.errors.SymmetryError, match="range of the activation"):
        move_incoming(40 * torch.eye(H, dtype=F64), v, u, x[:2], torch.tanh, torch.atanh)
    with pytest.raises(iso.errors.RepresentationMismatchError, match="samples are rows"):
        move_outgoing(direction, v, u, x.T, torch.tanh)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([torch.tanh, torch.sin, torch.sigmoid]))
def test_rotation_form_for_activations_of_both_signs(seed, activation):
    v, u, direction = weights(seed)
    x = torch.randn(N, generator=torch.Generator().manual_seed(seed), dtype=F64)
    g1, g2 = near_identity(direction, 1.0), near_identity(direction.T, 0.7)
    new_v, new_u = move_by_rotation(g1, v, u, x, activation)
    assert torch.allclose(new_u @ activation(new_v @ x), u @ activation(v @ x), rtol=1e-10, atol=1e-10)
    twice = move_by_rotation(g2, new_v, new_u, x, activation)
    once = move_by_rotation(g2 @ g1, v, u, x, activation)
    assert float((twice[1] - once[1]).norm()) <= 1e-10 * float(once[1].norm())
    step = 0.3 * torch.randn(N, generator=torch.Generator().manual_seed(seed + 1), dtype=F64)
    moved = new_u @ activation(new_v @ (x + step)) - u @ activation(v @ (x + step))
    assert float(moved.norm()) <= drift_bound((v, u), (new_v, new_u), float(step.norm()))


@pytest.mark.parametrize("z", [[-2.0, 0, 0], [-2.0, 1e-9, 0], [0.5, -0.5, 0.1], [0, 0, -1.0]])
def test_scaled_rotations(z):
    vector = torch.tensor(z, dtype=F64)
    matrix = scaled_rotation(vector) / vector.norm()
    assert torch.allclose(matrix[:, 0], vector / vector.norm(), atol=1e-15)
    assert torch.allclose(matrix.T @ matrix, torch.eye(3, dtype=F64), atol=1e-14)
    assert float(torch.linalg.det(matrix)) == pytest.approx(1.0)
    with pytest.raises(iso.errors.SymmetryError, match="zero"):
        scaled_rotation(0 * vector)
