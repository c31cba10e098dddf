"""Multiple time steps: the plain model at every step, the correction of its symmetry at every tenth."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from ...errors import DataError
from ..structure._environment import Joined, ase_module

Thermostat = Callable[[Any, float], None]


class MultipleTimeStep(Joined):
    """Dynamics of ase with a cheap force at every inner step and a correction at every outer one.

    The structure's own calculator drives the inner steps of velocity Verlet. The difference ``slow - fast`` kicks the
    momenta for half an outer step before and after. One step of this integrator is one outer step.

    Parameters
    ----------
    atoms : Atoms
        With the fast calculator attached.
    timestep : float
        Of inner steps, in units of ase.
    slow : Calculator
        The accurate force, such as a ``SymmetrizedCalculator`` around the fast one.
    inner : int
        Inner steps in an outer one.
    thermostat : callable, optional
        Called with the structure and half an outer step, before and after each; see ``langevin``.
    **options
        Of ase's ``MolecularDynamics``, such as ``trajectory`` and ``logfile``.

    Attributes
    ----------
    evaluations : int
        Of the underlying model: one for each new fast force, and what the slow calculator needs.

    Raises
    ------
    DataError
        If ``inner`` is not positive or no calculator is attached.

    References
    ----------
    langer2024probing
    """

    ase_base = ("md.md", "MolecularDynamics")
    atoms: Any
    dt: float

    def __init__(
        self,
        atoms: Any,
        timestep: float,
        slow: Any,
        inner: int = 10,
        thermostat: Thermostat | None = None,
        **options: Any,
    ) -> None:
        if inner < 1 or atoms.calc is None:
            raise DataError(
                f"expected at least one inner step and a calculator on the structure, received inner={inner} and "
                f"{atoms.calc}; set atoms.calc to the fast one"
            )
        super().__init__(atoms, timestep * inner, **options)
        self.inner = inner
        self.fast = atoms.calc
        self.slow = slow
        self.thermostat = thermostat
        self.evaluations = 0
        self._kick: Any = None
        self._fast_forces()  # ase asks for them before the first step, and would not count

    def step(self) -> None:
        """One outer step."""
        self._heat()
        if self._kick is None:
            self._kick = self._correction()
        self._push(self._kick, self.dt / 2)
        for _ in range(self.inner):
            self._inner_step(self.dt / self.inner)
        self._kick = self._correction()
        self._push(self._kick, self.dt / 2)
        self._heat()

    def _heat(self) -> None:
        if self.thermostat is not None:
            self.thermostat(self.atoms, self.dt / 2)

    def _inner_step(self, dt: float) -> None:
        """Velocity Verlet, minding constraints as ase does."""
        self._push(self._fast_forces(), dt / 2)
        masses = self.atoms.get_masses()[:, None]
        before = self.atoms.get_positions()
        self.atoms.set_positions(before + dt * self.atoms.get_momenta() / masses)
        if self.atoms.constraints:
            moved = (self.atoms.get_positions() - before) * masses / dt
            self.atoms.set_momenta(moved, apply_constraint=False)
        self._push(self._fast_forces(), dt / 2)

    def _push(self, forces: Any, dt: float) -> None:
        self.atoms.set_momenta(self.atoms.get_momenta() + dt * forces)

    def _fast_forces(self) -> Any:
        """Forces of the fast calculator; at the same positions they are not computed again."""
        self.evaluations += bool(self.fast.calculation_required(self.atoms, ["forces"]))
        return self.fast.get_forces(self.atoms)

    def _correction(self) -> Any:
        """Slow minus fast forces."""
        before = getattr(self.slow, "evaluations", 0)
        fast = self._fast_forces()
        difference = self.slow.get_forces(self.atoms) - fast
        self.evaluations += getattr(self.slow, "evaluations", before + 1) - before
        return difference


def langevin(temperature: float, friction: float, seed: int = 0) -> Thermostat:
    """Exact partial refresh of momenta, ``p -> c p + sqrt((1 - c^2) m k T) n`` with ``c = exp(-friction t)``.

    Parameters
    ----------
    temperature : float
        In kelvin.
    friction : float
        In inverse units of time of ase.
    seed : int
        Of the noise.
    """
    generator = torch.Generator().manual_seed(seed)
    energy = temperature * ase_module("units").kB

    def refresh(atoms: Any, time: float) -> None:
        keep = math.exp(-friction * time)
        noise = torch.randn(len(atoms), 3, generator=generator, dtype=torch.float64).numpy()
        width = ((1 - keep**2) * energy * atoms.get_masses()[:, None]) ** 0.5
        atoms.set_momenta(keep * atoms.get_momenta() + width * noise)

    return refresh
