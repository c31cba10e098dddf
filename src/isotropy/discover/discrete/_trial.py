"""What single elements do to a map at samples, and what chance would give."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ...action._representation import Representation
from ...core._autodiff import Map, evaluating, value_of
from ...symmetry import bars as verdicts
from ...symmetry.claims import Interval
from ...symmetry.claims import bars as claims
from ...symmetry.claims._rows import output_blocks
from ..limits._metric import whitening
from ..limits._together import Quotients, distinct, quotients


@dataclass(frozen=True)
class Element:
    """One element at samples.

    Attributes
    ----------
    broken, chance, size : Tensor
        Squares `(S,)`: of ``f(g x) - g f(x)``; of the same with its two factors from two samples; and of the values.
    floor : float
        Defect that rounding alone can give.
    ignored : bool
        Whether it moves nothing to which the map responds.
    """

    broken: Tensor
    chance: Tensor
    size: Tensor
    floor: float
    ignored: bool

    @property
    def error(self) -> float:
        """Defect at all samples as they are."""
        chance = float(self.chance.mean())
        return math.sqrt(float(self.broken.mean()) / chance) if chance > 0 else 0.0

    @property
    def exact(self) -> bool:
        """Whether no more than rounding is broken."""
        return self.ignored or self.error <= self.floor <= claims.COARSEST_EXACT


class Trial:
    """A map at samples `(S, n)` on which elements are tried; outputs are in the metric of their covariance.

    The defect of an element g is ``|f(g x) - g f(x)|`` in root mean square, relative to the same with the two factors
    from two samples, which is the less of two numbers. Far away ``g f(x')`` has nothing to do with ``f(g x)``. Nearby
    it has, for whatever map: there the motion of one sample is carried out at another one, as for generators.
    """

    def __init__(self, f: Map, x: Tensor, rho_in: Representation, rho_out: Representation, seed: int) -> None:
        first, self.weights = distinct(x.flatten(1))
        self.f, self.x, self.rho_in, self.rho_out, self.seed = f, x[first], rho_in, rho_out, seed
        rng = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(self.x), generator=rng)
        self._partner = torch.empty_like(order)
        self._partner[order] = order.roll(1)  # nobody is dealt to itself
        self._signs = 2.0 * torch.randint(0, 2, self.x.shape, generator=rng) - 1
        with evaluating(f), torch.no_grad():
            value = value_of(f, self.x).reshape(len(self.x), -1)
        self._rounding = max(torch.finfo(self.x.dtype).eps, torch.finfo(value.dtype).eps)
        self._plain = value.to(torch.float64)
        self._mean = self._plain.mean(0)
        self._metric = whitening(self._plain, output_blocks(rho_out))

    def of(self, g: Tensor) -> Element:
        """Try a matrix `(n, n)`."""
        turn = self.rho_in.rho(g).to(self.x)
        x, there = self.x, self.x @ turn.T
        # A product is rounded by the size of its terms, and the map answers to that.
        shaken = there + self._signs.to(x) * self._rounding * (x.abs() @ turn.abs().T)
        with evaluating(self.f), torch.no_grad():
            moved = self._seen(value_of(self.f, there))
            rounded = (self._seen(self.f(shaken)) - moved).square().sum(1).mean()
            elsewhere = self._seen(self.f(x[self._partner] + there - x))
        still = self._seen(self._plain)
        rho = self.rho_out.rho(g).to(torch.float64)
        turned = self._seen(self._plain @ rho.T)
        far = (moved - turned.mean(0)).square().sum(1) + (turned - moved.mean(0)).square().sum(1)
        far = far - (moved.mean(0) - turned.mean(0)).square().sum()
        near = (elsewhere - still[self._partner]).square().sum(1) + (turned - still).square().sum(1)
        whole = self._rounding * (self._mean @ self._metric.T).norm() + self._rounding * still.square().mean().sqrt()
        rounding = verdicts.ROUNDINGS * math.hypot(float(whole), float(rounded.nan_to_num(0.0).sqrt()))
        size = moved.square().sum(1) + turned.square().sum(1)
        broken = (moved - turned).square().sum(1)
        return self._element(broken, near, far, size, rounding)

    def judged(self, elements: list[Element], level: float) -> Quotients:
        """Defects of elements, with limits that hold for all of them together."""
        parts = (torch.stack([getattr(e, name) for e in elements], 1) for name in ("broken", "chance", "size"))
        broken, chance, sizes = parts
        found = quotients(broken, chance, level, self.seed, self.weights, sizes)
        exact = torch.tensor([e.exact for e in elements])
        floors = torch.tensor([e.floor for e in elements], dtype=torch.float64)
        return Quotients(
            found.value,
            torch.where(exact, 0.0, found.lower),
            torch.where(exact, torch.maximum(found.value, floors), found.upper),
            torch.where(exact, float(len(self.x)), found.effective),  # what is exact is so at every sample
        )

    def _seen(self, value: Tensor) -> Tensor:
        """Values about the mean, in their metric."""
        return (value.reshape(len(self.x), -1).to("cpu", torch.float64) - self._mean) @ self._metric.T

    def _element(self, broken: Tensor, near: Tensor, far: Tensor, size: Tensor, rounding: float) -> Element:
        whole = math.sqrt(max(float(far.mean()), 1e-300))
        close = float(near.mean()) if bool(torch.isfinite(near).all()) else math.inf
        least = max(claims.IGNORED, claims.IGNORED_ROUNDINGS * rounding / whole) * whole
        ignored = close <= least**2 and float(broken.mean()) <= least**2
        chance = far if ignored or close >= whole**2 else near
        return Element(broken, chance, size, rounding / math.sqrt(max(float(chance.mean()), 1e-300)), ignored)


def interval_of(found: Quotients, places: list[int]) -> tuple[Interval, float]:
    """The worst of some elements, and how many samples carry it at least."""
    worst = max(places, key=lambda place: float(found.upper[place]))
    return found.one(worst), float(found.effective[places].min())
