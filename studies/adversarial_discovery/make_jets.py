"""Generate jets of boosted top quarks and of light quarks and gluons, for ``datasets.top_tagging``.

``python -m studies.adversarial_discovery.make_jets --jets 20000 --jobs 2 --out jets.h5`` runs Pythia at 14 TeV without
pile-up or detector, clusters anti-kT jets of radius 0.8 from stable visible particles and keeps the hardest one with
550 < pT < 650 GeV and |eta| < 2; tops decay hadronically and have to lie within 0.8 of their jet with all three quarks.
Constituents are stored in falling transverse momentum. Each block of jets has a seed and a file of its own beside
``--out``, so an interrupted run goes on where it stopped, and the result does not depend on the number of jobs.
``--table`` writes the total momenta too; with 3000 jets it made the table behind ``datasets.load("jets")``.

Needs the extras ``jets`` and ``files``; Pythia is under the GPL, and nothing in the library imports it.
"""

import argparse
import gzip
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

BLOCK = 500  # jets of one kind in a block
CONSTITUENTS = 200
RADIUS = 0.8
LOW, HIGH, MOST_ETA = 550.0, 650.0, 2.0
PROCESSES = {1: ("Top:gg2ttbar", "Top:qqbar2ttbar"), 0: ("HardQCD:all",)}


def block(label: int, index: int) -> np.ndarray:
    """One block of jets `(BLOCK, CONSTITUENTS, 4)` of one kind, energy first."""
    generator = _generator(label, 1 + 2 * index + label)
    kept: list[np.ndarray] = []
    while len(kept) < BLOCK:
        if generator.next() and (jet := _jet(generator.event, label)) is not None:
            kept.append(jet)
    return np.stack(kept)


def _generator(label: int, seed: int) -> Any:
    """A silent Pythia for one kind of jet."""
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    settings = [
        "Print:quiet = on",
        "Beams:eCM = 14000.",
        "Random:setSeed = on",
        f"Random:seed = {seed}",
        "PhaseSpace:pTHatMin = 500.",
        "PhaseSpace:pTHatMax = 750.",
        "24:onMode = off",
        "24:onIfAny = 1 2 3 4 5",
        *(f"{process} = on" for process in PROCESSES[label]),
    ]
    for setting in settings:
        pythia.readString(setting)
    if not pythia.init():
        raise RuntimeError("expected Pythia to start, received a refusal; check its installation")
    return pythia


def _jet(event: Any, label: int) -> np.ndarray | None:
    """Constituents `(CONSTITUENTS, 4)` of the hardest jet, or None where it is not wanted."""
    import fastjet

    particles = [
        fastjet.PseudoJet(p.px(), p.py(), p.pz(), p.e())
        for p in event
        if p.isFinal() and p.isVisible() and abs(p.eta()) < 5
    ]
    sequence = fastjet.ClusterSequence(particles, fastjet.JetDefinition(fastjet.antikt_algorithm, RADIUS))
    jets = fastjet.sorted_by_pt(sequence.inclusive_jets(LOW))
    if not jets or not (LOW < jets[0].pt() < HIGH and abs(jets[0].eta()) < MOST_ETA):
        return None
    if label and not _holds_top(event, jets[0]):
        return None
    parts = fastjet.sorted_by_pt(jets[0].constituents())[:CONSTITUENTS]
    momenta = np.zeros((CONSTITUENTS, 4))
    momenta[: len(parts)] = [[p.e(), p.px(), p.py(), p.pz()] for p in parts]
    return momenta


def _holds_top(event: Any, jet: Any) -> bool:
    """Whether a top and the three quarks of its decay lie in the jet."""
    for i in range(event.size()):
        if abs(event[i].id()) == 6 and (quarks := _decay(event, i)) and all(_near(q, jet) for q in [event[i], *quarks]):
            return True
    return False


def _decay(event: Any, top: int) -> list[Any]:
    """The b and the two quarks of the W, for the last copy of a top."""
    daughters = [d for d in event[top].daughterList() if abs(event[d].id()) in (5, 24)]
    if sorted(abs(event[d].id()) for d in daughters) != [5, 24]:
        return []
    b, w = sorted(daughters, key=lambda d: abs(event[d].id()))
    last = event[w].iBotCopy()
    return [event[b], *(event[d] for d in event[last].daughterList())]


def _near(particle: Any, jet: Any) -> bool:
    turn = math.remainder(particle.phi() - jet.phi(), 2 * math.pi)
    return math.hypot(particle.y() - jet.rap(), turn) < RADIUS


def _write(task: tuple[int, int, Path]) -> Path:
    """Write one block, whole or not at all, unless it is there."""
    label, index, path = task
    if not path.exists():
        part = path.with_suffix(".part.npy")
        np.save(part, block(label, index).astype(np.float32))
        part.replace(path)
    return path


def blocks(jets: int, jobs: int, folder: Path) -> Iterator[tuple[int, Path]]:
    """Labels and files of all blocks, tops and light jets in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    count = math.ceil(jets / (2 * BLOCK))
    tasks = [(label, index, folder / f"{label}-{index}.npy") for index in range(count) for label in (1, 0)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for (label, _, _), path in zip(tasks, pool.map(_write, tasks), strict=True):
            yield label, path


def write_table(path: Path, momenta: np.ndarray, labels: np.ndarray) -> None:
    """Write total momenta `(jets, 4)` in GeV and labels as a compressed table."""
    lines = [
        "# Jets of pT 550 to 650 GeV: total momentum in GeV, and whether a top quark decayed into the jet.",
        "# Pythia 8.3, pp at 14 TeV, anti-kT R = 0.8, no detector; studies/adversarial_discovery/make_jets.py",
        "E,px,py,pz,top",
        *(",".join(f"{value:.8g}" for value in row) + f",{label}" for row, label in zip(momenta, labels, strict=True)),
    ]
    path.write_bytes(gzip.compress("\n".join([*lines, ""]).encode(), mtime=0))


def main(argv: Sequence[str] | None = None) -> int:
    """Generate jets from the command line."""
    import h5py
    from rich.progress import track

    parser = argparse.ArgumentParser(description="Boosted top and light jets.")
    parser.add_argument("--jets", type=int, default=20000, help="number of jets, half of them tops (default 20000)")
    parser.add_argument("--jobs", type=int, default=1, help="worker processes (default 1)")
    parser.add_argument("--out", type=Path, required=True, help="HDF5 file to write")
    parser.add_argument("--table", type=Path, help="compressed table of total momenta to write too")
    chosen = parser.parse_args(argv)
    found = list(track(blocks(chosen.jets, chosen.jobs, chosen.out.with_suffix(".blocks")), "jets"))
    momenta = np.concatenate([np.load(path) for _, path in found])
    labels = np.repeat([label for label, _ in found], BLOCK)
    order = np.random.default_rng(0).permutation(len(labels))
    part = chosen.out.with_suffix(".part")
    with h5py.File(part, "w") as stream:
        stream.create_dataset("constituents", data=momenta[order], compression="gzip")
        stream.create_dataset("labels", data=labels[order])
    part.replace(chosen.out)
    if chosen.table is not None:
        write_table(chosen.table, momenta[order].astype(np.float64).sum(1), labels[order])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
