"""Small fields on periodic grids, solved by Fourier series with integrating factors."""

import math

import torch

LENGTH = 2 * math.pi


def waves(count):
    return torch.fft.fftfreq(count, 1 / count, dtype=torch.float64)


def march(start, linear, nonlinear, step, steps, every):
    """Spectra of ``u_t = linear u + nonlinear(u)`` by classical steps with an integrating factor."""
    half, found, u = torch.exp(linear * step / 2), [start], start
    for k in range(1, steps + 1):
        a = step * nonlinear(u)
        b = step * nonlinear(half * (u + a / 2))
        c = step * nonlinear(half * u + b / 2)
        d = step * nonlinear(half * half * u + half * c)
        u = half * half * u + (half * half * a + 2 * half * (b + c) + d) / 6
        if k % every == 0:
            found.append(u)
    return torch.stack(found)


def line(linear, steps, step, every, count=96):
    """``u_t = linear u - u u_x`` on a line."""
    k = waves(count)
    keep = k.abs() <= count / 3

    def advect(u):
        value = torch.fft.ifft(u).real
        return -0.5j * k * torch.fft.fft(value**2) * keep

    x = torch.arange(count, dtype=torch.float64) * LENGTH / count
    start = torch.fft.fft(x.cos() + 0.5 * (2 * x + 1).sin() + 0.3)
    return torch.fft.ifft(march(start, linear(k), advect, step, steps, every)).real, step * every


def burgers():
    return line(lambda k: -0.1 * k**2 + 0j, 400, 0.005, 4)


def korteweg_de_vries():
    return line(lambda k: 0.05 * 1j * k**3, 400, 0.0025, 4)


def plane_start(count, seed):
    draw = torch.Generator().manual_seed(seed)
    k = waves(count)
    size = (k[:, None] ** 2 + k[None] ** 2).sqrt()
    noise = torch.fft.fft2(torch.randn(count, count, generator=draw, dtype=torch.float64))
    return noise * ((size > 0) & (size < 5)) / (1 + size) ** 1.5


def vorticity(count=32, viscosity=0.02):
    """Vorticity and the two velocities of a flow in the plane."""
    k = waves(count)
    kx, ky = torch.meshgrid(k, k, indexing="ij")
    square = kx**2 + ky**2
    inverse = torch.where(square > 0, 1 / square.clamp_min(1.0), 0.0)
    keep = (kx.abs() <= count / 3) & (ky.abs() <= count / 3)

    def velocity(w):
        return torch.fft.ifft2(1j * ky * inverse * w).real, torch.fft.ifft2(-1j * kx * inverse * w).real

    def advect(w):
        u, v = velocity(w)
        slope = u * torch.fft.ifft2(1j * kx * w).real + v * torch.fft.ifft2(1j * ky * w).real
        return -torch.fft.fft2(slope) * keep

    start = plane_start(count, 0) * keep
    start = start / torch.fft.ifft2(start).real.std() * 2
    found = march(start, -viscosity * square + 0j, advect, 0.01, 40, 2)
    pairs = [velocity(w) for w in found]
    return torch.fft.ifft2(found).real, torch.stack([u for u, _ in pairs]), torch.stack([v for _, v in pairs]), 0.02


def reaction_diffusion(count=32):
    """Lambda-omega waves of two fields in the plane, ``(T, 2, x, y)``."""
    k = waves(count)
    square = k[:, None] ** 2 + k[None] ** 2

    def react(s):
        u, v = torch.fft.ifft2(s).real
        a = u**2 + v**2
        return torch.fft.fft2(torch.stack([(1 - a) * u + a * v, -a * u + (1 - a) * v]))

    start = torch.stack([plane_start(count, 1), plane_start(count, 2)])
    start = start / torch.fft.ifft2(start).real.std() * 0.7
    found = march(start, -0.1 * square + 0j, react, 0.02, 60, 1)
    return torch.fft.ifft2(found).real, 0.02
