"""Top tagging on generated jets: the symmetry of the label, its metric, and taggers that use it.

``python -m studies.adversarial_discovery.jets --jets jets.h5`` asks every road and trains every tagger, seed by seed,
on the 20000 jets of ``make_jets``, and writes one JSON file per question to ``results/jets``; what stands there is not
asked again. ``table`` puts them on the page of the study. Seed s discovers from 3000 jets of its own, or from all
training jets where two vectors are looked at; taggers are trained on the first 15000 jets and judged on the
rest, which no discovery saw.
"""

import argparse
import json
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import isotropy as iso
from isotropy import datasets
from isotropy.core._files import write_atomic
from isotropy.core._linalg import principal_angles
from isotropy.discover import Discovery, FromData, LieGAN
from isotropy.enforce import invariant_forms
from isotropy.errors import SymmetryWarning
from isotropy.nn import MetricNetwork

from .run import RESULTS
from .tasks import CHANNELS, Line

FOLDER = RESULTS / "jets"
MOST, TRAIN, PART = 200, 15000, 3000
LEADING = 5  # constituents in the first of two pieces
CONSTITUENTS, EPOCHS, BATCH, RATE, DECAY = 16, 8, 128, 5e-3, 1e-2
HIDDEN, LAYERS, SET_HIDDEN = 16, 2, 44
MINKOWSKI = torch.diag(torch.tensor([-1.0, 1, 1, 1], dtype=torch.float64))
LOGITS = ["classifier-logistic-2", "classifier-logistic-3"]

Road = Callable[[Tensor, Tensor, int], Discovery]


def total_direct(
    x: Tensor, y: Tensor, seed: int, group: iso.LieAlgebra | None = None, kinds: Any = LOGITS
) -> Discovery:
    """The direct road on total momenta: a linear map on all constituents acts on their sum in the same way."""
    G = group or iso.sl(4)
    return FromData(G.vector(), G.scalar(), kinds=kinds, seed=seed).fit(x.sum(1), y)


def leading_direct(x: Tensor, y: Tensor, seed: int) -> Discovery:
    """The direct road on the two leading constituents, as in the published runs."""
    return _pair_direct(x[:, 0], x[:, 1], y, seed)


def pieces_direct(x: Tensor, y: Tensor, seed: int) -> Discovery:
    """The direct road on two pieces of every jet, the leading constituents and the others, moved together."""
    return _pair_direct(x[:, :LEADING].sum(1), x[:, LEADING:].sum(1), y, seed)


def _pair_direct(first: Tensor, second: Tensor, y: Tensor, seed: int) -> Discovery:
    G = iso.sl(4)
    return FromData(2 * G.vector(), G.scalar(), kinds=LOGITS, seed=seed).fit(torch.cat([first, second], 1), y)


def total_game(x: Tensor, y: Tensor, seed: int, **options: Any) -> Discovery:
    G = iso.gl(4)
    game = LieGAN(G.vector(), G.scalar(), n_generators=CHANNELS, width=0.5, seed=seed, **options)
    return game.fit(x.sum(1), y.double())


def leading_game(x: Tensor, y: Tensor, seed: int) -> Discovery:
    G, pairs = iso.gl(4), x[:, :2].flatten(1)
    return LieGAN(2 * G.vector(), G.scalar(), n_generators=CHANNELS, width=0.5, seed=seed).fit(pairs, y.double())


@dataclass(frozen=True)
class Asked:
    """A road, the number of its seeds, and whether it sees all training jets or a part of them for each seed."""

    road: Road
    seeds: int = 5
    whole: bool = False


ROADS = {
    "direct": Asked(total_direct),
    "direct, cubic logits alone": Asked(lambda x, y, seed: total_direct(x, y, seed, kinds=LOGITS[1:])),
    "direct, scalings among the candidates": Asked(lambda x, y, seed: total_direct(x, y, seed, iso.gl(4))),
    "direct, leading five and the others": Asked(pieces_direct, whole=True),
    "direct, two leading constituents": Asked(leading_direct, whole=True),
    "game": Asked(total_game, seeds=3),
    "game, conditional": Asked(lambda x, y, seed: total_game(x, y, seed, conditional=True), seeds=3),
    "game, two leading constituents": Asked(leading_game, seeds=3, whole=True),
}


def measure(found: Discovery) -> Line:
    """Dimension, Grassmann distances to so(1, 3) and the cosine of the metric to that of Minkowski."""
    truth, own = iso.so(1, 3), found.algebra_
    line: Line = {"status": found.status_, "dimension": own.dim, "distance": own.distance(truth)}
    line["name"] = own.identify().name if own.dim else "-"
    line["failed"] = [name for name, certificate in found.certificates_.items() if not certificate.passed]
    proposal = getattr(found, "proposal_", own)
    if proposal.dim:
        angles = principal_angles(proposal.basis.flatten(1), truth.basis.flatten(1))
        form = invariant_forms(proposal, rank=1, conformal=True)[0]
        line["angles"] = float(angles.square().sum().sqrt())
        line["cosine"] = abs(float((form * MINKOWSKI).sum() / form.norm() / MINKOWSKI.norm()))
        line["form"] = form.tolist()
    return line


class SetNetwork(nn.Module):
    """No metric: a sum over constituents of a perceptron of their momenta, and a perceptron of the sum."""

    def __init__(self, hidden: int, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.each = nn.Sequential(nn.Linear(4, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
            self.whole = nn.Sequential(nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map momenta `(batch, k, 4)` to `(batch, 1)`."""
        return self.whole((self.each(x / 100.0) * (x != 0).any(2, keepdim=True)).sum(1))


TAGGERS: dict[str, Callable[[Tensor, int], nn.Module]] = {
    "discovered metric": lambda form, seed: tagger(form, seed),
    "Minkowski metric": lambda form, seed: tagger(MINKOWSKI, seed),
    "Euclidean metric": lambda form, seed: tagger(torch.eye(4), seed),
    "no metric": lambda form, seed: SetNetwork(SET_HIDDEN, seed),
}


def tagger(metric: Tensor, seed: int) -> MetricNetwork:
    """A small network in a metric."""
    return MetricNetwork(metric, hidden=HIDDEN, layers=LAYERS, seed=seed)


def train(network: nn.Module, x: Tensor, y: Tensor, seed: int, epochs: int) -> None:
    """Adam with one rise and fall of the rate."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    steps = epochs * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=max(steps, 2))
    for _ in range(epochs):
        for index in torch.randperm(len(x), generator=generator).split(BATCH):
            loss = nn.functional.binary_cross_entropy_with_logits(network(x[index])[:, 0], y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def judge(network: nn.Module, x: Tensor, y: Tensor) -> float:
    """Area under the curve on other jets."""
    from sklearn.metrics import roc_auc_score

    with torch.no_grad():
        scores = torch.cat([network(part)[:, 0] for part in x.split(500)])
    return float(roc_auc_score(y.numpy(), scores.numpy()))


class Jets:
    """The jets of a file and their labels, and the answers that are asked of them."""

    def __init__(self, path: Path, train: int = TRAIN, part: int = PART) -> None:
        data = datasets.top_tagging(path, constituents=MOST).data
        self.x, self.y = data.x.reshape(len(data.x), -1, 4), data.y[:, 0]
        self.train, self.part = train, part

    def discover(self, road: str, seed: int) -> Line:
        """Ask one road about the part of the jets that belongs to a seed."""
        first = seed * self.part % self.train
        own = slice(0, self.train) if ROADS[road].whole else slice(first, first + self.part)
        start = time.process_time()
        found = ROADS[road].road(self.x[own], self.y[own], seed)
        seconds = round(time.process_time() - start, 2)
        return {"road": road, "seed": seed, "jets": own.stop - own.start, "seconds": seconds, **measure(found)}

    def tag(self, name: str, seed: int, form: Tensor) -> Line:
        """Train and judge one tagger."""
        network = TAGGERS[name](form, seed)
        x, y = self.x[:, :CONSTITUENTS].float(), self.y.float()
        start = time.process_time()
        train(network, x[: self.train], y[: self.train], seed, EPOCHS)
        seconds = round(time.process_time() - start, 2)
        auc = judge(network, x[self.train :], y[self.train :])
        size = sum(p.numel() for p in network.parameters())
        return {"tagger": name, "seed": seed, "seconds": seconds, "auc": auc, "parameters": size}


def ask(folder: Path, name: str, seed: int, question: Callable[[], Line]) -> Line:
    """Return the answer that stands in the folder, or ask and write it there."""
    path = folder / f"{''.join(c if c.isalnum() else '-' for c in name)}-{seed}.json"
    if not path.exists():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SymmetryWarning)  # the status says what the warnings say
            write_atomic(path, json.dumps(question(), indent=1) + "\n")
    return json.loads(path.read_text(encoding="utf-8"))


def run_all(jets: Jets, folder: Path, seeds: int) -> None:
    """Ask what has no file yet: the direct road and the taggers first, then the other roads."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(seeds):
        found = ask(folder, "direct", seed, lambda seed=seed: jets.discover("direct", seed))
        form = torch.tensor(found["form"], dtype=torch.float64)
        for name in TAGGERS:
            ask(folder, name, seed, lambda name=name, seed=seed, form=form: jets.tag(name, seed, form))
        for road, asked in ROADS.items():
            if seed < asked.seeds:
                ask(folder, road, seed, lambda road=road, seed=seed: jets.discover(road, seed))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study from the command line."""
    parser = argparse.ArgumentParser(description="Symmetry and taggers of generated jets.")
    parser.add_argument("--jets", type=Path, required=True, help="file written by make_jets, 20000 jets")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the results; finished answers are kept")
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0, 1, ... (default 5)")
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    run_all(Jets(chosen.jets), chosen.out, chosen.seeds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
