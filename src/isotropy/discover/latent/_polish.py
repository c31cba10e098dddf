"""The direct road in latent coordinates: with the generators known, coordinates are fitted without an adversary."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ...action._representation import Representation
from .. import bars
from ._autoencoder import Autoencoder

_MOST = 4000  # pairs
_FIRST = 50  # iterations of the step alone
_STEP, _KEPT, _WHITE = 10.0, 1000.0, 0.1  # weights of step, kept forms and white coordinates beside the reconstruction


class InvariantStep(nn.Module):
    """``z -> sum_c f_c(q(z)) B_c z``: every step of this form commutes with the symmetry.

    ``B_c`` span the matrices that commute with the generators, ``q`` the quadratic forms that these keep.
    """

    def __init__(self, latent: Representation, hidden: int, seed: int) -> None:
        super().__init__()
        self.commuting: Tensor
        self.forms: Tensor
        self.register_buffer("commuting", commuting(latent))
        self.register_buffer("forms", _forms(latent))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            inputs = max(len(self.forms), 1)
            self.network = nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, len(self.commuting)))

    def forward(self, z: Tensor) -> Tensor:
        """Latent points `(batch, n)` one step later."""
        kept = self.kept(z) if len(self.forms) else torch.zeros_like(z[:, :1])
        return torch.einsum("bc,cnp,bp->bn", self.network(kept), self.commuting, z)

    def kept(self, z: Tensor) -> Tensor:
        """Values `(batch, q)` of the kept forms; they tell orbits apart."""
        return torch.einsum("bn,qnp,bp->bq", z, self.forms, z)


def polish(coder: Autoencoder, latent: Representation, x: Tensor, y: Tensor, iterations: int, seed: int) -> Autoencoder:
    """Another autoencoder, in whose coordinates the step from `x` to `y` commutes with the generators better.

    Reconstruction and step are minimised over all pairs at once by LBFGS, in float64.
    """
    polished, metric = coder.settled(), kept_metric(latent)
    step = InvariantStep(latent, 32, seed).to(torch.float64)
    some = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))[:_MOST]
    points = torch.cat([x[some], y[some]])
    z = polished.encode(points)
    _descend([*step.parameters()], lambda: _missed(step, z, metric), _FIRST)  # else a wild step bends the coordinates

    def price() -> Tensor:
        z = polished.encode(points)
        back = ((polished.decode(z) - points) / polished.scale).square().mean()
        return back + _missed(step, z, metric) + _WHITE * colour(z @ metric.T)

    polished.requires_grad_(True)
    _descend([*polished.parameters(), *step.parameters()], price, iterations)
    return polished.settled()


def _missed(step: InvariantStep, z: Tensor, metric: Tensor) -> Tensor:
    """What the step misses of pairs, states first: of places relative to how far they go, and of the kept forms.

    An error of phase stays what it is, one of a kept form adds up along an orbit and leads to another one.
    """
    before, after = z.chunk(2)
    said = step(before)
    places = ((said - after) @ metric.T).square().mean() / ((after - before) @ metric.T).square().mean()
    if not len(step.forms):
        return _STEP * places
    orbits = (step.kept(said) - step.kept(after)).square().mean() / step.kept(z).square().mean()
    return _STEP * places + _KEPT * orbits


def _descend(parameters: list[nn.Parameter], price: Callable[[], Tensor], iterations: int) -> None:
    """Minimise over all samples at once."""
    optimizer = torch.optim.LBFGS(parameters, max_iter=iterations, history_size=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        value = price()
        slopes = torch.autograd.grad(value, parameters, allow_unused=True, materialize_grads=True)
        for parameter, slope in zip(parameters, slopes, strict=True):
            parameter.grad = slope.contiguous()
        return value.detach()

    optimizer.step(loss)


def colour(z: Tensor) -> Tensor:
    """Mean square of what sets mean and covariance of points `(batch, size)` apart from zero and one."""
    mean = z.mean(0)
    excess = (z - mean).T @ (z - mean) / len(z) - torch.eye(z.shape[1]).to(z)
    return mean.square().sum() + excess.square().sum()


def kept_metric(latent: Representation) -> Tensor:
    """Matrix `(n, n)` to coordinates in which a form that the generators keep is one; one if none is positive.

    Orbits of a rotation that was learnt in squeezed coordinates are ellipses, and no cloud of them is round. Points
    that are white in the coordinates meant here have the mean square of white points in the others.
    """
    one = torch.eye(latent.size, dtype=torch.float64)
    forms = _forms(latent)
    nearest = torch.einsum("qnn,qab->ab", forms, forms)  # to one
    sizes = torch.linalg.eigvalsh(nearest)
    if float(sizes[0]) <= bars.THIN_FORM * float(sizes[-1]):
        return one
    return torch.linalg.cholesky(nearest * (nearest.inverse().trace() / latent.size)).T


def conserving(latent: Representation, directions: Tensor) -> Tensor:
    """Generators `(k, dim)` nearest to these of those that keep exactly the forms that these nearly keep.

    A game leaves a rotation with a little growth, and small growth adds up over a turn. What nothing keeps stays.
    """
    forms = _forms(latent._restricted(latent.algebra.span(directions), directions))
    if not len(forms):
        return directions
    changed = torch.einsum("kba,fbc->kfac", latent.tensor, forms)
    _, sizes, axes = torch.linalg.svd((changed + changed.transpose(2, 3)).flatten(1).T)
    rank = int((sizes > 1e-9 * sizes[0].clamp_min(1e-12)).sum())
    kept = directions @ axes[rank:].T @ axes[rank:]
    enough = kept.norm(dim=1) > directions.norm(dim=1) / 2
    return kept if bool(enough.all()) else directions


def commuting(latent: Representation) -> Tensor:
    """Basis `(c, n, n)` of the matrices that commute with the generators."""
    one = torch.eye(latent.size, dtype=torch.float64)
    return _kernel([torch.kron(one, A.T.contiguous()) - torch.kron(A.contiguous(), one) for A in latent.tensor], one)


def _forms(latent: Representation) -> Tensor:
    """Basis `(q, n, n)` of the symmetric forms that the generators keep."""
    one = torch.eye(latent.size, dtype=torch.float64)
    kept = _kernel([torch.kron(A.T.contiguous(), one) + torch.kron(one, A.T.contiguous()) for A in latent.tensor], one)
    _, sizes, axes = torch.linalg.svd((kept + kept.transpose(1, 2)).flatten(1) / 2, full_matrices=False)
    return axes[sizes > bars.KEPT_FORM].reshape(-1, latent.size, latent.size)


def _kernel(rows: list[Tensor], like: Tensor) -> Tensor:
    """Matrices that all of these maps of flattened matrices send to about zero."""
    _, sizes, axes = torch.linalg.svd(torch.cat(rows))
    return axes[sizes <= bars.KEPT_FORM * sizes[0].clamp_min(1e-12)].reshape(-1, *like.shape)
