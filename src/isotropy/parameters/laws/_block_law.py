"""Conserved quantities that hold on any data: moment maps of blocks, and the shift of a softmax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..moves._blocks import Block
from ..moves._groups import Commutant, GeneralLinear, Group, Orthogonal
from ..moves._vectors import Parameters, require_names


@dataclass(frozen=True)
class BlockLaw:
    """``Q(M) = <theta, P^-1 xi_M(theta)> / 2`` for the generators ``M`` of a block.

    The groups of blocks contain the transpose of each of their generators. So the form of ``M`` is that of its
    symmetric part, which is a symmetry too, and antisymmetric ones have none. For a hidden layer between weights V
    and U the values are ``(V V^T - U^T U) / 2``, for a scaled neuron ``(|in|^2 + bias^2 - |out|^2) / 2``.

    Attributes
    ----------
    block : Block
        Whose symmetry it is.
    rates : mapping
        Learning rates by name that differ from 1, the diagonal of ``P``.

    Raises
    ------
    DataError
        If a parameter is missing.

    References
    ----------
    zhao2023conserved
    """

    block: Block
    rates: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Where the block acts."""
        return self.block.label

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters that the law touches."""
        return self.block.parameters

    @property
    def dim(self) -> int:
        """Number of independent entries of the values: that of symmetric generators."""
        return self.block.copies * symmetric_dim(self.block.group)

    def values(self, parameters: Parameters) -> Tensor:
        """Numbers `(copies,)` of scalings, else symmetric matrices `(copies, size, size)`, in float64."""
        theta = self._wide(parameters)
        return self.shaped(0.5 * self.block.moment(self._lowered(theta), theta))

    def moment(self, covectors: Parameters, parameters: Parameters) -> Tensor:
        """``<q, xi_M(theta)>`` shaped as the values; zero for gradients ``q`` of a symmetric loss."""
        return self.shaped(self.block.moment(self._wide(covectors), self._wide(parameters)))

    def angular_momentum(self, parameters: Parameters, velocity: Parameters) -> Tensor:
        """Antisymmetric part of ``<P^-1 d theta/dt, xi_M(theta)>``, `(copies, size, size)`.

        Zero along gradient flow from any start; under momentum with friction ``gamma`` it decays as
        ``exp(-gamma t)`` exactly, while ``values`` are no longer conserved.
        """
        raw = self.block.moment(self._lowered(self._wide(velocity)), self._wide(parameters))
        matrices = self.block.group.element(raw.reshape(self.block.copies, -1))
        return 0.5 * (matrices - matrices.mT)

    def second_order(self, step: Parameters) -> Tensor:
        """What a step adds to the values beyond first order, exactly: the values of the step."""
        return self.values(step)

    def size(self, parameters: Parameters) -> float:
        """``|theta|^2`` in the metric of the rates: the scale of the values and of their rounding."""
        theta = self._wide(parameters)
        return sum(float((low * theta[name]).sum()) for name, low in self._lowered(theta).items())

    def shaped(self, coordinates: Tensor) -> Tensor:
        """Coordinates `(dim,)` as the values are shaped."""
        matrices = self.block.group.element(coordinates.reshape(self.block.copies, -1))
        if self.block.group.size == 1:
            return matrices[:, 0, 0]
        return 0.5 * (matrices + matrices.mT)

    def _wide(self, parameters: Parameters) -> dict[str, Tensor]:
        require_names(parameters, dict.fromkeys(self.names), self.name)
        return {name: parameters[name].detach().to(torch.float64) for name in self.names}

    def _lowered(self, theta: Parameters) -> dict[str, Tensor]:
        """``P^-1 theta``."""
        return {name: value / self.rates.get(name, 1.0) for name, value in theta.items()}


@dataclass(frozen=True)
class ShiftLaw:
    """``sum_c W[c]``, kept because adding one vector to all rows of ``W`` changes no softmax probability.

    It belongs to the loss, not to the network, so that the user names it: the weight or the bias of the last layer
    before a softmax or a cross-entropy.

    Attributes
    ----------
    parameter : str
        Name of the weight `(classes, ...)` or bias `(classes,)`.

    Raises
    ------
    DataError
        If the parameter is missing.

    References
    ----------
    zhao2023conserved

    Examples
    --------
    >>> import torch
    >>> ShiftLaw("bias").values({"bias": torch.tensor([1.0, 2.0, 4.0])})
    tensor([7.], dtype=torch.float64)
    """

    parameter: str
    rates: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Where the shift acts."""
        return f"softmax shift of {self.parameter}"

    @property
    def names(self) -> tuple[str, ...]:
        """The parameter that the law touches."""
        return (self.parameter,)

    def values(self, parameters: Parameters) -> Tensor:
        """Sums over classes `(n,)`, in float64."""
        require_names(parameters, {self.parameter: None}, self.name)
        value = parameters[self.parameter].detach().to(torch.float64)
        return value.reshape(len(value), -1).sum(0) / self.rates.get(self.parameter, 1.0)

    def moment(self, covectors: Parameters, parameters: Parameters) -> Tensor:
        """``<q, xi>``: the sums of a covector."""
        return ShiftLaw(self.parameter).values(covectors)

    def second_order(self, step: Parameters) -> Tensor:
        """Nothing: the law is linear."""
        return torch.zeros_like(self.values(step))

    def size(self, parameters: Parameters) -> float:
        """Sum of all absolute values: the scale of rounding."""
        value = parameters[self.parameter].detach().to(torch.float64).abs().sum()
        return float(value) / self.rates.get(self.parameter, 1.0)


def symmetric_dim(group: Group) -> int:
    """Dimension of the symmetric matrices in the algebra of a group: generators with a conserved quantity."""
    if isinstance(group, GeneralLinear):
        return group.size * (group.size + 1) // 2
    if isinstance(group, Orthogonal):
        return 0
    if isinstance(group, Commutant):
        rest = len(group.rest)
        return len(group.planes) + rest * (rest + 1) // 2
    return group.dim
