"""Turn ``results/`` into ``docs/studies/parameter_symmetry.md``; every figure of ours comes from there.

The published figures were obtained by running the public scripts of the papers; they stand in ``PUBLISHED``.
"""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "studies" / "parameter_symmetry.md"
Rows = Iterable[Sequence[str]]

PUBLISHED = {
    "rosenbrock": {  # the public script with three seeds, at steps 0, 99, 100, 199, 299, 500, 700, 999
        "public script, seed 0": [404, 0.7646, 1.117, 0.2251, 0.1733, 2.8e-3, 1.3e-7, 8.8e-8],
        "public script, seed 2": [404, 0.7646, 0.3992, 0.1077, 0.1016, 1.7e-2, 3.9e-3, 2.2e-6],
        "public script, seed 3": [404, 0.7646, 4.6e-4, 3.8e-4, 1.0e-5, 3.3e-9, 2.3e-9, 1.4e-9],
    },
    "regression": {  # the public script at steps 4, 5, 6, 10, 50, 100, 299
        "GD 0.0001 public teleport": [746, 237.8, 118.2, 25.62, 2.461, 1.984, 1.581],
        "AdaGrad 0.1 public teleport": [190.6, 33.72, 25.59, 12.35, 2.483, 1.749, 1.249],
    },
}
ORDER = ("none", "reset", "random", "grad_norm", "balance_grad", "balance_weight")


def read(name: str) -> dict[str, Any]:
    """One file of results."""
    return json.loads((HERE / "results" / f"{name}.json").read_text())


def table(head: Sequence[str], rows: Rows) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *rows])


def number(value: float, digits: int = 4) -> str:
    return f"{value:.{digits}g}"


def landscapes() -> str:
    found, public = read("rosenbrock"), PUBLISHED["rosenbrock"]
    rows = [[name, *map(number, found[name])] for name in found if name not in ("steps", "seconds")]
    rows += [[name, *map(number, values)] for name, values in public.items()]
    booth = read("booth")
    second = [[name, *map(number, booth[name])] for name in ("none", "exact maximum")]
    ratio = booth["exact maximum"][9] / booth["exact maximum"][8]
    return "\n\n".join(
        [
            table(["Rosenbrock, step", *map(str, found["steps"])], rows),
            LANDSCAPE_WORDS,
            table(["Booth, step", *map(str, range(10))], second),
            f"After the move every step multiplies the loss by {ratio:.4f}, as published.",
        ]
    )


def regression() -> str:
    found, safe = read("regression"), read("safety")["caps"]
    rows = [[name, *map(number, values)] for name, values in found["rows"].items()]
    rows += [[name, *map(number, values)] for name, values in PUBLISHED["regression"].items()]
    worst = max(one["largest change"] for one in safe.values())
    words = (
        f"Largest relative change of the loss in a move, over 100 seeds and three caps: {worst:.1e}; the gradient "
        f"ratio never exceeds its cap, and {sum(one['not finite'] for one in safe.values())} of 300 moves "
        "end in a value that is not finite."
    )
    return "\n\n".join([table(["arm, step", *map(str, found["steps"])], sorted(rows)), words])


def quantities() -> str:
    found = read("drifts")
    flows = [[name, *(f"{one[key]:.1e}" for key in ("orthonormal", "generic"))] for name, one in found["flows"].items()]
    steps = [[lr, f"{one['violation']:.1e}", number(one["drift"])] for lr, one in found["steps"].items()]
    start = [
        [name, *(f"{one[key]:.2f}" for key in ("mean", "closed mean", "deviation", "closed deviation"))]
        for name, one in read("initialisation")["rows"].items()
    ]
    points = [
        [number(one[key]) for key in ("time", "loss", "quantity", "eigenvalue")] for one in read("isolated")["points"]
    ]
    return "\n\n".join(
        [
            FLOW_WORDS,
            table(["activation", "orthonormal samples", "generic samples"], flows),
            STEP_WORDS,
            table(["learning rate", "largest violation of the exact law", "total drift"], steps),
            START_WORDS,
            table(["activation m,h,n", "mean", "closed form", "deviation", "closed form"], start),
            ISOLATED_WORDS,
            table(["t", "loss", "quantity", "largest eigenvalue"], points),
        ]
    )


def ensembles() -> str:
    found = read("ensembles")
    keys = list(found["rows"]["base"])
    rows = [[name, *(f"{mean(one[key]):.3f}" for key in keys)] for name, one in found["rows"].items()]
    words = ENSEMBLE_WORDS.format(members=found["members"], chance=found["chance"], seeds=found["seeds"])
    listed = table(["members, scale", *keys], [*rows, ["chance", *[f"{found['chance']:.3f}"] * len(keys)]])
    told = [f"{scale}: {low:+.4f} to {high:+.4f}" for scale, (low, high) in ahead(found["rows"]).items()]
    return "\n\n".join([words, listed, AHEAD_WORDS + "; ".join(told) + "."])


def ahead(rows: dict[str, dict[str, list[float]]]) -> dict[str, tuple[float, float]]:
    """95 % intervals of the paired difference in clean accuracy, data-dependent minus inverse, by scale."""
    scales = [name.split()[1] for name in rows if name.startswith("data-dependent")]
    pairs = {one: (rows[f"data-dependent {one}"]["clean"], rows[f"inverse {one}"]["clean"]) for one in scales}
    return {one: _spread([a - b for a, b in zip(*pair, strict=True)]) for one, pair in pairs.items()}


def _spread(values: list[float]) -> tuple[float, float]:
    """Ends of the 95 % interval of a mean, by Student."""
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    return mean(values) - half, mean(values) + half


def training() -> str:
    return "\n\n".join(_task(results) for results in by_task().values())


def by_task() -> dict[str, list[dict[str, Any]]]:
    """Results of training, task by task."""
    results = [json.loads(path.read_text()) for path in sorted((HERE / "results").glob("training-*.json"))]
    tasks = sorted({one["task"] for one in results})
    return {task: controlled(task, [one for one in results if one["task"] == task]) for task in tasks}


def controlled(task: str, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results, if the arms that a move is to be measured against are among them."""
    missing = {"none", "reset"} - {one["arm"] for one in results}
    if missing:
        raise ValueError(f"{task}: expected the arms 'none' and 'reset' beside the moves, missing {sorted(missing)}")
    return results


def _task(results: list[dict[str, Any]]) -> str:
    base = next(one for one in results if one["arm"] == "none")
    control = next(one for one in results if one["arm"] == "reset")
    rows = [
        [
            one["arm"],
            number(one["rate"]),
            number(_middle([run["loss"] for run in one["runs"]])),
            _ratio(one["runs"], base["runs"], "loss"),
            _ratio(one["runs"], control["runs"], "loss"),
            _ratio(one["runs"], base["runs"], "test"),
            _ratio(one["runs"], control["runs"], "test"),
            str(failures(one)),
            f"{mean(run['cost'] for run in one['runs']):.1f}",
            f"{mean(run['seconds'] for run in one['runs']):.2f}",
        ]
        for one in sorted(results, key=lambda one: ORDER.index(one["arm"]))
    ]
    head = [
        "arm",
        "tuned rate",
        "training loss",
        "against none",
        "against reset",
        "test, against none",
        "test, against reset",
        "failed",
        "cost of the move",
        "s",
    ]
    return f"### {base['task']}\n\n" + table(head, rows)


def failures(one: dict[str, Any]) -> int:
    """Runs of an arm that ended above their first loss, or not finite."""
    return sum(run["loss"] is None for run in one["runs"])


def _middle(values: list[float | None]) -> float:
    ordered = sorted(math.inf if value is None else value for value in values)
    return ordered[len(ordered) // 2]


def _ratio(ours: list[dict[str, Any]], others: list[dict[str, Any]], key: str) -> str:
    """Geometric mean of paired ratios and its 95 % interval, over seeds where neither failed."""
    if ours is others:
        return "1"
    found = interval(ours, others, key)
    return "-" if found is None else "{1:.2f} ({0:.2f} to {2:.2f})".format(*found)


def interval(ours: list[dict[str, Any]], others: list[dict[str, Any]], key: str) -> tuple[float, float, float] | None:
    """Lower end, geometric mean and upper end; None with fewer than three pairs."""
    pairs = [(a[key], b[key]) for a, b in zip(ours, others, strict=True) if a[key] and b[key]]
    if len(pairs) < 3:
        return None
    logs = [math.log(a / b) for a, b in pairs]
    low, high = _spread(logs)
    return math.exp(low), math.exp(mean(logs)), math.exp(high)


def verdict() -> str:
    """Which moves beat both the tuned run without any and the restart, task by task, and with how many failures."""
    wins = {task: beating(results, "loss") for task, results in by_task().items()}
    tests = {task: beating(results, "test") for task, results in by_task().items()}
    plain = [PLAIN] if not any(wins.values()) else []
    words = ["Moves with no more failures than either control whose interval lies below 1 against both:"]
    return "\n\n".join([*words, _listed("training loss", wins) + "\n" + _listed("test loss", tests), *plain, CAVEAT])


def _listed(what: str, wins: dict[str, list[str]]) -> str:
    told = [f"{task} {', '.join(arms) or 'no move'}" for task, arms in wins.items()]
    return f"- {what}: {'; '.join(told)}"


def beating(results: list[dict[str, Any]], key: str) -> list[str]:
    """Arms that are better than both controls, failures included."""
    controls = [other for other in results if other["arm"] in ("none", "reset")]
    moves = [one for one in results if one["arm"] not in ("none", "reset")]
    return [one["arm"] for one in moves if all(_beats(one, control, key) for control in controls)]


def _beats(one: dict[str, Any], control: dict[str, Any], key: str) -> bool:
    found = interval(one["runs"], control["runs"], key)
    return found is not None and found[2] < 1 and failures(one) <= failures(control)


def page() -> str:
    """The page in Markdown."""
    parts = [HEAD, "## On the plane", landscapes(), "## Multi-layer regression", REGRESSION_WORDS, regression()]
    parts += ["## Does it pay?", TRAINING_WORDS, training(), verdict()]
    return "\n\n".join([*parts, "## Ensembles", ensembles(), "## Conserved quantities", quantities(), END]) + "\n"


HEAD = """# Study: symmetry of parameters

What the papers on teleportation and conserved quantities report (arXiv 2205.10637, 2210.17216, 2305.13404), beside
what this library gives, with the control arms that the papers lack: *none*, *reset* (the optimizer forgets its state,
as it does in the published teleports), *random* (a random element of the group). This page is written by
`studies/parameter_symmetry/table.py` from the results of `run.py`; published figures come from running the public
scripts."""

LANDSCAPE_WORDS = """Gradient descent at rate 1e-3 from (-1, -1), moved before the update of every hundredth step. The
orbit maximum is exact here, the published one is approached by ten steps. The public rows are read at steps 500 and
700. A random turn alone gives much of the effect."""

REGRESSION_WORDS = """Three layers of leaky ReLU, four samples, mean over the five published seeds; one move before the
update of step 5. The number after *teleport* is the cap on the growth of the squared gradient norm. The published move
is not a symmetry: the loss itself falls by 60 % in it, see step 5. Ours keeps the loss, at that step and on new
inputs. All arms of AdaGrad but *none* restart the optimizer."""

TRAINING_WORDS = """Networks with two hidden layers of 32 leaky ReLU units, full-batch SGD with momentum 0.9, 200
gradients in all; what a move costs is taken from them. One move before step 5. *Unbalanced*: neurons start with
random scales. The learning rate is tuned for each arm on five seeds of its own, over a grid in which a rate above the
best is always there and worse, then 20 other seeds run. Ratios of losses are geometric means over paired seeds with
95 % intervals; below 1 is better. A run that ends above its first loss or is not finite has failed and is counted
apart."""

PLAIN = """**Teleportation does not pay on these tasks.** At equal cost and tuned rates no move lowers the training loss
beyond doubt."""

CAVEAT = """Intervals are over seeds where neither run failed, so they speak of the runs that survived; read them
together with the failures. Four tasks and five arms make many comparisons, and a single interval off 1 is not a
finding. A lower test loss beside a higher training loss is less fitting, not faster training. What may be worth a study
of its own is the test loss of badly scaled networks on digits, balanced once before training."""

ENSEMBLE_WORDS = """Digits, hidden layers of 32 and 16 leaky ReLU units, {members} members, accuracy on test images,
mean of {seeds} seeds. The second layer moves by a group element; the data-dependent move keeps outputs on 16 samples,
*inverse* treats the layer as linear. *Grey* attacks the base network, *white* the ensemble itself; their sizes are in
units of the range of a pixel. Chance is {chance:g}. Where the ensemble stands a white attack better than a grey one,
its gradients mislead that one-step attack: no sign of robustness, as the grey column shows."""

AHEAD_WORDS = """An interval that holds 0 does not tell the two apart: leaky ReLU is so close to linear that only moves
far beyond scale 1 separate them. Clean accuracy, data-dependent minus inverse, 95 % interval over paired seeds, by
scale: """

FLOW_WORDS = """Largest drift of the quantities of single neurons, two layers, Runge-Kutta to time 2. On generic samples
there is no such law, and the library refuses to name one."""

STEP_WORDS = """The exact law of one SGD step, a leaky ReLU network with biases, to time 5: observed minus predicted
change of all quantities in a step, and their total drift, which is linear in the learning rate."""

START_WORDS = """Sum of the quantities over neurons when entries of U have variance 1/h and those of V variance
1/n, with the identity for data; 100 draws beside closed forms. The published scalars are twice these for linear, ReLU
and tanh, and have the constant of cosh rather than sinh squared."""

ISOLATED_WORDS = """A trained ReLU network moved along one line of its orbit: the loss stays, quantity and sharpness
move. Sharpness has its minimum near the balanced point, so that "large quantity" alone does not tell it."""

END = """## What is not here

MNIST and CIFAR runs of the papers: the data are not bundled. Learned optimizers: their published training takes the
better part of an hour for each arm."""


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
