"""Turn the answers about jets into a section of the study's page."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median, stdev

from .jets import ROADS, TAGGERS
from .tasks import Line

REFERENCE = "Minkowski metric"


def jets_section(folder: Path) -> str:
    """The section in Markdown, empty while there are no answers."""
    lines: list[Line] = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    if not lines:
        return ""
    found, tagged = discovery_rows(lines), tagger_rows(lines)
    roads = [
        "road",
        "seeds",
        "jets",
        "Grassmann distance, mean (largest)",
        "metric cosine, smallest",
        "CPU s",
        "answers",
    ]
    taggers = ["network", "parameters", "area under the curve", "less that with the Minkowski metric", "CPU s"]
    return "\n\n".join(["", HEAD, _table(roads, found), WORDS, _table(taggers, tagged), NOTES]) + "\n"


def discovery_rows(lines: Sequence[Line]) -> list[list[str]]:
    """One row per road, and the published figures."""
    rows: list[list[str]] = []
    for road in ROADS:
        own = [line for line in lines if line.get("road") == road]
        if own:
            angles = [line["angles"] for line in own if "angles" in line]
            cosine = min((line["cosine"] for line in own if "cosine" in line), default=math.nan)
            distance = f"{mean(angles):.3f} ({max(angles):.3f})" if angles else "-"
            seconds = f"{median(line['seconds'] for line in own):.1f}"
            rows.append([road, str(len(own)), str(own[0]["jets"]), distance, f"{cosine:.5f}", seconds, _answers(own)])
    return rows + PUBLISHED


def tagger_rows(lines: Sequence[Line]) -> list[list[str]]:
    """One row per network: the area, and its difference to the same seed with the Minkowski metric."""
    base = {line["seed"]: line["auc"] for line in lines if line.get("tagger") == REFERENCE}
    rows: list[list[str]] = []
    for name in TAGGERS:
        own = [line for line in lines if line.get("tagger") == name]
        if own:
            paired = [line["auc"] - base[line["seed"]] for line in own if line["seed"] in base]
            beside = "-" if name == REFERENCE else interval(paired)
            seconds = f"{median(line['seconds'] for line in own):.0f}"
            rows.append([name, str(own[0]["parameters"]), interval([x["auc"] for x in own]), beside, seconds])
    return rows


def interval(values: Sequence[float]) -> str:
    """Mean and the half-width of its 95 % interval by Student's law."""
    from scipy.stats import t

    if len(values) < 2:
        return ", ".join(f"{value:.4f}" for value in values) or "-"
    half = t.ppf(0.975, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return f"{mean(values):.4f} ± {half:.4f}"


def _answers(own: Sequence[Line]) -> str:
    """How often each status and name was given."""
    counts = Counter(f"{line['status']} {line['name']}".removesuffix(" -") for line in own)
    return ", ".join(f"{words} {count}" for words, count in sorted(counts.items()))


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *body])


# Recomputed from checkpoints that the authors published, on the public reference jets, not ours.
PUBLISHED = [
    ["published LieNLSD", "-", "-", "0.092 (-)", "-", "-", "-"],
    ["published LieGAN", "-", "-", "0.251 (-)", "0.99750", "-", "-"],
]
HEAD = """## Top tagging

Jets are made by `python -m studies.adversarial_discovery.make_jets --jets 20000 --out jets.h5` (Pythia and FastJet,
no detector), the answers by `python -m studies.adversarial_discovery.jets --jets jets.h5`. "Direct" is `FromData` with
candidates sl(4) on the total momentum of a jet, which every linear map on all constituents moves in the same way."""
WORDS = """The distance is that of the nearest six dimensions of what was proposed. Jets are nearly light-like, so a
common factor on all momenta changes squared masses by little beside the squares of their terms: in gl(4) the data leave
so(1,3) with a scaling, and the traceless candidates leave so(1,3) alone. A quadratic logit without a linear part has
six generators whatever its ten coefficients: the data tell that the linear part is none and which six they are, and
the row of cubic logits shows what is found without this help. Networks get the metric that `enforce.invariant_forms`
makes of the same seed's direct answer."""
NOTES = """Areas are means over seeds with 95 % intervals, differences paired by seed. All metric networks are one
`nn.MetricNetwork` on 16 constituents; the network without a metric sums over constituents what a perceptron makes of
their momenta. Networks this small, trained for eight rounds on 15000 jets, are far below the best taggers; the
comparison is between metrics. The published rows are on the public reference set and recomputed from checkpoints, so
they are a guide and no contest."""
