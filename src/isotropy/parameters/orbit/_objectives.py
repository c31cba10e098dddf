"""What a teleport is for: scores of a network that are raised along an orbit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from ...errors import DataError, SymmetryError
from ..find._parameter_symmetry import ParameterSymmetry
from ..find._shifts_and_scales import ShiftBlock
from ..moves._vectors import inner, moved

Named = dict[str, Tensor]
OBJECTIVES = (
    "grad_norm", "decrement", "fixed_lr", "balance_grad", "balance_weight", "sharpness", "curvature",
)  # fmt: skip


class UndefinedScoreError(SymmetryError):
    """An objective has no value at the present parameters."""


@dataclass(frozen=True)
class Probe:
    """A loss and its parameters, with counted costs.

    Attributes
    ----------
    loss : callable
        Returns the loss at the current values of the parameters.
    parameters : dict of str to Parameter
        What may move.
    spent : list of float
        Costs so far, in gradients.
    """

    loss: Callable[[], Tensor]
    parameters: dict[str, torch.nn.Parameter]
    spent: list[float]

    def value(self) -> float:
        """The loss alone, a third of a gradient."""
        self.spent.append(1 / 3)
        with torch.no_grad():
            return float(require_loss(self.loss()))

    def gradient(self) -> tuple[float, Named]:
        """The loss and its gradient."""
        self.spent.append(1.0)
        value = require_loss(self.loss())
        return float(value.detach()), self.slopes(value)

    def score(self, name: str, options: Options) -> tuple[float, Named]:
        """A score and its derivative by the parameters."""
        if name in ("grad_norm", "balance_grad", "decrement", "fixed_lr"):
            score = self._of_gradient(name, options)
            return float(score.detach()), self.slopes(score)
        if name == "balance_weight":
            values = {key: p.detach() for key, p in self.parameters.items()}
            total = inner(values, values)
            return -float(total.log()), {key: -2 * value / total for key, value in values.items()}
        return self._flatness(options)

    def _of_gradient(self, name: str, options: Options) -> Tensor:
        """Scores that are functions of the gradient and of the curvature along it."""
        owners = list(self.parameters.values())
        with sdpa_kernel(SDPBackend.MATH):  # the fused kernels of attention have no second derivative
            slopes = _slopes(require_loss(self.loss()), owners, graph=True)
        pairs = zip(self.parameters.items(), slopes, strict=True)
        known = {name: slope for (name, _), slope in pairs if slope is not None}
        square = inner(known, known)
        self.spent.append(3.0)
        if name in ("grad_norm", "balance_grad"):
            return (1 if name == "grad_norm" else -1) * square.log()
        product = _slopes(0.5 * square, [self.parameters[name] for name in known], graph=True)
        bent = inner({name: h for name, h in zip(known, product, strict=True) if h is not None}, known)
        if name == "fixed_lr":
            self.spent.append(5.0)
            return options.rate * square - 0.5 * options.rate**2 * bent
        if float(bent.detach()) <= 0:
            raise UndefinedScoreError(
                f"objective: expected positive curvature along the gradient for 'decrement', received "
                f"{float(bent.detach()):.3g}; use 'fixed_lr' or 'grad_norm' here"
            )
        self.spent.append(5.0)
        return (square**2 / (2 * bent)).log()

    def _flatness(self, options: Options) -> tuple[float, Named]:
        """Minus the mean loss at a distance, over isotropic directions."""
        generator = torch.Generator().manual_seed(options.seed)
        total, slopes = 0.0, {name: torch.zeros_like(p) for name, p in self.parameters.items()}
        kept = {name: p.detach().clone() for name, p in self.parameters.items()}
        for _ in range(options.directions):
            step = {name: torch.randn(p.shape, generator=generator).to(p) for name, p in kept.items()}
            write(self.parameters, moved(kept, step, options.distance / inner(step, step).sqrt()))
            value, gradient = self.gradient()
            total += value / options.directions
            for name, slope in gradient.items():
                slopes[name] -= slope / options.directions
        write(self.parameters, kept)
        return -total, slopes

    def slopes(self, value: Tensor) -> Named:
        """Derivatives by all parameters, zero where there is no dependence."""
        return _filled(self.parameters, _slopes(value, list(self.parameters.values()), graph=False))


@dataclass(frozen=True)
class Options:
    """Numbers that objectives need.

    Attributes
    ----------
    rate : float
        Learning rate of ``"fixed_lr"``.
    distance : float
        How far from the parameters ``"sharpness"`` looks.
    directions : int
        Random directions of ``"sharpness"`` and ``"curvature"``.
    seed : int
        Of these directions.
    """

    rate: float = 0.0
    distance: float = 0.1
    directions: int = 8
    seed: int = 0


def lie_gradient(model: torch.nn.Module, loss: Callable[[], Tensor], symmetry: ParameterSymmetry) -> Tensor:
    """Derivative `(dim,)` of ``|grad L|^2 / 2`` along every generator, ``xi_k^T H grad L``.

    One product with the Hessian serves all generators. Where it is zero, teleporting changes nothing to first order.

    Parameters
    ----------
    model : Module
        The network.
    loss : callable
        ``loss()`` returns the loss at the present parameters, without calling ``backward``.
    symmetry : ParameterSymmetry
        From ``symmetries(model, example)``.

    Raises
    ------
    DataError
        If the loss is not one finite number.
    """
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    owners = list(parameters.values())
    with sdpa_kernel(SDPBackend.MATH):
        slopes = _slopes(require_loss(loss()), owners, graph=True)
    bent = [slope for slope in slopes if slope is not None and slope.requires_grad]
    pushed = torch.autograd.grad(bent, owners, [slope.detach() for slope in bent], allow_unused=True)
    return symmetry.moment(_filled(parameters, pushed), {name: p.detach() for name, p in parameters.items()})


def orbit_curvature(symmetry: ParameterSymmetry, parameters: Named, directions: int = 8, seed: int = 0) -> Tensor:
    """Mean curvature of the curves ``exp(s M) theta`` at ``s = 0``, over random generators ``M`` of unit norm.

    ``kappa = sqrt(|c'|^2 |c''|^2 - (c' c'')^2) / |c'|^3``; differentiable in the parameters.

    Parameters
    ----------
    symmetry : ParameterSymmetry
        Of the network, from ``symmetries``.
    parameters : mapping
        Parameters by name, of any shapes.
    directions : int
        Random generators.
    seed : int
        Of the generators.

    Raises
    ------
    SymmetryError
        If a block is a shift, whose orbits are straight.
    """
    generator = torch.Generator().manual_seed(seed)
    if any(isinstance(block, ShiftBlock) for block in symmetry.blocks):
        raise SymmetryError("symmetry: expected linear actions, received a shift; select the other kinds")
    found: list[Tensor] = []
    for _ in range(directions):
        xi = torch.randn(symmetry.dim, generator=generator, dtype=torch.float64)
        xi = (xi / xi.norm()).to(next(iter(parameters.values())))
        first = symmetry.velocity(xi, parameters)
        second = symmetry.velocity(xi, {**{k: torch.zeros_like(v) for k, v in parameters.items()}, **first})
        a, b, c = inner(first, first), inner(second, second), inner(first, second)
        found.append((a * b - c.square()).clamp_min(0).sqrt() / a**1.5)
    return torch.stack(found).mean()


def _filled(parameters: Mapping[str, Tensor], slopes: Sequence[Tensor | None]) -> Named:
    """Derivatives by name, zero where there is no dependence."""
    pairs = zip(parameters.items(), slopes, strict=True)
    return {name: torch.zeros_like(p) if slope is None else slope.detach() for (name, p), slope in pairs}


def _slopes(value: Tensor, owners: Sequence[Tensor], graph: bool) -> list[Tensor | None]:
    """Derivatives, None where there is no dependence."""
    try:
        return [*torch.autograd.grad(value, owners, create_graph=graph, allow_unused=True)]
    except RuntimeError as error:
        raise SymmetryError(
            f"loss: expected a differentiable value with its graph, received one that gives: {error}; "
            "return the loss without calling backward() on it"
        ) from error


def require_loss(value: Tensor) -> Tensor:
    """Return a loss that is one finite number.

    Raises
    ------
    DataError
        If it is not.
    """
    if not isinstance(value, Tensor) or value.numel() != 1:
        raise DataError(f"loss: expected a function that returns one number as a tensor, received {type(value)}")
    if not bool(torch.isfinite(value.detach()).all()):
        raise DataError(
            f"loss: expected a finite value, received {float(value.detach())}; teleport from parameters where the "
            "loss is finite"
        )
    return value.reshape(())


def write(parameters: dict[str, torch.nn.Parameter], values: Named) -> None:
    """Overwrite parameters in place, so that references to them stay valid."""
    with torch.no_grad():
        for name, value in values.items():
            parameters[name].copy_(value)
