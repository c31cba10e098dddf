"""Tables, images and graphs of the user, bundled data of the sky, textbook problems and losses of known symmetry."""

from isotropy.datasets.bundled._bundled import load, names, path
from isotropy.datasets.bundled._waters import water_model, waters
from isotropy.datasets.files._graphs import GraphSet, tu_graphs
from isotropy.datasets.files._images import Images, cifar10, cifar100, fashion_mnist, mnist, read_idx
from isotropy.datasets.files._reading import read_table
from isotropy.datasets.files._samples import Samples, Trajectories, points, supervised, trajectories
from isotropy.datasets.files._stream import Stream, stream
from isotropy.datasets.files._table import Table, require_varying
from isotropy.datasets.problems._adversarial import discrete_rotation, lorentz_pairs, three_body, two_body
from isotropy.datasets.problems._bumps import bump_images
from isotropy.datasets.problems._equations import Equation, equation
from isotropy.datasets.problems._jets import top_tagging
from isotropy.datasets.problems._landscapes import Booth, Landscape, PlanarLandscape, Quadratic, Rosenbrock
from isotropy.datasets.problems._latent import (
    double_bump,
    lotka_volterra,
    lotka_volterra_energy,
    pendulum,
    pendulum_energy,
)
from isotropy.datasets.problems._problem import Expected, Problem
from isotropy.datasets.problems._textbook import (
    cross_product,
    hopf,
    kepler,
    lorenz,
    oscillator,
    quadratic_form,
    random_cubic,
    random_network,
)
from isotropy.datasets.problems._waves import reaction_diffusion, turning_shape

__all__ = [
    "Booth",
    "Equation",
    "Expected",
    "GraphSet",
    "Images",
    "Landscape",
    "PlanarLandscape",
    "Problem",
    "Quadratic",
    "Rosenbrock",
    "Samples",
    "Stream",
    "Table",
    "Trajectories",
    "bump_images",
    "cifar10",
    "cifar100",
    "cross_product",
    "discrete_rotation",
    "double_bump",
    "equation",
    "fashion_mnist",
    "hopf",
    "kepler",
    "load",
    "lorentz_pairs",
    "lorenz",
    "lotka_volterra",
    "lotka_volterra_energy",
    "mnist",
    "names",
    "oscillator",
    "path",
    "pendulum",
    "pendulum_energy",
    "points",
    "quadratic_form",
    "random_cubic",
    "random_network",
    "reaction_diffusion",
    "read_idx",
    "read_table",
    "require_varying",
    "stream",
    "supervised",
    "three_body",
    "top_tagging",
    "trajectories",
    "tu_graphs",
    "turning_shape",
    "two_body",
    "water_model",
    "waters",
]
