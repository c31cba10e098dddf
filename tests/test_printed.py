"""What results print: the finding first, with its key number, in fewer than twelve lines; one line as a value."""

import pytest
import torch
from torch import nn

import isotropy as iso
from isotropy.core._short import MOST_LINES, cut, shortened


def spiral():
    """Times and states of a point that spirals in."""
    t = torch.linspace(0, 10, 100, dtype=torch.float64)
    return t, torch.exp(-t / 10)[:, None] * torch.stack([t.cos(), t.sin()], 1)


def require_short(found, *numbers):
    """Few lines that hold the numbers, the finding among the first; the value itself in one line."""
    text, value = str(found), repr(found)
    assert len(text.splitlines()) < 12
    assert len(value.splitlines()) == 1
    assert "object at 0x" not in value
    for number in numbers:
        assert number in text
    assert numbers[0] in "".join(text.splitlines()[:2])


@pytest.mark.parametrize(
    "model",
    [
        iso.dynamics.SINDy(iso.dictionary.polynomials(2, 2), iso.so(2), threshold=0.05),
        iso.dynamics.WeakSINDy(iso.dictionary.polynomials(2, 2), threshold=0.05),
        iso.dynamics.Ensemble(iso.dynamics.SINDy(iso.dictionary.polynomials(2, 1), threshold=0.05), n_models=3),
    ],
    ids=lambda model: type(model).__name__,
)
def test_equations_come_first_with_the_term_known_worst(model):
    assert str(model) == repr(model)  # nothing is known before the fit
    t, x = spiral()
    model.fit([x], [t])
    require_short(model, "x' = -0.1 x - y", "y' = x - 0.1 y", "4 terms; least sure: -0.1 +- ")
    share = torch.where(model.coef_ != 0, model.errors_ / model.coef_.abs(), 0.0).max()
    assert f"+- {float(share) * 0.1:.2g} at " in str(model)


def test_equations_say_what_the_symmetry_allows():
    t, x = spiral()
    model = iso.dynamics.SINDy(iso.dictionary.polynomials(2, 2), iso.so(2), threshold=0.05).fit([x], [t])
    assert str(model).endswith("\n2 parameters fitted; the hard symmetry allows 2 of 12")
    model = iso.dynamics.SINDy(iso.dictionary.polynomials(2, 2), threshold=0.05).fit([x], [t])
    assert str(model).endswith("\n4 parameters of 12 fitted, no symmetry imposed")


def test_many_long_equations_are_cut():
    x = torch.randn(400, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    model = iso.dynamics.SINDy(iso.dictionary.polynomials(20, 1), threshold=0.0).fit_velocities(x, x @ x[:20, :])
    require_short(model, "x1' = ", "420 terms")
    assert "... (whole in equations())" in str(model)
    assert "... and 12 more in equations()" in str(model)


def test_nothing_that_stays_is_said():
    x = torch.randn(40, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    model = iso.dynamics.SINDy(iso.dictionary.polynomials(2, 1), threshold=10.0).fit_velocities(x, x)
    require_short(model, "x' = 0", "No term stays")


def test_formulas_and_latent_equations():
    t, x = spiral()
    wave = x @ torch.randn(2, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    require_short(
        iso.dynamics.LatentEquations(iso.dynamics.SINDy(iso.dictionary.polynomials(2, 1))).fit([wave], [t]),
        "x' = ",
        "loses",
    )
    pytest.importorskip("pyoperon", reason="needs isotropy[symbolic]")
    model = iso.dynamics.SymbolicRegression(iso.so(2), generations=5, population_size=50)
    assert str(model) == repr(model)
    require_short(model.fit_velocities(x, x), "x' = 1.0*x", "Symmetry: proven")


def test_a_choice_and_an_alternation():
    t, x = spiral()
    model = iso.dynamics.SINDy(iso.dictionary.polynomials(2, 2), threshold=0.05)
    found = iso.dynamics.choose_symmetry(model, [x], [t])
    require_short(found, "x' = -0.1 x - y", f"of {found.trials[0].parameters} parameters", found.chosen.name)
    whole = iso.dynamics.discover_and_fit(model, [x], [t], rounds=0)
    require_short(whole, "x' = -0.1 x - y", whole.choice.chosen.name)


def test_symmetries_of_a_network():
    net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 3))
    found = iso.parameters.symmetries(net, torch.randn(8, 4, generator=torch.Generator().manual_seed(0)))
    require_short(
        found, f"{found.dim} dimensions of the {found.size} parameters, in 2 blocks", "dimension 16: 0.weight"
    )
    assert repr(found) == f"ParameterSymmetry(dim=24, blocks=2, parameters={found.size})"
    deep = nn.Sequential(*(layer for _ in range(20) for layer in (nn.Linear(4, 4), nn.ReLU())))
    found = iso.parameters.symmetries(deep, torch.randn(8, 4, generator=torch.Generator().manual_seed(0)))
    require_short(found, f"{found.dim} dimensions", "more in blocks")


def test_a_network_that_cannot_move_says_so():
    still = iso.parameters.ParameterSymmetry([], {"weight": (3, 2)}, [iso.parameters.Skipped("0", "it is square")] * 20)
    require_short(still, "none of the 6 parameters", "skipped 0: it is square", "... and 11 more in skipped")


def test_a_probe(monkeypatch):
    pytest.importorskip("ase", reason="structures need isotropy[atoms]")
    atoms = iso.atoms
    calculator = atoms.TorchCalculator(atoms.Together(atoms.SpringWater(), atoms.Banded([0, 0, 0.01])))
    report = atoms.probe(calculator, iso.datasets.waters(range(2, 3))[:2], iso.quadrature.polyhedral("I"))
    require_short(report, f"energy: error {report.summary('energy')['error']:.3g} eV", "2 frames, ")
    assert str(report).startswith("energy: error ")
    monkeypatch.setattr(type(report), "rules", lambda _: [])
    assert "cheaper" not in str(report)


def test_rows_are_shortened_and_cut_at_words():
    assert shortened(["a", "b"], 2, "there") == ["a", "b"]
    assert shortened(["a", "b", "c"], 2, "there") == ["a", "... and 2 more in there"]
    assert cut("word " * 20, "there") == "word " * 20
    assert cut("word " * 99, "there").endswith("word ... (whole in there)")
    assert MOST_LINES < 12
