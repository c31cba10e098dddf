"""The conserved quantity of each neuron behind an elementwise activation, for orthogonal samples."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ...core._checks import as_points
from ...errors import DataError, RepresentationMismatchError, SymmetryError
from .. import bars
from ..moves._vectors import Parameters, require_names
from ._primitives import normal_moments, primitive


class NeuronLaw:
    """``Q_a = |out_a|^2 / 2 - sum_j I(z_aj) / |x_j|^2`` with ``z = V x^T`` and ``I = int sigma / sigma'``.

    Conserved by gradient flow on the samples ``x`` if these are pairwise orthogonal: only then is the symmetry
    ``dV = (M sigma(z) / sigma'(z)) pinv(x^T)`` a gradient field, and only for diagonal M. A bias is one more input of
    value 1, so that samples then need inner products of -1.

    Parameters
    ----------
    first, second : str
        Names of the weights into the neurons `(h, n)` and out of them `(m, h)`.
    activation : str
        Such as ``"tanh"``; those known are in the table of ``docs/conserved_quantities.md``.
    x : Tensor
        `(samples, n)` all the data of the loss, at most as many as inputs.
    bias : str, optional
        Name of the bias of the neurons `(h,)`.

    Raises
    ------
    SymmetryError
        If the samples are not orthogonal or the activation has no potential: then there is no law.

    References
    ----------
    zhao2023conserved

    Examples
    --------
    >>> import torch
    >>> law = NeuronLaw("V", "U", "tanh", torch.eye(2, dtype=torch.float64))
    >>> law.values({"V": torch.zeros(3, 2), "U": torch.ones(4, 3)})
    tensor([2., 2., 2.], dtype=torch.float64)
    """

    def __init__(self, first: str, second: str, activation: str, x: Tensor, *, bias: str | None = None) -> None:
        self.first, self.second, self.bias = first, second, bias
        self.activation = activation
        self.name = f"{first} -> {activation} -> {second}"
        self._primitive = primitive(activation)
        self.x = as_points(x, "x").detach().to(torch.float64)
        self._sizes = _orthogonal_sizes(self.x, bias is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters that the law touches."""
        return tuple(name for name in (self.first, self.bias, self.second) if name is not None)

    def values(self, parameters: Parameters) -> Tensor:
        """One number per neuron, `(h,)`, in float64.

        Raises
        ------
        RepresentationMismatchError
            If shapes do not fit the data.
        """
        require_names(parameters, dict.fromkeys(self.names), "the law")
        inward, outward = (parameters[name].to(torch.float64) for name in (self.first, self.second))
        if inward.shape[1] != self.x.shape[1] or outward.shape[1] != inward.shape[0]:
            raise RepresentationMismatchError(
                f"parameters: expected weights (h, {self.x.shape[1]}) and (m, h), received {tuple(inward.shape)} and "
                f"{tuple(outward.shape)}; use the data and the layers of one network"
            )
        z = inward @ self.x.T
        if self.bias is not None:
            z = z + parameters[self.bias].to(torch.float64)[:, None]
        return 0.5 * outward.square().sum(0) - (self._primitive(z) / self._sizes).sum(1)

    def at_start(self, parameters: Parameters, deviations: Mapping[str, float]) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of every value, `(h,)` each, when entries are drawn from centred normals.

        ``parameters`` gives the shapes, ``deviations`` the standard deviation of the entries by name; that of a
        bias must be that of its weights, else pre-activations of different samples are not independent.
        """
        outputs, h = parameters[self.second].shape
        out = deviations[self.second]
        spread = deviations[self.first] ** 2 * self.x.square().sum(1)
        if self.bias is not None:
            if deviations[self.bias] != deviations[self.first]:
                raise DataError(
                    f"deviations: expected one value for {self.first} and {self.bias}, received "
                    f"{deviations[self.first]} and {deviations[self.bias]}; the law is exact only for equal ones"
                )
            spread = spread + deviations[self.bias] ** 2
        mean, variance = normal_moments(self._primitive, spread.sqrt())
        total = 0.5 * outputs * out**2 - float((mean / self._sizes).sum())
        deviation = math.sqrt(0.5 * outputs * out**4 + float((variance / self._sizes**2).sum()))
        return torch.full((h,), total, dtype=torch.float64), torch.full((h,), deviation, dtype=torch.float64)


def _orthogonal_sizes(x: Tensor, bias: bool) -> Tensor:
    """Squared lengths `(samples,)` of orthogonal samples, the constant input of a bias included."""
    gram = x @ x.T + (1.0 if bias else 0.0)
    sizes = gram.diagonal()
    error = float((gram - torch.diag(sizes)).abs().max() / sizes.min()) if bool(sizes.min() > 0) else math.inf
    if error > bars.MOST_OVERLAP:
        rule = "inner products of -1 between samples (a bias is one more input)" if bias else "orthogonal samples"
        raise SymmetryError(
            f"x: expected {rule}, received {len(x)} samples of {x.shape[1]} inputs off by {error:.2g} (at most "
            f"{bars.MOST_OVERLAP:g}); "
            "on such data an elementwise activation has no conserved quantity"
        )
    return sizes
