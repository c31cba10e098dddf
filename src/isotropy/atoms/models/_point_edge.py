"""A transformer over the edges of each atom: free to learn any function of positions, and bound to no rotation."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...core._files import write_atomic
from ...errors import DataError
from ..structure._neighbours import Graph

FORMAT = 1
_MESSAGE = 0.5  # share of old and new in a message
_ELEMENTS = 119


class PointEdgeTransformer(nn.Module):
    """Energies of structures from tokens of their edges.

    The vector of each edge enters as it is, which is the only place where rotations are broken. Translations and
    permutations are kept, and the energy is smooth where a neighbour crosses the cutoff. In every round each atom
    looks at its own token and those of its edges by attention weighted with the cutoff, then every edge hands its
    token to the atom at the other end. Energies of atoms and edges are summed over all rounds.

    Parameters
    ----------
    species : sequence of int
        Atomic numbers that it knows.
    cutoff, width : float
        Edges fade out over ``width`` before the cutoff, in angstrom.
    features, heads, hidden : int
        Size of tokens, heads of attention, inner size of feed-forward layers.
    rounds, depth : int
        Rounds of messages, and layers of attention in each.
    radial : int
        Gaussians of the distance that enter beside ``(x, y, z, r)``. The published model has none; bonds vary so
        little in length that learning their stiffness from r alone takes many more steps.
    seed : int
        Of the weights.

    Attributes
    ----------
    baseline : Tensor
        `(species,)` energies of elements in eV that training has taken off; the model leaves them out, since they
        cost digits and cancel from differences.

    Raises
    ------
    DataError
        If no element is named or sizes do not fit; in ``forward``, if an element is not known.

    References
    ----------
    pozdnyakov2023smooth, langer2024probing
    """

    baseline: Tensor
    centres: Tensor
    places: Tensor

    def __init__(
        self,
        species: Sequence[int] = (1, 8),
        cutoff: float = 4.0,
        width: float = 0.5,
        features: int = 32,
        heads: int = 4,
        hidden: int = 64,
        rounds: int = 2,
        depth: int = 1,
        radial: int = 24,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if not species or features % heads or not 0 < width <= cutoff:
            raise DataError(
                "expected some species, features that heads divide and 0 < width <= cutoff, received "
                f"species={list(species)}, features={features}, heads={heads}, width={width}, cutoff={cutoff}"
            )
        self.settings: dict[str, Any] = {
            "species": [int(z) for z in species],
            "cutoff": cutoff,
            "width": width,
            "features": features,
            "heads": heads,
            "hidden": hidden,
            "rounds": rounds,
            "depth": depth,
            "radial": radial,
        }
        self.cutoff = cutoff
        self.width = width
        places = torch.full((_ELEMENTS,), -1)
        places[list(species)] = torch.arange(len(species))
        self.register_buffer("places", places, persistent=False)
        self.register_buffer("centres", torch.linspace(0.0, cutoff, radial + 1)[1:], persistent=False)
        self.register_buffer("baseline", torch.zeros(len(species), dtype=torch.float64))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.messages = nn.Embedding(len(species), features)
            self.rounds = nn.ModuleList(
                _Round(len(species), features, heads, hidden, depth, radial) for _ in range(rounds)
            )

    def forward(self, g: Graph) -> Tensor:
        """Energies `(structures,)` in eV, without ``baseline``."""
        kinds = self.kinds(g.species)
        distances = g.vectors.norm(dim=1, keepdim=True)
        cut = self.fade(distances)
        slots = _Slots.of(g)
        geometry = torch.cat([g.vectors, distances, self.bumps(distances)], 1)
        messages = self.messages(kinds[g.neighbours])
        energies = g.vectors.new_zeros(g.count)
        for one in self.rounds:
            tokens, of_atoms, of_edges = one(geometry, messages, kinds, cut, slots)
            messages = _MESSAGE * (messages + tokens[g.reverse])
            energies = energies.index_add(0, g.structures, of_atoms)
            energies = energies.index_add(0, g.structures[g.centres], cut[:, 0] * of_edges)
        return energies

    def fade(self, distances: Tensor) -> Tensor:
        """1 inside, 0 outside, half a cosine in the last ``width``."""
        inside = ((distances - self.cutoff) / self.width + 1).clamp(0.0, 1.0)
        return 0.5 * (1 + torch.cos(torch.pi * inside))

    def bumps(self, distances: Tensor) -> Tensor:
        """Gaussians `(edges, radial)` of distances `(edges, 1)`, as wide as they are apart."""
        spacing = self.cutoff / max(len(self.centres), 1)
        return torch.exp(-0.5 * ((distances - self.centres) / spacing) ** 2)

    def kinds(self, species: Tensor) -> Tensor:
        """Places of elements in the list of those known."""
        found = self.places[species]
        if bool((found < 0).any()):
            strange = sorted(set(species[found < 0].tolist()))
            raise DataError(
                f"species: expected elements among {self.settings['species']}, received {strange}; train a model "
                "that knows them"
            )
        return found

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write weights and settings as one safetensors file."""
        from safetensors.torch import save

        header = json.dumps({"format": FORMAT, "settings": self.settings})
        state = {name: value.contiguous() for name, value in self.state_dict().items()}
        return write_atomic(path, save(state, metadata={"isotropy": header}))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> PointEdgeTransformer:
        """Read what ``save`` wrote.

        Raises
        ------
        DataError
            If the file is not there, or is none of a model of this kind and format.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="pt") as stream:
                header = json.loads((stream.metadata() or {})["isotropy"])
                state = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
            model = cls(**header["settings"]) if header["format"] == FORMAT else None
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path}: expected a saved transformer, received {error}; check the name") from error
        if model is None:
            raise DataError(f"{path}: expected format {FORMAT}, received {header['format']}; update the library")
        model.load_state_dict(state)
        return model


@dataclass(frozen=True)
class _Slots:
    """Where the token of an edge stands in the table `(atoms, most)` of its centre's edges."""

    atoms: int
    most: int
    places: Tensor

    @classmethod
    def of(cls, g: Graph) -> _Slots:
        counts = torch.bincount(g.centres, minlength=len(g.species))
        most = int(counts.max()) if len(counts) else 0
        order = torch.argsort(g.centres, stable=True)
        starts = counts.cumsum(0) - counts
        ranks = torch.empty_like(order)
        ranks[order] = torch.arange(len(order), device=order.device) - starts[g.centres[order]]
        return cls(len(counts), most, g.centres * most + ranks)

    def spread(self, rows: Tensor) -> Tensor:
        """`(edges, features)` to `(atoms, most, features)`, zero where there is no edge."""
        table = rows.new_zeros(self.atoms * self.most, rows.shape[1])
        return table.index_copy(0, self.places, rows).reshape(self.atoms, self.most, rows.shape[1])

    def gather(self, table: Tensor) -> Tensor:
        """`(atoms, most, features)` to `(edges, features)`."""
        return table.flatten(0, 1)[self.places]


class _Round(nn.Module):
    """Attention of each atom over its edges, and the energies read off."""

    def __init__(self, species: int, features: int, heads: int, hidden: int, depth: int, radial: int) -> None:
        super().__init__()
        self.geometry = nn.Linear(4 + radial, features)
        self.mix = nn.Sequential(nn.Linear(2 * features, features), nn.SiLU(), nn.Linear(features, features))
        self.centre = nn.Embedding(species, features)
        self.layers = nn.ModuleList(_Layer(features, heads, hidden) for _ in range(depth))
        self.atom_energy = _readout(features)
        self.edge_energy = _readout(features)

    def forward(
        self, geometry: Tensor, messages: Tensor, kinds: Tensor, cut: Tensor, slots: _Slots
    ) -> tuple[Tensor, Tensor, Tensor]:
        """New tokens `(edges, features)`, energies of atoms and of edges."""
        edges = self.mix(torch.cat([self.geometry(geometry), messages], 1))
        tokens = torch.cat([self.centre(kinds)[:, None], slots.spread(edges)], 1)
        shares = torch.cat([cut.new_ones(slots.atoms, 1), slots.spread(cut)[..., 0]], 1)
        for layer in self.layers:
            tokens = layer(tokens, shares)
        edges = slots.gather(tokens[:, 1:])
        return edges, self.atom_energy(tokens[:, 0])[:, 0], self.edge_energy(edges)[:, 0]


def _readout(features: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(features, features),
        nn.SiLU(),
        nn.Linear(features, features),
        nn.SiLU(),
        nn.Linear(features, 1),
    )


class _Layer(nn.Module):
    """Attention and feed-forward, each normalised after it is added."""

    def __init__(self, features: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads = heads
        self.projection = nn.Linear(features, 3 * features)
        self.back = nn.Linear(features, features)
        self.forth = nn.Sequential(nn.Linear(features, hidden), nn.SiLU(), nn.Linear(hidden, features))
        self.norms = nn.ModuleList([nn.LayerNorm(features), nn.LayerNorm(features)])

    def forward(self, tokens: Tensor, shares: Tensor) -> Tensor:
        """Tokens `(atoms, tokens, features)`; those of share 0 are not seen by others."""
        tokens = self.norms[0](tokens + self.attend(tokens, shares))
        return self.norms[1](tokens + self.forth(tokens))

    def attend(self, tokens: Tensor, shares: Tensor) -> Tensor:
        """Attention in which every weight is multiplied by the share of what it looks at, then made to sum to 1."""
        asked, keys, values = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.projection(tokens).chunk(3, -1)
        )
        logits = asked @ keys.transpose(-1, -2) / keys.shape[-1] ** 0.5
        weights = torch.softmax(logits, -1) * shares[:, None, None]
        weights = weights / weights.sum(-1, keepdim=True)
        return self.back((weights @ values).transpose(1, 2).flatten(-2))
