"""
Curing a force field
====================

A force field that was trained with random rotations is invariant only nearly. Averages over rotation groups cure it
within a few evaluations, since what is left of broken symmetry falls fast with the degree. Needs the extra ``atoms``;
without it the page shows no picture.
"""

import importlib.util

import matplotlib.pyplot as plt

import isotropy as iso
from isotropy.quadrature import haar, identity, lebedev, polyhedral

HAS_ASE = importlib.util.find_spec("ase") is not None

# %%
# One water, which the training never saw alone
# ---------------------------------------------
# The model comes with the library; its references are clusters of two and three waters. The list of neighbours is
# searched once, rotated copies run as one batch.

if HAS_ASE:
    model = iso.datasets.water_model()
    frames = iso.datasets.waters(range(24, 25))[::9]
    turned = [iso.atoms.turned(frame, g) for frame in frames for g in haar(2, 0).rotations]
    graph = iso.atoms.graph(turned, model.cutoff)


def forces(rule):
    """Forces averaged over a rule, in eV/A."""
    averaged = iso.atoms.SymmetrizedModule(model, rule, chunk=60)
    return iso.atoms.energies_and_forces(averaged, graph)[1]


# %%
# What each rule leaves
# ---------------------
# Mean absolute difference from a dense rule. Random rotations fall as one over the root of their number.

RULES = {
    "none": identity(),
    "inversion": identity().with_inversion(),
    "D2": polyhedral("D2"),
    "T": polyhedral("T"),
    "O": polyhedral("O"),
    "I": polyhedral("I"),
}

if HAS_ASE:
    exact = forces(lebedev(9).with_inversion())
    left = {name: 1000 * float((forces(rule) - exact).abs().mean()) for name, rule in RULES.items()}
    drawn = {count: 1000 * float((forces(haar(count, 1)) - exact).abs().mean()) for count in (1, 4, 12, 24, 60)}
    for name, error in left.items():
        print(f"{name}: {len(RULES[name])} evaluations, {error:.2g} meV/A")

# %%

if HAS_ASE:
    figure, axes = plt.subplots(figsize=(5.6, 3.8))
    axes.loglog([len(rule) for rule in RULES.values()], list(left.values()), "o", label="rules")
    axes.loglog(list(drawn), list(drawn.values()), "x:", color="grey", label="random rotations")
    for name, error in left.items():
        axes.annotate(name, (len(RULES[name]), error), textcoords="offset points", xytext=(6, -12))
    axes.set(xlabel="evaluations", ylabel="error of forces (meV/A)")
    axes.margins(x=0.15)
    axes.legend(frameon=False)
    figure.tight_layout()
