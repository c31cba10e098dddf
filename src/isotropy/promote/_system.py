"""Data and penalty of one regression, as numpy arrays and a sparse matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ._blocks import Block
from ._slopes import Slopes, joined_slopes

if TYPE_CHECKING:
    from ._slopes import Array

_SINGULAR = 1e-12  # relative eigenvalue below which a direction is not seen


@dataclass(frozen=True)
class System:
    """Data and penalty of one regression.

    Attributes
    ----------
    design : array
        ``Theta`` `(rows, columns)`.
    target : array
        ``y`` `(rows,)`.
    maps : scipy sparse array
        ``A`` `(image, columns)`: the parts of the penalty, one below another.
    blocks : sequence of Block
        The norms of these parts, in order.
    """

    design: Array
    target: Array
    maps: Any
    blocks: Sequence[Block]

    def image(self, w: Array) -> Array:
        """``A w``."""
        return self.maps @ w

    def pull(self, image: Array) -> Array:
        """``A^T z``."""
        return self._transposed @ image

    @cached_property
    def _transposed(self) -> Any:
        return self.maps.T.tocsr()

    @cached_property
    def _ends(self) -> list[slice]:
        stops = [sum(block.size for block in self.blocks[: i + 1]) for i in range(len(self.blocks))]
        return [slice(stop - block.size, stop) for block, stop in zip(self.blocks, stops, strict=True)]

    def parts(self, image: Array) -> list[Array]:
        """The image of each block."""
        return [image[ends] for ends in self._ends]

    def norm(self, image: Array) -> float:
        """The penalty of an image."""
        return sum(block.norm(part) for block, part in zip(self.blocks, self.parts(image), strict=True))

    def dual(self, image: Array) -> float:
        """The dual of the penalty."""
        return max((b.dual(part) for b, part in zip(self.blocks, self.parts(image), strict=True)), default=0.0)

    def shrink(self, image: Array, threshold: float) -> Array:
        """The proximal map of the penalty."""
        import numpy as np

        if len(self.blocks) == 1:
            return self.blocks[0].shrink(image, threshold)
        pairs = zip(self.blocks, self.parts(image), strict=True)
        return np.concatenate([block.shrink(part, threshold) for block, part in pairs])

    def slopes(self, image: Array, threshold: float) -> Slopes:
        """The derivative of ``shrink``."""
        found = [block.slopes(part, threshold) for block, part in zip(self.blocks, self.parts(image), strict=True)]
        return found[0] if len(found) == 1 else joined_slopes(found, self._ends)

    def gram(self) -> Any:
        """``A^T A``, a scipy sparse array."""
        return self._transposed @ self.maps

    def reach(self, w: Array) -> float:
        """Size of the image if no terms cancelled."""
        import numpy as np

        return float(np.linalg.norm(abs(self.maps) @ abs(w)))

    def least_squares(self, free: Array) -> Array:
        """Least squares of the data over the span of orthonormal columns ``free``."""
        import numpy as np

        return free @ np.linalg.lstsq(self.design @ free, self.target)[0]

    def limit_fit(self) -> Array:
        """Least squares among the functions that nothing breaks, ``A w = 0``: the end of every path."""
        import numpy as np

        sizes, axes = np.linalg.eigh(self.gram().toarray())
        return self.least_squares(axes[:, sizes <= _SINGULAR * sizes[-1].clip(1e-300)])

    def largest_weight(self) -> float:
        """A weight from which on the fully symmetric fit is optimal.

        The dual norm of the least-Frobenius ``Z`` with ``A^T Z = Theta^T (y - Theta w)``: an upper bound of the
        smallest such weight, within a factor of the image's rank.
        """
        import numpy as np

        slope = self.design.T @ (self.target - self.design @ self.limit_fit())
        inverse = np.linalg.pinv(self.gram().toarray(), rtol=_SINGULAR, hermitian=True)
        return self.dual(self.image(inverse @ slope))
