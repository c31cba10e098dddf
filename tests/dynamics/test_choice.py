"""The choice of a symmetry: true ones kept, wrong ones refused, the road told."""

import math

import pytest
import torch

import isotropy as iso
from dynamics.systems import growth
from isotropy.dynamics import SINDy, VectorFields, WeakSINDy, choose_symmetry, symmetry_candidates
from isotropy.errors import DataError

LIBRARY = iso.dictionary.polynomials(2, 2)
TIMES = torch.linspace(0, 20, 100, dtype=torch.float64)


def spiral(seed: int, noise: float = 0.1) -> torch.Tensor:
    """One damped oscillation, with noise."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.exp(-TIMES / 10)[:, None] * torch.stack([TIMES.cos(), TIMES.sin()], dim=1)
    return x + noise * torch.randn(x.shape, generator=draw, dtype=torch.float64)


@pytest.fixture(scope="module")
def chosen():
    return choose_symmetry(WeakSINDy(LIBRARY), [spiral(0)], [TIMES])


def test_the_rotation_is_chosen_and_its_price_is_told(chosen):
    assert "so(2)" in chosen.chosen.name
    assert chosen.chosen.dim == 2 and chosen.trials[0].dim == 12
    assert chosen.chosen.branch == "known, linear, hard"
    assert (chosen.model.coef_ != 0).sum() == 4
    text = " ".join(chosen.reasons)
    assert "of held-out error and removes" in text and "leaves 2 of 12" in text


def test_wrong_scalings_and_shifts_are_refused(chosen):
    wrong = [t for t in chosen.trials if t.name.startswith(("scaling", "shift")) and "x:1 y:1" not in t.name]
    assert len(wrong) == 8
    assert not any(t.accepted for t in wrong)
    assert all("rejected" in t.reason for t in wrong)


def test_what_contradicts_a_better_symmetry_is_rejected():
    candidates = {name: symmetry_candidates(2)[name] for name in ("scaling x:2 y:1", "shift along x")}
    alone = choose_symmetry(WeakSINDy(LIBRARY), *growth(30000), {"shift along x": candidates["shift along x"]})
    assert alone.trials[1].accepted  # x hardly moves in these data
    found = choose_symmetry(WeakSINDy(LIBRARY), *growth(30000), candidates)
    assert found.chosen.name == "scaling x:2 y:1"
    shift = next(t for t in found.trials if t.name == "shift along x")
    assert not shift.accepted and shift.reason.startswith("rejected beside scaling x:2 y:1, alone accepted")


def test_the_model_is_not_changed_and_the_answer_is_plain():
    model = SINDy(LIBRARY, iso.so(2), threshold=0.05)
    before = model.get_params()
    found = choose_symmetry(model, [spiral(1, 0.01)], [TIMES], {"so(2)": iso.so(2)})
    assert model.get_params() == before and not hasattr(model, "coef_")
    answer = found.to_dict()
    assert answer["chosen"] == "so(2)" and answer["branch"] == "known, linear, hard"
    assert all(t.p_value is None for t in found.trials)  # rows of derivatives depend on one another


def test_a_nonlinear_symmetry_takes_the_nonlinear_road():
    def turn(x: torch.Tensor) -> torch.Tensor:
        p, q = x[:, 0], x[:, 1] - x[:, 0] ** 2 / 2
        return torch.stack([-q, p - p * q], dim=1)

    clean = spiral(0, 0.0)
    warped = torch.stack([clean[:, 0], clean[:, 1] + clean[:, 0] ** 2 / 2], dim=1)
    noisy = warped + 0.02 * torch.randn(warped.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    library = iso.dictionary.polynomials(2, 3)
    candidates = {"warped turn": VectorFields(2, turn), "so(2)": iso.so(2)}
    found = choose_symmetry(WeakSINDy(library), [noisy], [TIMES], candidates)
    assert found.chosen.branch == "known, nonlinear, hard"
    assert found.chosen.dim == 2


def test_a_slightly_broken_symmetry_is_refused_or_softened():
    t = torch.linspace(0, 10, 200, dtype=torch.float64)
    rate = math.sqrt(1.2)  # x' = -1.2 y, y' = x
    starts = torch.linspace(0.5, 2.0, 10, dtype=torch.float64)
    states = [r * torch.stack([(rate * t).cos(), (rate * t).sin() / rate], dim=1) for r in starts]
    draw = torch.Generator().manual_seed(0)
    noisy = [x + 0.02 * torch.randn(x.shape, generator=draw, dtype=torch.float64) for x in states]
    found = choose_symmetry(WeakSINDy(LIBRARY), noisy, [t] * 10, {"so(2)": iso.so(2)})
    trial = next(s for s in found.trials if s.name == "so(2)")
    assert not trial.accepted and 0.03 < trial.broken < 0.25
    assert found.chosen.name in ("none", "so(2), softly")
    assert found.trials[-1].name == "so(2), softly"
    assert torch.allclose(found.model.coef_, found.free.coef_, atol=0.05)


def test_a_symmetry_without_fields_is_a_trial_that_says_so():
    odd = iso.dictionary.custom(2, {"x": lambda z: z[:, 0], "y^3": lambda z: z[:, 1] ** 3})
    found = choose_symmetry(SINDy(odd, threshold=0.01), [spiral(2, 0.0)], [TIMES], {"so(2)": iso.so(2)})
    assert found.trials[1].dim == 0 and not found.trials[1].accepted
    assert "add the terms that close it" in found.trials[1].reason
    assert found.chosen.name == "none" and found.chosen.branch == "no symmetry"


def test_folds_must_be_two():
    with pytest.raises(DataError, match="folds: expected at least 2, received 1"):
        choose_symmetry(SINDy(LIBRARY), [spiral(0)], [TIMES], folds=1)


@pytest.mark.parametrize(("size", "count"), [(2, 10), (4, 7), (6, 10)])
def test_candidates_act_on_all_coordinates(size, count):
    found = symmetry_candidates(size)
    assert len(found) == count
    for symmetry in found.values():
        action = symmetry if isinstance(symmetry, iso.Action) else symmetry.vector()
        assert action.size == size
