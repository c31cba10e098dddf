"""Every road by the name that runs give it."""

from collections.abc import Callable
from typing import Any

from .asks import clouds, conserved, elements, equations, flows, maps, networks, pairs_of_points, surfaces
from .families.draws import Draw
from .question import Run

ROADS: dict[str, Callable[[Run, Draw], dict[str, Any]]] = {
    "FromModel": maps.ask_model,
    "LiePenalty": maps.ask_penalty,
    "FromData": maps.ask_data,
    "LieGAN": maps.ask_liegan,
    "layers": networks.ask_layers,
    "DiscreteSymmetries": elements.ask_elements,
    "FromDynamics.fit_field": flows.ask_field,
    "FromDynamics.fit": flows.ask_paths,
    "ConservedQuantities.fit_field": conserved.ask_conserved_field,
    "ConservedQuantities.fit": conserved.ask_conserved_paths,
    "FromNoether": conserved.ask_noether,
    "LaLiGAN": flows.ask_laligan,
    "FromMoments": clouds.ask_moments,
    "FromDensity.fit_score": clouds.ask_score,
    "FromDensity.fit": clouds.ask_density,
    "FromPoints": surfaces.ask_points,
    "FromPairs": pairs_of_points.ask_pairs,
    "FromEquations": equations.ask_equations,
}
GAMES = ("LieGAN", "LaLiGAN")  # which hold few runs, as each trains networks
# What these are given are samples, with noise or drawn from a law, not the map or the field itself.
_SAMPLED = (
    *GAMES,
    "FromData",
    "FromDynamics.fit",
    "ConservedQuantities.fit",
    "FromNoether",
    "FromMoments",
    "FromDensity.fit",
    "FromPoints",
    "FromPairs",
)


def from_samples(road: str, variant: str) -> bool:
    """Whether a road is given samples alone, and has to learn what they come from."""
    return variant == "learnt" or (road in _SAMPLED and variant != "normals")
