"""The convex solver: derivatives of its proximal maps, Newton's method against the plain splitting, odd data."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import isotropy as iso
from isotropy.actions import Affine
from isotropy.derivative._family import FamilyDerivative
from isotropy.dictionary import polynomials
from isotropy.errors import DataError
from isotropy.promote import _newton
from isotropy.promote._blocks import Groups, Nuclear
from isotropy.promote._fits import Interpolating, Penalised
from isotropy.promote._slopes import joined_slopes
from isotropy.promote._solver import solve
from isotropy.promote._system import System

quick = settings(deadline=None, max_examples=12, derandomize=True)
BLOCKS = [Nuclear(4, 6), Nuclear(6, 4), Nuclear(5, 5), Nuclear(2, 9), Nuclear(9, 2), Groups(5, 3)]


def problem(action, samples, seed):
    """A quadratic in one hidden direction, with the norm on the cube."""
    m, generator = action.size, torch.Generator().manual_seed(seed)
    library = polynomials(m, 2)
    x = 2 * torch.rand(samples, m, generator=generator, dtype=torch.float64) - 1
    feature = (x @ torch.linalg.qr(torch.randn(m, 1, generator=generator, dtype=torch.float64)).Q)[:, 0]
    family = FamilyDerivative(library, action, action.algebra.scalar(), "cube")
    target = 0.5 + 0.3 * feature + 0.8 * feature**2
    return System(library.evaluate(x).numpy(), target.numpy(), family.stacked, [Nuclear(family.dim, family.rows)])


def divided(system):
    """The same maps with every image row counted as a group of its own beside the nuclear norm."""
    from scipy.sparse import vstack

    dim, rows = system.blocks[0].shape
    maps = vstack([system.maps, 0.5 * system.maps], format="csr")
    return System(system.design, system.target, maps, [Nuclear(dim, rows), Groups(dim, rows)])


# -- derivatives of the proximal maps ----------------------------------------------------------------------------


def apply(slopes, function, columns):
    return slopes.restore((slopes.shares * function(slopes.values))[:, None] * slopes.rotate(columns))


@quick
@given(seed=st.integers(0, 1000), threshold=st.floats(0.1, 3.0))
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{type(block).__name__}{block.shape}")
def test_slopes_are_the_derivative_of_the_shrinking(block, seed, threshold):
    generator, step = np.random.default_rng(seed), 1e-6
    z, directions = generator.standard_normal(block.size), generator.standard_normal((block.size, 3))
    sizes = block.spectrum(z)[0]
    if abs(sizes - threshold).min() < 1e-3:  # at a kink
        return
    ends = [block.shrink(z + sign * step * d, threshold) for sign in (1, -1) for d in directions.T]
    slopes = block.slopes(z, threshold)
    expected = (np.array(ends[:3]) - np.array(ends[3:])).T / (2 * step)
    once = apply(slopes, lambda values: values, directions)
    np.testing.assert_allclose(once, expected, atol=1e-5)
    twice = apply(slopes, lambda values: values, once)
    np.testing.assert_allclose(apply(slopes, np.square, directions), twice, atol=1e-12)


def test_slopes_of_several_blocks_are_the_slopes_of_each():
    generator = np.random.default_rng(0)
    z, columns = generator.standard_normal(39), generator.standard_normal((39, 2))
    blocks, ends = [Nuclear(4, 6), Groups(5, 3)], [slice(0, 24), slice(24, 39)]
    parts = [block.slopes(z[end], 1.0) for block, end in zip(blocks, ends, strict=True)]
    each = [apply(part, np.sqrt, columns[end]) for part, end in zip(parts, ends, strict=True)]
    np.testing.assert_allclose(apply(joined_slopes(parts, ends), np.sqrt, columns), np.concatenate(each), atol=1e-14)


# -- Newton's method ---------------------------------------------------------------------------------------------


def fits(system):
    return [Interpolating(system), Penalised(system, 0.03), Penalised(divided(system), 0.02)]


@pytest.mark.parametrize("kind", range(3), ids=["interpolating", "penalised", "with groups"])
@pytest.mark.parametrize(("algebra", "samples"), [(iso.translation, 14), (iso.se, 10)])
def test_newton_reaches_what_the_splitting_reaches_slowly(monkeypatch, algebra, samples, kind):
    action = Affine(algebra(6))
    for seed in range(3):
        fit = fits(problem(action, samples, seed))[kind]
        fast = solve(fit.system, fit, 1e-11, 5000)
        with monkeypatch.context() as patch:
            patch.setattr(_newton, "_DENSE", 0)
            slow = solve(fit.system, fit, 1e-8, 20000)
        assert fast.gap <= 1e-11
        assert fast.objective == pytest.approx(slow.objective, rel=2e-8)
        assert fast.objective <= slow.objective * (1 + 1e-10)
        assert fast.iterations <= 60


def test_hard_problems_need_no_more_iterations_than_easy_ones(monkeypatch):
    system = problem(Affine(iso.translation(10)), 22, 100)
    fit = Interpolating(system)
    assert solve(system, fit, 1e-11, 5000).iterations <= 60
    monkeypatch.setattr(_newton, "_DENSE", 0)
    assert solve(system, fit, 1e-11, 5000).iterations > 100


@pytest.mark.parametrize("stride", [1e-3, 1e9], ids=["does not help", "leads astray"])
def test_steps_that_do_not_help_are_given_up(monkeypatch, stride):
    system = problem(Affine(iso.translation(6)), 14, 0)
    fit = Interpolating(system)
    honest = solve(system, fit, 1e-9, 5000)
    monkeypatch.setattr(_newton, "newton_step", lambda fit, threshold, point, residual: point + stride * residual[::-1])
    spoilt = solve(system, fit, 1e-9, 5000)
    assert spoilt.gap <= 1e-9
    assert spoilt.objective == pytest.approx(honest.objective, rel=1e-8)


@quick
@given(seed=st.integers(0, 1000))
def test_the_bound_is_below_every_function_that_meets_the_data(seed):
    fit = Interpolating(problem(Affine(iso.translation(4)), 9, seed))
    found = solve(fit.system, fit, 1e-3, 100)
    bound = found.objective * (1 - found.gap)
    others = np.random.default_rng(seed).standard_normal((fit.basis.shape[1], 5))
    near = found.coefficients[:, None] + fit.basis @ (others * np.logspace(-4, 0, 5))
    assert all(fit.system.norm(fit.system.image(w)) >= bound * (1 - 1e-12) for w in near.T)


# -- the data's side ---------------------------------------------------------------------------------------------


def test_coordinates_are_orthonormal_in_the_penalty():
    system = problem(Affine(iso.se(4)), 6, 0)
    for fit in (Interpolating(system), Penalised(system, 1.0)):
        image = system.maps @ fit.basis
        np.testing.assert_allclose(image.T @ image, np.diag(fit.lengths), atol=1e-10)
    free, start = Interpolating(system), Interpolating(system).start
    np.testing.assert_allclose(system.design @ free.basis, 0, atol=1e-12)
    np.testing.assert_allclose(system.design @ start, system.target, atol=1e-12)
    np.testing.assert_allclose(system.pull(system.image(start)) @ free.basis, 0, atol=1e-12)


def test_repeated_samples_change_nothing():
    system = problem(Affine(iso.translation(5)), 12, 0)
    twice = System(np.tile(system.design, (2, 1)), np.tile(system.target, 2), system.maps, system.blocks)
    once, again = (solve(one, Interpolating(one), 1e-10, 1000) for one in (system, twice))
    np.testing.assert_allclose(again.coefficients, once.coefficients, atol=1e-8)
    contradicting = System(twice.design, twice.target + np.arange(24), system.maps, system.blocks)
    with pytest.raises(DataError, match="received a residual of"):
        Interpolating(contradicting)


def test_directions_that_the_penalty_does_not_see_are_left_out():
    """Under rotations alone, one sample leaves the radial functions undetermined: zero breaks nothing."""
    action = iso.so(3).vector()
    library, x = polynomials(3, 2), torch.ones(1, 3, dtype=torch.float64)
    family = FamilyDerivative(library, action, action.algebra.scalar(), "cube")
    system = System(library.evaluate(x).numpy(), np.ones(1), family.stacked, [Nuclear(family.dim, family.rows)])
    fit = Interpolating(system)
    assert fit.basis.shape == (10, 8)
    found = solve(system, fit, 1e-9, 100)
    assert found.objective == pytest.approx(0.0, abs=1e-9)
