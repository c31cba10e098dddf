"""What the data say about every candidate generator, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...action._action import Action, Motion
from ...core._linalg import StreamedQR
from ...errors import DataError

State = dict[str, Tensor]


class Fold:
    """Streamed factors of one fold: of ``L_xi f``, of the motion of inputs and of the motion of outputs."""

    def __init__(self, rho_in: Action, rho_out: Action) -> None:
        self.broken = StreamedQR(rho_in.algebra.dim)
        self.moved = rho_in.motion()
        self.turned = rho_out.motion()
        self.samples = 0

    def state_dict(self) -> State:
        """Plain tensors that hold all that was seen."""
        return {
            "broken": self.broken.R,
            "moved": self.moved.state(),
            "turned": self.turned.state(),
            "samples": torch.tensor(self.samples),
        }

    def absorb(self, state: State) -> None:
        """Absorb what another process saw of the same fold."""
        self.broken.update(state["broken"])
        self.moved.absorb(state["moved"])
        self.turned.absorb(state["turned"])
        self.samples += int(state["samples"])


@dataclass(frozen=True)
class Factors:
    """Triangular factors of a set of folds: ``|broken xi|``, ``|moved xi|`` and ``|turned xi|``."""

    broken: Tensor
    moved: Tensor
    turned: Tensor

    def errors(self, directions: Tensor) -> Tensor:
        """Equivariance error `(k,)` in [0, 1] of directions `(k, dim)`; 0/0 is NaN.

        ``|L_xi f| / (| |Df| |xi_in x| | + |xi_out f|)``, norms in root mean square over samples.
        """
        sizes = [
            torch.linalg.vector_norm(directions @ part.T, dim=1) for part in (self.broken, self.moved, self.turned)
        ]
        return sizes[0] / (sizes[1] + sizes[2])


class Evidence:
    """Streamed evidence about candidate generators, split into folds.

    Each fold keeps three triangular factors of size `(dim, dim)`, so memory does not grow with the data, and
    evidence from several processes merges into what one process would have seen.

    Parameters
    ----------
    rho_in, rho_out : Action
        Candidate actions on inputs and outputs.
    folds : int
        Number of folds; sample s belongs to fold ``s % folds``.
    """

    def __init__(self, rho_in: Action, rho_out: Action, folds: int) -> None:
        self.folds = [Fold(rho_in, rho_out) for _ in range(folds)]

    @property
    def samples(self) -> int:
        """Number of samples seen."""
        return sum(fold.samples for fold in self.folds)

    def add(self, x: Tensor, rows: Tensor, slope: Tensor, value: Tensor, start: int = 0) -> None:
        """Absorb a chunk of samples.

        Parameters
        ----------
        x : Tensor
            `(batch, *event)` points.
        rows : Tensor
            `(batch, out, dim)` of ``L_xi f``, float64.
        slope : Tensor
            `(batch,)` sizes ``|Df|_F``.
        value : Tensor
            `(batch, *out)` values.
        start : int
            Index of the first sample, which sets the folds.
        """
        count = len(self.folds)
        for index in range(count):
            part = slice((index - start) % count, None, count)
            if len(x[part]):
                self.add_to(index, x[part], rows[part], slope[part], value[part])

    def add_to(self, index: int, x: Tensor, rows: Tensor, slope: Tensor, value: Tensor) -> None:
        """Absorb samples, shaped as in ``add``, that all belong to one fold."""
        fold = self.folds[index]
        fold.broken.update(rows.reshape(-1, rows.shape[2]))
        fold.moved.update(x, slope)
        fold.turned.update(value, torch.ones(len(value), dtype=torch.float64), x)
        fold.samples += len(value)

    def merge(self, other: Evidence) -> Evidence:
        """Absorb evidence of the same candidates and return self."""
        return self.absorb(other.state_dict())

    def state_dict(self) -> State:
        """Plain tensors, named ``"<fold>.<part>"``, that hold all evidence and can go to another process."""
        return {f"{i}.{name}": part for i, fold in enumerate(self.folds) for name, part in fold.state_dict().items()}

    def absorb(self, state: State) -> Evidence:
        """Add the evidence in a ``state_dict`` of the same candidates and return self.

        Raises
        ------
        DataError
            If the state has other folds or other candidates; nothing is absorbed then.
        """
        expected, received = _widths(self.state_dict()), _widths(state)
        if received != expected:
            raise DataError(
                f"state: expected the evidence of {len(self.folds)} folds with entries of widths {expected}, received "
                f"{received}; gather it with the same candidates and folds"
            )
        for index, fold in enumerate(self.folds):
            fold.absorb({name: state[f"{index}.{name}"] for name in fold.state_dict()})
        return self

    def factors(self, without: int | None = None, only: int | None = None) -> Factors:
        """Factors of all folds, of all but one, or of one."""
        chosen = [
            fold
            for index, fold in enumerate(self.folds)
            if index != without and (only is None or index == only) and fold.samples
        ]
        columns = self.folds[0].broken.columns
        return Factors(
            StreamedQR.merged([fold.broken for fold in chosen]).R,
            _stacked([fold.moved for fold in chosen], columns),
            _stacked([fold.turned for fold in chosen], columns),
        )


class Narrowed(Evidence):
    """Evidence about the span of combinations `(k, dim)` of the candidates that it was gathered for."""

    def __init__(self, whole: Evidence, combos: Tensor) -> None:
        self.folds = whole.folds
        self.combos = combos

    def factors(self, without: int | None = None, only: int | None = None) -> Factors:
        """Factors whose columns belong to the combinations."""
        whole = super().factors(without, only)
        return Factors(*(part @ self.combos.T for part in (whole.broken, whole.moved, whole.turned)))


def _widths(state: State) -> dict[str, tuple[int, ...]]:
    return {name: tuple(part.shape[1:]) for name, part in state.items()}


def _stacked(motions: list[Motion], columns: int) -> Tensor:
    total = StreamedQR(columns)
    for motion in motions:
        total.update(motion.factor())
    return total.R
