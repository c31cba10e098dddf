"""Solutions of differential equations on grids, with the point symmetries of the equations."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from isotropy.errors import DataError

Terms = Mapping[str, Mapping[str, float]]
_SNAPSHOTS = 41


@dataclass(frozen=True)
class Equation:
    """Solutions of a differential equation.

    Parameters
    ----------
    name : str
        What it is called.
    independent, dependent : tuple of str
        Names of the variables.
    fields : Tensor
        `(solutions, dependent, *grid)`.
    grids : tuple of Tensor
        Coordinates along each axis.
    periodic : tuple of bool
        Which axes are periodic.
    order, degree : int
        Of the derivatives in the equation, and of the candidates in which its symmetries lie.
    lead : tuple of str
        Derivatives that the equation gives.
    symmetries : tuple of dict
        The generators as ``{coordinate: {monomial: value}}``, without superposition.
    superposition : int
        Number of polynomial solutions up to that degree, for a linear equation.
    """

    name: str
    independent: tuple[str, ...]
    dependent: tuple[str, ...]
    fields: torch.Tensor
    grids: tuple[torch.Tensor, ...]
    periodic: tuple[bool, ...]
    order: int
    degree: int
    lead: tuple[str, ...]
    symmetries: tuple[Terms, ...]
    superposition: int = 0


def equation(name: str, seed: int = 0, solutions: int = 6) -> Equation:
    """Solutions of ``"heat"``, ``"wave"``, ``"burgers"``, ``"schroedinger"``, ``"kdv"`` or ``"reaction-diffusion"``.

    Initial states are random sums of waves. Heat, waves and Burgers (from heat, by Cole and Hopf) are evaluated in
    closed form; the others are integrated as Fourier series, their linear part exactly.

    Raises
    ------
    DataError
        If the name is unknown.
    """
    if name not in _EQUATIONS:
        raise DataError(f"name: expected one of {', '.join(_EQUATIONS)}, received {name!r}; choose one of those")
    return _EQUATIONS[name](np.random.default_rng(seed), solutions)


def _heat(draw: np.random.Generator, solutions: int) -> Equation:
    """``u_t = u_xx``."""
    x, t = _circle(32, 2 * math.pi), np.linspace(0.0, 1.0, _SNAPSHOTS)
    fields = np.stack([_diffusion(draw, x, t)[:1] for _ in range(solutions)])
    symmetries: tuple[Terms, ...] = (
        {"x": {"1": 1}},
        {"t": {"1": 1}},
        {"u": {"u": 1}},
        {"x": {"x": 1}, "t": {"t": 2}},
        {"x": {"t": 2}, "u": {"x u": -1}},
        {"x": {"x t": 4}, "t": {"t^2": 4}, "u": {"x^2 u": -1, "t u": -2}},
    )
    return _plane("heat", fields, (x, t), ("u",), 2, 3, ("u_t",), symmetries, superposition=4)


def _burgers(draw: np.random.Generator, solutions: int) -> Equation:
    """``u_t + u u_x = u_xx``, by ``u = -2 w_x / w`` of a positive solution of the heat equation."""
    x, t = _circle(48, 2 * math.pi), np.linspace(0.0, 1.0, _SNAPSHOTS)
    fields = np.stack([_cole_hopf(*_diffusion(draw, x, t)) for _ in range(solutions)])[:, None]
    symmetries: tuple[Terms, ...] = (
        {"x": {"1": 1}},
        {"t": {"1": 1}},
        {"x": {"t": 1}, "u": {"1": 1}},
        {"x": {"x": 1}, "t": {"t": 2}, "u": {"u": -1}},
        {"x": {"x t": 1}, "t": {"t^2": 1}, "u": {"x": 1, "t u": -1}},
    )
    return _plane("burgers", fields, (x, t), ("u",), 2, 2, ("u_t",), symmetries)


def _kdv(draw: np.random.Generator, solutions: int) -> Equation:
    """``u_t + u u_x + u_xxx = 0``."""
    x, t = _circle(64, 16.0), np.linspace(0.0, 1.0, _SNAPSHOTS)
    k = _rates(64, 16.0)
    fields = np.stack(
        [
            _evolved(1j * k**3, lambda u: -0.5 * np.fft.ifft(1j * k * np.fft.fft(u * u)).real, _bumps(draw, x, 16.0), t)
            for _ in range(solutions)
        ]
    )[:, None]
    symmetries: tuple[Terms, ...] = (
        {"x": {"1": 1}},
        {"t": {"1": 1}},
        {"x": {"t": 1}, "u": {"1": 1}},
        {"x": {"x": 1}, "t": {"t": 3}, "u": {"u": -2}},
    )
    return _plane("kdv", fields, (x, t), ("u",), 3, 2, ("u_t",), symmetries)


def _schroedinger(draw: np.random.Generator, solutions: int) -> Equation:
    """``i psi_t + psi_xx + |psi|^2 psi = 0`` with ``psi = u + i v``."""
    x, t = _circle(64, 12.0), np.linspace(0.0, 1.0, _SNAPSHOTS)
    k = _rates(64, 12.0)
    waves = [
        _evolved(-1j * k**2, lambda p: 1j * abs(p) ** 2 * p, _bumps(draw, x, 12.0) + 1j * _bumps(draw, x, 12.0), t)
        for _ in range(solutions)
    ]
    fields = np.stack([np.stack([np.real(wave), np.imag(wave)]) for wave in waves])
    symmetries: tuple[Terms, ...] = (
        {"x": {"1": 1}},
        {"t": {"1": 1}},
        {"u": {"v": -1}, "v": {"u": 1}},
        {"x": {"x": 1}, "t": {"t": 2}, "u": {"u": -1}, "v": {"v": -1}},
        {"x": {"t": 2}, "u": {"x v": -1}, "v": {"x u": 1}},
    )
    return _plane("schroedinger", fields, (x, t), ("u", "v"), 2, 2, ("u_t", "v_t"), symmetries)


def _wave(draw: np.random.Generator, solutions: int) -> Equation:
    """``u_tt = u_xx + u_yy``."""
    x = _circle(16, 2 * math.pi)
    t = np.linspace(0.0, 2.0, _SNAPSHOTS)
    grid = np.meshgrid(x, x, t, indexing="ij")
    fields = np.stack([_standing(draw, *grid) for _ in range(solutions)])[:, None]
    conformal: list[Terms] = [
        {"x": {"x^2": 1, "y^2": -1, "t^2": 1}, "y": {"x y": 2}, "t": {"x t": 2}, "u": {"x u": -1}},
        {"y": {"x^2": -1, "y^2": 1, "t^2": 1}, "x": {"x y": 2}, "t": {"y t": 2}, "u": {"y u": -1}},
        {"t": {"x^2": 1, "y^2": 1, "t^2": 1}, "x": {"x t": 2}, "y": {"y t": 2}, "u": {"t u": -1}},
    ]
    symmetries: tuple[Terms, ...] = (
        *({a: {"1": 1}} for a in "xyt"),
        {"u": {"u": 1}},
        {"x": {"x": 1}, "y": {"y": 1}, "t": {"t": 1}},
        {"x": {"y": -1}, "y": {"x": 1}},
        {"x": {"t": 1}, "t": {"x": 1}},
        {"y": {"t": 1}, "t": {"y": 1}},
        *conformal,
    )
    return _space("wave", fields, (x, x, t), ("u",), 2, ("u_tt",), symmetries, superposition=9)


def _reaction_diffusion(draw: np.random.Generator, solutions: int) -> Equation:
    """``u_t = (1 - A) u + A v + 0.1 Lap u``, ``v_t = -A u + (1 - A) v + 0.1 Lap v`` with ``A = u^2 + v^2``."""
    points, length = 24, 10.0
    x, t = _circle(points, length), np.linspace(0.0, 1.0, _SNAPSHOTS)
    k = _rates(points, length)
    symbol = 1 - 0.1 * (k[:, None] ** 2 + k[None] ** 2)
    fields: list[np.ndarray] = []
    for _ in range(solutions):
        start = _bumps_of_plane(draw, x, length) + 1j * _bumps_of_plane(draw, x, length)
        wave = _evolved(symbol, lambda p: -(1 + 1j) * abs(p) ** 2 * p, start, t)
        fields.append(np.stack([np.real(wave), np.imag(wave)]))
    symmetries: tuple[Terms, ...] = (
        *({a: {"1": 1}} for a in "xyt"),
        {"x": {"y": -1}, "y": {"x": 1}},
        {"u": {"v": -1}, "v": {"u": 1}},
    )
    lead = ("u_t", "v_t")
    return _space("reaction-diffusion", np.stack(fields), (x, x, t), ("u", "v"), 1, lead, symmetries)


_EQUATIONS: dict[str, Callable[[np.random.Generator, int], Equation]] = {
    "heat": _heat,
    "wave": _wave,
    "burgers": _burgers,
    "schroedinger": _schroedinger,
    "kdv": _kdv,
    "reaction-diffusion": _reaction_diffusion,
}


def _plane(
    name: str,
    fields: np.ndarray,
    grids: tuple[np.ndarray, ...],
    dependent: tuple[str, ...],
    order: int,
    degree: int,
    lead: tuple[str, ...],
    symmetries: tuple[Terms, ...],
    superposition: int = 0,
) -> Equation:
    """An equation in x and t."""
    axes = tuple(map(torch.from_numpy, grids))
    values = torch.from_numpy(np.ascontiguousarray(fields))
    periodic = (True, False)
    return Equation(name, ("x", "t"), dependent, values, axes, periodic, order, degree, lead, symmetries, superposition)


def _space(
    name: str,
    fields: np.ndarray,
    grids: tuple[np.ndarray, ...],
    dependent: tuple[str, ...],
    degree: int,
    lead: tuple[str, ...],
    symmetries: tuple[Terms, ...],
    superposition: int = 0,
) -> Equation:
    """An equation of second order in x, y and t."""
    axes = tuple(map(torch.from_numpy, grids))
    values = torch.from_numpy(np.ascontiguousarray(fields))
    periodic = (True, True, False)
    return Equation(
        name, ("x", "y", "t"), dependent, values, axes, periodic, 2, degree, lead, symmetries, superposition
    )


def _circle(points: int, length: float) -> np.ndarray:
    return np.arange(points) * length / points - length / 2


def _rates(points: int, length: float) -> np.ndarray:
    return 2 * np.pi * np.fft.fftfreq(points, length / points)


def _bumps(draw: np.random.Generator, x: np.ndarray, length: float, waves: int = 4) -> np.ndarray:
    """A random sum of the longest waves, of size about one."""
    k = np.arange(waves + 1)
    size, phase = draw.normal(size=waves + 1) / (1 + 0.5 * k), draw.uniform(0, 2 * np.pi, waves + 1)
    return (size * np.cos(2 * np.pi * k * x[:, None] / length + phase)).sum(1) / 1.5


def _bumps_of_plane(draw: np.random.Generator, x: np.ndarray, length: float) -> np.ndarray:
    """A random sum of products of waves."""
    waves = [np.multiply.outer(_bumps(draw, x, length, 3), _bumps(draw, x, length, 3)) for _ in range(2)]
    return np.add(*waves)


def _diffusion(draw: np.random.Generator, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """A solution of the heat equation and its slope, `(2, x, t)`."""
    k = np.arange(1, 5)
    size, phase = draw.normal(size=4), draw.uniform(0, 2 * np.pi, 4)
    angle = k * x[:, None, None] + phase
    decay = size * np.exp(-(k**2) * t[:, None])
    return np.stack([draw.normal() + (decay * np.cos(angle)).sum(2), -(k * decay * np.sin(angle)).sum(2)])


def _cole_hopf(w: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """A solution of Burgers' equation from one of the heat equation, lifted until it is positive."""
    lift = 2 * np.ptp(w) - w.min()
    return -2 * slope / (w + lift)


def _standing(draw: np.random.Generator, x: np.ndarray, y: np.ndarray, t: np.ndarray) -> np.ndarray:
    """A sum of eight plane waves."""
    total = np.zeros_like(x)
    for _ in range(8):
        k = draw.integers(-2, 3, 2)
        pace = math.hypot(*k)
        phase, way = draw.uniform(0, 2 * np.pi), draw.choice([-1, 1])
        total += draw.normal() * np.cos(k[0] * x + k[1] * y + way * pace * t + phase)
    return total / 2


def _evolved(symbol: np.ndarray, nonlinear: Callable[[Any], Any], start: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Solve ``u_t = L u + N(u)`` `(*grid, t)` for Fourier series, with ``exp(-t L)`` taken off first."""
    from scipy.integrate import solve_ivp

    shape, real = start.shape, not np.iscomplexobj(start)

    def velocity(time: float, flat: np.ndarray) -> np.ndarray:
        state = np.fft.ifftn(np.exp(time * symbol) * flat.reshape(shape))
        change = nonlinear(state.real if real else state)
        return (np.exp(-time * symbol) * np.fft.fftn(change)).ravel()

    first = np.fft.fftn(start).ravel()
    found: Any = solve_ivp(velocity, (t[0], t[-1]), first, method="DOP853", t_eval=t, rtol=1e-10, atol=1e-10)
    states = [np.fft.ifftn(np.exp(s * symbol) * u.reshape(shape)) for s, u in zip(t, found.y.T, strict=True)]
    result = np.stack(states, axis=-1)
    return result.real if real else result
