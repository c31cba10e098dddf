"""Trajectories of known systems, with fresh noise for every seed."""

import numpy as np

DT = 0.02


def runge_kutta(field, starts, dt, steps):
    """States (trajectories, steps, n)."""
    states = [starts]
    for _ in range(steps - 1):
        x = states[-1]
        a = field(x)
        b = field(x + dt / 2 * a)
        c = field(x + dt / 2 * b)
        states.append(x + dt / 6 * (a + 2 * b + 2 * c + field(x + dt * c)))
    return np.stack(states, axis=1)


def oscillator(seed, trajectories=1, noise=0.2):
    """A hundred samples of x' = -0.1 x - y, y' = x - 0.1 y over time 20, and the clean states."""
    draw = np.random.default_rng(seed)
    radius, angle = draw.uniform(0.5, 2, trajectories), draw.uniform(0, 2 * np.pi, trajectories)
    starts = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    matrix = np.array([[-0.1, -1.0], [1.0, -0.1]])
    clean = runge_kutta(lambda x: x @ matrix.T, starts, DT, 1000)[:, ::10]
    noisy = clean + noise * clean.std(axis=(0, 1)) * draw.normal(size=clean.shape)
    return list(noisy), [np.arange(100) * 10 * DT] * trajectories


def growth(seed, trajectories=3, noise=0.05):
    """A hundred samples of x' = -0.3 x + 0.1 y^2, y' = y with multiplicative noise."""
    draw = np.random.default_rng(seed)

    def field(x):
        return np.stack([-0.3 * x[:, 0] + 0.1 * x[:, 1] ** 2, x[:, 1]], axis=1)

    clean = runge_kutta(field, draw.uniform(0.2, 1, (trajectories, 2)), DT, 100)
    return list(clean * (1 + noise * draw.normal(size=clean.shape))), [np.arange(100) * DT] * trajectories


def selkov(seed, trajectories=10, noise=0.2):
    """Ten thousand samples of x' = 0.75 - 0.1 x - x y^2, y' = 0.1 x - y + x y^2 over time 20."""
    draw = np.random.default_rng(seed)

    def field(x):
        product = x[:, 0] * x[:, 1] ** 2
        return np.stack([0.75 - 0.1 * x[:, 0] - product, 0.1 * x[:, 0] - x[:, 1] + product], axis=1)

    clean = runge_kutta(field, draw.uniform(0.5, 1, (trajectories, 2)), 0.002, 10000)
    noisy = clean + noise * clean.std(axis=(0, 1)) * draw.normal(size=clean.shape)
    return list(noisy), [np.arange(10000) * 0.002] * trajectories
