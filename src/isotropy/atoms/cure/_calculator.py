"""Any calculator of ase, averaged over rotations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...errors import DataError
from ...quadrature import Rule, haar
from ..structure._environment import AseCalculator
from ..structure._orbit import Orbit, orbits
from ..structure._properties import Property, as_properties, evaluate, known_properties
from ..structure._structure import require_frame

_MODES = ("average", "random", "randomised", "monitor")


class SymmetrizedCalculator(AseCalculator):
    """A calculator of ase around another, whose outputs are averaged over a rule.

    The average of forces is the gradient of the average of energies, whatever the rule, so dynamics stay conservative
    where the calculator's are.

    Parameters
    ----------
    calculator : Calculator
        Any calculator of ase.
    rule : Rule
        Elements and weights.
    mode : str
        ``"average"``: over the rule. ``"random"``: one random element for each call, at the cost of one evaluation;
        unbiased and noisy. ``"randomised"``: the rule after a random rotation for each call; unbiased, the noise is
        what the rule does not resolve. ``"monitor"``: results are the plain ones, the average goes to ``orbits`` and
        ``offsets`` alone.
    band_limit : int, optional
        Largest degree of the plain energy, if known; warns if the rule is too coarse for it.
    conservative : bool
        Whether forces derive from the energy; if not, they need one degree more.
    seed : int
        Of the random modes.

    Attributes
    ----------
    evaluations : int
        Of the inner calculator so far.
    orbits : dict
        Responses by property of the last call, each with ``mean`` and ``spread``.
    offsets : dict
        Plain minus averaged result by property of the last call, in the mode ``"monitor"``.

    Raises
    ------
    DataError
        If the mode is not known, or the calculator does not name its properties.

    Warns
    -----
    CoarseRuleWarning
        If the rule's degree does not suffice for ``band_limit``.

    Examples
    --------
    ::

        atoms.calc = SymmetrizedCalculator(calculator, iso.quadrature.polyhedral("O"))

    References
    ----------
    langer2024probing
    """

    def __init__(
        self,
        calculator: Any,
        rule: Rule,
        mode: str = "average",
        *,
        band_limit: int | None = None,
        conservative: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if mode not in _MODES:
            raise DataError(f"mode: expected one of {', '.join(_MODES)}, received {mode!r}; choose one of these")
        offered: list[str] = list(getattr(calculator, "implemented_properties", ()))
        known = [name for name in known_properties() if name in offered]
        if not known:
            raise DataError(
                f"calculator: expected one of ase that names its properties, received {type(calculator).__name__}; "
                "wrap a function in a Calculator"
            )
        if band_limit is not None:
            rule.require(band_limit, 0 if conservative else 1)
        self.calculator = calculator
        self.rule = rule
        self.mode = mode
        self.implemented_properties = known
        self.evaluations = 0
        self.orbits: dict[str, Orbit] = {}
        self.offsets: dict[str, Any] = {}
        self._generator = torch.Generator().manual_seed(seed)

    def calculate(
        self, atoms: Any = None, properties: Sequence[str] = ("energy",), system_changes: Sequence[str] = ()
    ) -> None:
        """Fill ``results`` for a structure."""
        self.atoms = atoms.copy()
        # Energy and forces come from one evaluation in practice, so asking for both costs nothing more.
        names = [name for name in self.implemented_properties if name in properties or name in ("energy", "forces")]
        wanted = as_properties(names)
        require_frame(atoms, 0, wanted)
        rule = self._elements()
        self.orbits = orbits(self.calculator, atoms, rule, wanted)
        self.evaluations += len(rule)
        means = {name: orbit.mean for name, orbit in self.orbits.items()}
        if self.mode == "monitor":
            means = self._plain(atoms, wanted, means)
        self.results = {name: _as_ase(name, value) for name, value in means.items()}

    def _elements(self) -> Rule:
        """The elements of this call."""
        if self.mode == "randomised":
            return self.rule.randomised(self._generator)
        if self.mode != "random":
            return self.rule
        one = haar(1, self._generator)
        flip = self.rule.has_inversion and bool(torch.rand((), generator=self._generator) < 0.5)
        return Rule(-one.rotations if flip else one.rotations, one.weights, one.name)

    def _plain(self, atoms: Any, wanted: Sequence[Property], means: dict[str, Tensor]) -> dict[str, Tensor]:
        """Plain results; their differences from the means are kept."""
        plain = evaluate(self.calculator, atoms, wanted)
        self.evaluations += 1
        self.offsets = {name: _as_ase(name, value - means[name]) for name, value in plain.items()}
        return plain


def _as_ase(name: str, value: Tensor) -> Any:
    """A number, or an array in the order of ase."""
    if name in ("stress", "stresses"):
        return value.flatten(-2)[..., [0, 4, 8, 5, 2, 1]].numpy()
    return value.item() if value.ndim == 0 else value.numpy()
