"""A network on sets of vectors that sees them through one metric only."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...algebra._lie_algebra import LieAlgebra
from ...core._checks import require_finite
from ...enforce import invariant_forms
from ...errors import RepresentationMismatchError

_PAIR = 2  # numbers that a pair of vectors gives: inner product and squared distance


class MetricNetwork(nn.Module):
    r"""Invariant numbers of a set of vectors, by messages made of inner products in a given metric.

    Every pair tells ``psi(<x_i, x_j>)`` and ``psi(<x_i - x_j, x_i - x_j>)`` with ``psi(s) = sign(s) log(1 + |s|)``, and
    vectors are moved along one another by invariant weights. So the output is invariant under all linear maps that
    keep the metric and under reordering, whatever the parameters. Vectors that are zero are taken for padding.

    Parameters
    ----------
    metric : Tensor or LieAlgebra
        Symmetric `(n, n)`; or an algebra, known or discovered, that keeps one form up to a factor.
    outputs : int
        Numbers returned for each set.
    hidden : int
        Width.
    layers : int
        Rounds of messages.
    learn : bool
        Whether the metric is a parameter too, and what is given only its start.
    seed : int
        Of the initial weights.

    References
    ----------
    gong2022lorentznet, yang2023liegan

    Raises
    ------
    RepresentationMismatchError
        If the metric is not a symmetric matrix, or the algebra keeps no form or several.

    Examples
    --------
    >>> import isotropy as iso
    >>> network = MetricNetwork(iso.so(1, 3), hidden=4, layers=1)
    >>> network(torch.randn(5, 3, 4)).shape
    torch.Size([5, 1])
    """

    metric: Tensor

    def __init__(
        self,
        metric: Tensor | LieAlgebra,
        outputs: int = 1,
        *,
        hidden: int = 16,
        layers: int = 2,
        learn: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        form = _form(metric).to(torch.get_default_dtype())
        if learn:
            self.metric = nn.Parameter(form)
        else:
            self.register_buffer("metric", form)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embed = nn.Linear(1, hidden)
            self.layers = nn.ModuleList([MetricLayer(hidden) for _ in range(layers)])
            self.last = nn.Sequential(nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map sets `(batch, k, n)` to `(batch, outputs)`."""
        n = len(self.metric)
        if x.ndim != 3 or x.shape[2] != n:
            raise RepresentationMismatchError(
                f"x: expected sets of shape (batch, k, {n}), received {tuple(x.shape)}; reshape them"
            )
        present = (x != 0).any(2)
        h = self.embed(_squash(((x @ self.metric) * x).sum(2, keepdim=True)))
        for layer in self.layers:
            x, h = layer(x, h, self.metric, present)
        weight = present[:, :, None].to(h.dtype)
        return self.last((h * weight).sum(1) / weight.sum(1).clamp_min(1))


class MetricLayer(nn.Module):
    """One round of messages between the vectors of a set: invariant features `h` and vectors `x` are renewed.

    Parameters
    ----------
    hidden : int
        Width of the features.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.sender, self.receiver = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden, bias=False)
        self.pair = nn.Linear(_PAIR, hidden, bias=False)
        self.message = nn.Sequential(nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.gate, self.move = nn.Linear(hidden, 1), nn.Linear(hidden, 1)
        self.renew = nn.Sequential(nn.Linear(2 * hidden, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
        nn.init.normal_(self.move.weight, std=1e-3)
        nn.init.zeros_(self.move.bias)

    def forward(self, x: Tensor, h: Tensor, metric: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Renew vectors `(batch, k, n)` and features `(batch, k, hidden)`."""
        products = x @ metric @ x.transpose(1, 2)
        squares = products.diagonal(dim1=1, dim2=2)
        distances = squares[:, :, None] + squares[:, None] - 2 * products
        pairs = self.pair(_squash(torch.stack([products, distances], 3)))
        both = (present[:, :, None] & present[:, None])[..., None].to(h.dtype)
        messages = self.message(self.receiver(h)[:, :, None] + self.sender(h)[:, None] + pairs) * both
        count = both.sum(2).clamp_min(1)
        heard = (torch.sigmoid(self.gate(messages)) * messages).sum(2) / count
        steps = (self.move(messages) * both)[..., 0] @ x / count
        return x + steps, h + self.renew(torch.cat([h, heard], 2))


def _form(metric: Tensor | LieAlgebra) -> Tensor:
    """The metric as a symmetric matrix."""
    if isinstance(metric, LieAlgebra):
        forms = invariant_forms(metric, conformal=True)
        if len(forms) != 1:
            raise RepresentationMismatchError(
                f"metric: expected an algebra that keeps one form up to a factor, received one that keeps "
                f"{len(forms)}; choose one of enforce.invariant_forms"
            )
        return forms[0]
    matrix = require_finite(torch.as_tensor(metric).detach().double(), "metric")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not torch.allclose(matrix, matrix.T):
        raise RepresentationMismatchError(
            f"metric: expected a symmetric matrix (n, n), received shape {tuple(matrix.shape)}; symmetrise it"
        )
    return matrix.clone()


def _squash(values: Tensor) -> Tensor:
    """``sign(s) log(1 + |s|)``: products of momenta span many decades."""
    return values.sign() * values.abs().log1p()
