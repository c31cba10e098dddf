"""
Probing a force field
=====================

A flexible water molecule in a weak field that is fixed in the laboratory, as if a model had learnt a preferred
direction. The probe says how much rotations are broken, in which degrees, and which rule cures it. Needs the extra
``atoms``; without it the page shows no picture.
"""

import importlib.util

import matplotlib.pyplot as plt
import torch

import isotropy as iso

HAS_ASE = importlib.util.find_spec("ase") is not None

# %%
# A force field with a flaw
# -------------------------


def flawed(positions, cell, numbers):
    """Springs, and a hundredth of a field of known average."""
    return iso.atoms.SpringWater()(positions, cell, numbers) + 0.01 * iso.atoms.lab_field(positions, cell, numbers)


# %%
# Probe it at a few structures
# ----------------------------

if HAS_ASE:
    from ase.build import molecule

    frames = [molecule("H2O") for _ in range(3)]
    for seed, frame in enumerate(frames):
        frame.rattle(0.03, seed=seed)
    calculator = iso.atoms.TorchCalculator(flawed)
    reference = iso.quadrature.lebedev(7).with_inversion()
    report = iso.atoms.probe(calculator, frames, reference, candidates=iso.atoms.ladder(60))
    print(report)
    print("cheapest rule for a tenth of a meV:", report.recommend(energy=1e-4)["name"])

# %%
# What is broken, and what each rule leaves
# -----------------------------------------
# Bars: the error of the energy by degree, even parity beside odd. Line: the error that is left after averaging, against
# the number of evaluations. Polyhedra lie below random rotations, whose error falls as one over the root.

if HAS_ASE:
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.6))
    spectrum = torch.tensor(report.summary("energy")["spectrum"]).sqrt()
    degrees = torch.arange(len(spectrum))
    left.bar(degrees - 0.2, 1000 * spectrum[:, 0], width=0.35, label="even")
    left.bar(degrees + 0.2, 1000 * spectrum[:, 1], width=0.35, label="odd")
    left.set(xlabel="degree", ylabel="error of the energy (meV)")
    left.legend(frameon=False)
    rows = report.rules()
    cost = torch.tensor([row["evaluations"] for row in rows], dtype=torch.float64)
    right.loglog(cost, [1000 * row["errors"]["energy"]["mean"] for row in rows], "o", label="polyhedra")
    right.loglog(cost, 1000 * report.summary("energy")["error"] / cost.sqrt(), ":", label="random rotations")
    right.set(xlabel="evaluations", ylabel="error left (meV)")
    right.legend(frameon=False)
    figure.tight_layout()
