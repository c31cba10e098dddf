"""Smooth stand-ins for a map known only by samples, chosen by the error of their gradient.

Discovery looks at derivatives, so its noise floor is the error of the gradient, not the error of the values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite, nan, sqrt
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional

from isotropy.discover import bars
from isotropy.discover.surrogate._classes import ClassFitter, class_fitters
from isotropy.discover.surrogate._cross_fit import CrossFit, Frame, Score, Surrogate
from isotropy.discover.surrogate._kinds import Fitter, Model, fitters
from isotropy.errors import DataError

CLASSIFIER = "classifier"
MAX_CLASSES, MIN_PER_CLASS = 20, 10
NEIGHBOURS = 6
SCORED_PER_FOLD = 4000
JACOBIAN_POINTS = 200
CHUNK = 256


Kind = TypeVar("Kind")
Progress = Callable[[int, int, str], None]


def fit_surrogates(
    x: Tensor,
    y: Tensor | Sequence[str] | Sequence[int],
    *,
    folds: int = 4,
    kinds: Sequence[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> CrossFit:
    r"""Fit every kind of smooth model out of fold and keep the one with the smallest gradient error.

    The gradient is not observed, but differences over near pairs are. With held-out residuals ``r = y -
    f(x)``, pairs ``(i, j)`` of nearest neighbours inside a held-out fold, ``s^2`` the noise variance of all
    outputs together and ``J^2 = (folds - 1) D^2 / 2`` the jackknife variance of the gradient (``D`` is the
    disagreement between fold models, whose training sets share all but one part in ``folds - 1``),

    .. math:: E^2 = \max\Big(\frac{\sum (|r_i - r_j|^2 - 2 s^2)}{\sum (|y_i - y_j|^2 - 2 s^2)}, J^2\Big).

    The first sees bias and variance at the spacing of the data, the second the variance at every scale,
    which noise cannot hide. The first counts only where it exceeds twice its standard error. Sums stand
    instead of a mean of quotients because near-coincident pairs would drown the quotients in noise. The
    noise is common to all kinds: the residual variance of the best kind that estimates one, at most the
    held-out error of the best kind less the jackknife variance of its values.

    Targets with at most 20 distinct whole values or strings, ten samples of each, are classes: logits are
    fitted then, polynomials and networks. Labels show no gradient, so the least held-out log-loss, at the best
    temperature, wins, and `gradient_error` is ``J`` alone. Naming regression kinds keeps them numbers.

    Parameters
    ----------
    x : Tensor
        Samples ``(S, n)``.
    y : Tensor or sequence of labels
        Targets ``(S, m)`` or ``(S,)``, or one label per sample.
    folds : int
        Number of folds, each left out once.
    kinds : sequence of str, optional
        Kinds or families to fit (``"polynomial"``, ``"kernel"``, ``"network"``, or ``"classifier"`` alone);
        all by default.
    seed : int
        Seed of folds, subsets and initial weights.
    progress : callable, optional
        Called as ``progress(done, total, kind)`` after each kind.

    Raises
    ------
    DataError
        When shapes, finiteness, the number of samples or the named kinds do not fit, or nothing varies.

    Examples
    --------
    >>> import torch
    >>> x = torch.randn(80, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    >>> fit = fit_surrogates(x, x.square().sum(1), kinds=["polynomial"])
    >>> fit.kind, fit.gradient_error < 1e-10
    ('polynomial-2', True)
    """
    points = _points(x, folds)
    fold = _folds(len(points), folds, seed).to(points.device)
    labels = _labels(y, len(points), kinds)
    if labels is not None:
        known = class_fitters(int((fold != 0).sum()), points.shape[1], len(labels[1]))
        return _fit_classes(
            points, labels[0].to(points.device), labels[1], fold, _chosen(kinds, known, len(points)), seed, progress
        )
    targets = _targets(y, points)
    contest = _Contest(points, targets, fold, Frame.whitening(points), Frame.of(targets), seed)
    count = int((fold != 0).sum())
    chosen = _chosen(kinds, fitters(count, points.shape[1]), count)
    entries = {}
    for done, (kind, fitter) in enumerate(chosen.items(), start=1):
        entries[kind] = contest.enter(fitter)
        if progress is not None:
            progress(done, len(chosen), kind)
    return contest.settle(entries)


@dataclass(frozen=True)
class _Entry:
    """What one kind brings to the contest, in standardised units."""

    models: tuple[Surrogate, ...]
    squares: Tensor  # held-out squared error of each sample, `(samples,)`
    difference: float
    noise: float
    spread: float
    jackknife: float

    @property
    def square(self) -> float:
        """Mean squared error."""
        return float(self.squares.mean())


class _Contest:
    """Held-out samples and pairs, shared by all kinds."""

    def __init__(self, x: Tensor, y: Tensor, fold: Tensor, inputs: Frame, outputs: Frame, seed: int):
        self.x, self.y, self.fold, self.inputs, self.outputs, self.seed = x, y, fold, inputs, outputs, seed
        self.folds = int(fold.max()) + 1
        self.held = [(fold == k).nonzero()[:, 0][:SCORED_PER_FOLD] for k in range(self.folds)]
        self.near = [_neighbours(inputs.enter(x[held])) for held in self.held]
        self.pairs = sum(near.numel() for near in self.near)
        self.signal = self._differences([outputs.enter(y[held]) for held in self.held])

    def enter(self, fitter: Fitter) -> _Entry:
        """Fit one kind on every fold and measure it on what it did not see."""
        models = [self._fit(fitter, k) for k in range(self.folds)]
        surrogates = tuple(Surrogate(model, self.inputs, self.outputs) for model in models)
        residuals = [
            (self.y[held] - f(self.x[held])) / self.outputs.scale for f, held in zip(surrogates, self.held, strict=True)
        ]
        noise = self.y.shape[1] * sum(model.noise for model in models) / self.folds
        sample = self.x[torch.cat([held[: JACOBIAN_POINTS // self.folds] for held in self.held])]
        values = torch.stack([f(sample) for f in surrogates]) / self.outputs.scale
        return _Entry(
            surrogates,
            squares=torch.cat(residuals).square().sum(1),
            difference=self._differences(residuals),
            noise=noise,
            spread=(self.folds - 1) * float(values.var(0).sum(1).mean()),
            jackknife=_jackknife(surrogates, sample),
        )

    def settle(self, entries: dict[str, _Entry]) -> CrossFit:
        """Subtract the noise common to all kinds and crown the smallest gradient error among the kinds that fit.

        Differences over near pairs are mostly noise, and a stiff kind has little of it: without the first test a plane
        would win over the paraboloid that the values clearly show, and a plane has symmetries whatever the data.
        """
        noise = self._noise(list(entries.values()))
        scores = {kind: self._score(entry, noise) for kind, entry in entries.items()}
        best_fit = min(entries.values(), key=lambda entry: entry.square)
        fitting = [kind for kind, entry in entries.items() if fits_as_well(entry.squares, best_fit.squares)]
        kind = min(fitting, key=lambda name: scores[name].gradient_error)
        if not isfinite(scores[kind].gradient_error):
            kind = min(scores, key=lambda name: scores[name].value_error)
        level = sqrt(noise / self.y.shape[1]) * float(self.outputs.scale)
        best = scores[kind]
        return CrossFit(
            entries[kind].models,
            self.fold,
            kind,
            scores,
            best.value_error,
            best.gradient_error,
            level,
            entrants={name: entry.models for name, entry in entries.items()},
        )

    def _fit(self, fitter: Fitter, k: int) -> Model:
        """Fit a standardised model without fold `k`."""
        kept = self.fold != k
        return fitter(self.inputs.enter(self.x[kept]), self.outputs.enter(self.y[kept]), self.seed * self.folds + k)

    def _differences(self, values: list[Tensor]) -> float:
        """Mean squared difference over the near pairs."""
        parts = [(v[:, None] - v[near]).square().sum() for v, near in zip(values, self.near, strict=True)]
        return float(torch.stack(parts).sum()) / self.pairs

    def _noise(self, entries: list[_Entry]) -> float:
        """Noise variance, summed over outputs, from the best kind that estimates it."""
        order = sorted(entries, key=lambda entry: entry.difference)
        own = [entry.noise for entry in order if isfinite(entry.noise)]
        return min([max(order[0].square - order[0].spread, 0.0), *own[:1]])

    def _score(self, entry: _Entry, noise: float) -> Score:
        """Relative errors of one kind once the noise is known."""
        signal, excess = self.signal - 2 * noise, entry.difference - 2 * noise
        doubt = bars.PAIR_DOUBTS * noise * sqrt(2 / (self.y.shape[1] * sum(map(len, self.held))))
        ratio = inf if signal <= doubt else excess / signal if excess > doubt else 0.0
        return Score(sqrt(max(ratio, entry.jackknife**2)), sqrt(entry.square / self.y.shape[1]))


def fits_as_well(squares: Tensor, best: Tensor) -> bool:
    """Whether held-out squared errors `(samples,)` of one kind are within chance of those of the best."""
    excess = squares - best
    error = float(excess.std()) / sqrt(len(excess))
    return float(excess.mean()) <= bars.MOST_EXCESS * error


def _neighbours(x: Tensor) -> Tensor:
    """Find the indices ``(S, k)`` of the nearest other points."""
    from scipy.spatial import KDTree

    values = x.cpu().numpy()
    near = KDTree(values).query(values, k=min(NEIGHBOURS + 1, len(values)))[1]
    return torch.as_tensor(near, device=x.device)[:, 1:]


def _disagreement(models: Sequence[Surrogate], x: Tensor) -> float:
    """Relative root mean square distance between the Jacobians of pairs of models."""
    jacobians = torch.stack([_jacobians(f, x) for f in models])
    spread = (jacobians - jacobians.mean(0)).square().sum() / (len(models) - 1)
    size = jacobians.square().sum() / len(models)
    return float((2 * spread / size).sqrt()) if size > 0 else inf


def _jacobians(model: Surrogate, x: Tensor) -> Tensor:
    """Jacobians in standard inputs, `(batch, m, n)`, so that no unit weighs one column more than another."""
    found = torch.func.vmap(torch.func.jacrev(model), chunk_size=CHUNK)(x)
    return found * model.inputs.scale if model.inputs.scale.ndim < 2 else found @ model.inputs.scale.T


def _jackknife(models: Sequence[Surrogate], x: Tensor) -> float:
    """Relative standard deviation of the gradient over training sets, from models left one fold out."""
    return _disagreement(models, x) * sqrt((len(models) - 1) / 2)


def _fit_classes(
    x: Tensor,
    labels: Tensor,
    classes: tuple[str | int, ...],
    fold: Tensor,
    fitters: dict[str, ClassFitter],
    seed: int,
    progress: Progress | None,
) -> CrossFit:
    """Fit every kind of logits out of fold; the least log-loss wins."""
    inputs, count = Frame.whitening(x), int(fold.max()) + 1
    outputs = Frame(x.new_zeros(()), x.new_ones(()))
    entries: dict[str, tuple[Surrogate, ...]] = {}
    scores: dict[str, Score] = {}
    losses: dict[str, float] = {}
    for done, (kind, fit) in enumerate(fitters.items(), start=1):
        models = [fit(inputs.enter(x[fold != k]), labels[fold != k], seed * count + k) for k in range(count)]
        entries[kind] = tuple(Surrogate(model, inputs, outputs) for model in models)
        losses[kind], scores[kind] = _score_classes(entries[kind], x, labels, fold)
        if progress is not None:
            progress(done, len(fitters), kind)
    kind = min(losses, key=losses.__getitem__)
    best = scores[kind]
    return CrossFit(entries[kind], fold, kind, scores, best.value_error, best.gradient_error, nan, classes)


def _score_classes(models: tuple[Surrogate, ...], x: Tensor, labels: Tensor, fold: Tensor) -> tuple[float, Score]:
    """Held-out log-loss at the best temperature, and the score of one kind of logits.

    The gradient is as good as unknown if the logits tell the labels no better than their frequencies do.
    """
    logits = torch.stack([f(x) for f in models])[fold, torch.arange(len(x), device=x.device)]
    wrong = float((logits.argmax(1) != labels).double().mean())
    grid = torch.logspace(-2, 3, 51, dtype=x.dtype, device=x.device)
    losses = torch.stack([functional.cross_entropy(t * logits, labels, reduction="none") for t in grid])
    best = losses[int(losses.mean(1).argmin())]
    share = torch.bincount(labels, minlength=logits.shape[1]).to(x) / len(x)
    gain = -share.log()[labels] - best
    seen = float(gain.mean()) > bars.CLEAR_GAIN * float(gain.std()) / sqrt(len(x))
    return float(best.mean()), Score(_jackknife(models, x[:JACOBIAN_POINTS]) if seen else inf, wrong)


def _points(x: Tensor, folds: int) -> Tensor:
    """Check samples and return them in float64."""
    if x.ndim != 2 or 0 in x.shape:
        raise DataError(f"x: expected samples of shape (S, n), got {tuple(x.shape)}; put one sample in each row")
    least = max(12, 3 * folds)
    if folds < 2 or len(x) < least:
        raise DataError(
            f"x: expected at least 2 folds and {least} samples for {folds} folds, got {len(x)} samples; "
            "give more samples or fewer folds"
        )
    points = x.detach().double()
    _check_values("x", points)
    return points


def _check_values(name: str, values: Tensor) -> None:
    """Refuse values that are not finite or do not vary."""
    if not torch.isfinite(values).all():
        count = int((~torch.isfinite(values)).sum())
        raise DataError(f"{name}: expected finite numbers, got {count} nan or inf; drop those samples")
    if bool((values == values[0]).all()):
        raise DataError(f"{name}: expected values that vary, got one constant row; a constant decides nothing")


def _folds(count: int, folds: int, seed: int) -> Tensor:
    """Random folds of equal size, ``(count,)``."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return order % folds


def _targets(y: Tensor | Sequence[str] | Sequence[int], x: Tensor) -> Tensor:
    """Check numeric targets and return them as ``(S, m)`` float64."""
    values = torch.as_tensor(y, device=x.device).detach().double()
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != len(x) or values.shape[1] == 0:
        raise DataError(f"y: expected targets of shape ({len(x)}, m), got {tuple(values.shape)}; one row per sample")
    _check_values("y", values)
    return values


def _labels(
    y: Tensor | Sequence[str] | Sequence[int], count: int, kinds: Sequence[str] | None
) -> tuple[Tensor, tuple[str | int, ...]] | None:
    """Label indices and class names when the targets are classes, None when they are numbers."""
    wanted = kinds is None or all(kind.split("-")[0] == CLASSIFIER for kind in kinds)
    text = not isinstance(y, Tensor) and any(isinstance(value, str) for value in y)
    names: list[str | int]
    if not text:
        values = torch.as_tensor(y)
        flat = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
        whole = flat.ndim == 1 and bool((torch.isfinite(flat) & (flat == flat.round())).all())
        names = [int(value) for value in flat.tolist()] if whole and wanted else []
    else:
        names = [str(value) for value in y]
    classes = tuple(sorted(set(names), key=lambda name: (isinstance(name, str), name)))
    rare = min((names.count(name) for name in classes[: MAX_CLASSES + 1]), default=0)
    fits = 2 <= len(classes) <= MAX_CLASSES and rare >= MIN_PER_CLASS and len(names) == count
    if fits and wanted:
        return torch.tensor([classes.index(name) for name in names]), classes
    if text or (kinds is not None and wanted):
        raise DataError(
            f"y: expected {count} labels, 2 to {MAX_CLASSES} classes of at least {MIN_PER_CLASS} samples, "
            f"got {len(names)} labels of {len(classes)} classes; merge rare classes or give numbers"
        )
    return None


def _chosen(kinds: Sequence[str] | None, known: dict[str, Kind], n_train: int) -> dict[str, Kind]:
    """Pick kinds by name or family."""
    if kinds is None:
        return known
    chosen: dict[str, Kind] = {}
    for kind in kinds:
        found = {name: fitter for name, fitter in known.items() if kind in (name, name.split("-")[0])}
        if not found:
            raise DataError(
                f"kinds: expected names or families among {sorted(known)} for {n_train} training samples, "
                f"got {kind!r}; choose one of those or give more samples"
            )
        chosen |= found
    return chosen
