"""Every road by the name that runs give it."""

from collections.abc import Callable
from typing import Any

from . import ask_flows, ask_maps, ask_shapes
from .draws import Draw
from .question import Run

ROADS: dict[str, Callable[[Run, Draw], dict[str, Any]]] = {
    "FromModel": ask_maps.ask_model,
    "LiePenalty": ask_maps.ask_penalty,
    "FromData": ask_maps.ask_data,
    "LieGAN": ask_maps.ask_liegan,
    "layers": ask_maps.ask_layers,
    "DiscreteSymmetries": ask_maps.ask_elements,
    "FromDynamics.fit_field": ask_flows.ask_field,
    "FromDynamics.fit": ask_flows.ask_paths,
    "ConservedQuantities.fit_field": ask_flows.ask_conserved_field,
    "ConservedQuantities.fit": ask_flows.ask_conserved_paths,
    "FromNoether": ask_flows.ask_noether,
    "LaLiGAN": ask_flows.ask_laligan,
    "FromMoments": ask_shapes.ask_moments,
    "FromDensity.fit_score": ask_shapes.ask_score,
    "FromDensity.fit": ask_shapes.ask_density,
    "FromPoints": ask_shapes.ask_points,
    "FromPairs": ask_shapes.ask_pairs,
    "FromEquations": ask_shapes.ask_equations,
}
# What these are given are samples, with noise or drawn from a law, not the map or the field itself.
_SAMPLED = (
    "FromData",
    "LieGAN",
    "LaLiGAN",
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
