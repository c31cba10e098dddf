"""
The hidden symmetry of the oscillator
=====================================

A mass on a round spring in the plane can be turned. But it has more symmetries than turns: the states, positions and
momenta together, may be mixed as two complex numbers are.
"""

import matplotlib.pyplot as plt
import torch

import isotropy as iso
from isotropy import viz

NAMES = ["x", "y", "p", "q"]

# %%
# The field, and states to look at
# --------------------------------


def velocity(state):
    position, momentum = state.chunk(2, -1)
    return torch.cat([momentum, -position], -1)


generator = torch.Generator().manual_seed(0)
states = torch.randn(300, 4, dtype=torch.float64, generator=generator)

# %%
# Among the symplectic motions
# ----------------------------
# Ten candidates keep the structure of mechanics. Four of them commute with the motion.

found = iso.discover.FromDynamics(iso.sp(4).vector()).fit_field(velocity, states)
print(found.summary(NAMES))

figure, axes = plt.subplots(figsize=(6.4, 3.2))
viz.spectrum(found.spectrum_, found.algebra_.dim, ax=axes)
figure.tight_layout()

figure, axes = plt.subplots(1, 4, figsize=(10, 2.8))
viz.generators(found.algebra_.basis, names=NAMES, ax=list(axes))
figure.tight_layout()

# %%
# One turns the plane, and two add up to the motion itself. The fourth mixes positions with momenta, which no turn of
# the plane does. Without the symplectic structure there are eight: all complex matrices of size two.

every = iso.discover.FromDynamics(iso.gl(4).vector()).fit_field(velocity, states)
print(every.algebra_.dim, every.identify().name)

# %%
# What is conserved
# -----------------
# Each of the four belongs to a conserved quantity. They are found on their own, as the kernel over functions.

conserved = iso.discover.ConservedQuantities(iso.dictionary.polynomials(4, degree=2)).fit_field(velocity, states)
for equation in conserved.equations(NAMES):
    print(equation)

# %%
# Along one orbit they stay where they are, while a product such as ``x y`` does not.

t = torch.linspace(0, 12, 300, dtype=torch.float64)[:, None]
start = states[:1]
orbit = start * t.cos() + velocity(start) * t.sin()
values = conserved.dictionary.evaluate(orbit) @ conserved.coefficients_.T
figure, axes = plt.subplots(figsize=(6.4, 3.2))
axes.plot(t, values, color=viz.NULL_COLOUR)
axes.plot(t, orbit[:, 0] * orbit[:, 1], color=viz.OTHER_COLOUR, label="x y")
axes.set(xlabel="time")
axes.legend(frameon=False)
figure.tight_layout()
