"""The Lie derivative of a linear family of functions: one matrix per generator, acting on coefficients."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ..action._action import Action
from ..core import bars
from ..core._checks import as_points
from ..core._linalg import StreamedQR
from ..dictionary import Dictionary, Polynomials
from ..errors import DataError, RepresentationMismatchError
from ._polynomial_maps import MEASURES, degree_of_terms, field_coefficients, orthonormal_change, output_coefficients

_BLOCKS = 64  # of sampled points, before the image must have shown all its dimensions


class FamilyDerivative:
    """Linear maps ``w -> L_xi F_w`` of ``F_w(x) = W phi(x)`` for every generator.

    The image space carries the inner product of a measure, ``<F, G> = int F . G dmu``, and its coordinates are
    those of an orthonormal basis, so that norms and singular values are those of functions. ``W`` `(m, terms)` is
    flattened row by row. Polynomials under polynomial actions are handled exactly, without points.

    Parameters
    ----------
    dictionary : Dictionary
        The functions ``phi``.
    rho_in, rho_out : Action
        Actions of one algebra on points and on the m outputs; ``rho_out`` must be linear in the outputs and may
        depend on the base point, as ``rho_in.tangent()`` does.
    measure : str, optional
        ``"fischer"`` (monomials orthogonal, squared norm ``a!``), ``"cube"`` (uniform on ``[-1, 1]^n``),
        ``"gaussian"`` (standard normal) or ``"samples"`` (the given points). Left out: ``"samples"`` if points are
        given, else ``"fischer"`` for polynomials and ``"gaussian"`` for anything else.
    points : Tensor, optional
        `(batch, n)`, for ``"samples"``.
    seed : int
        Of the random points, where points are needed.

    Attributes
    ----------
    exact : bool
        Whether no point was needed to write the maps down.
    measure : str
        The measure in use.

    Raises
    ------
    RepresentationMismatchError
        If sizes or algebras differ, or outputs move otherwise than linearly.
    DataError
        If the measure is unknown or does not fit.

    Examples
    --------
    >>> import isotropy as iso
    >>> G = iso.so(2)
    >>> family = FamilyDerivative(iso.dictionary.polynomials(2, degree=2), G.vector(), G.scalar())
    >>> family.matrices.shape, family.exact  # x and y, x^2, x y and y^2 appear; 1 does not
    (torch.Size([1, 5, 6]), True)
    """

    def __init__(
        self,
        dictionary: Dictionary,
        rho_in: Action,
        rho_out: Action,
        measure: str | None = None,
        points: Tensor | None = None,
        seed: int = 0,
    ) -> None:
        _require_fit(dictionary, rho_in, rho_out)
        self.dictionary = dictionary
        self.rho_in = rho_in
        self.rho_out = rho_out
        self.seed = seed
        self._entries = _exact_entries(dictionary, rho_in, rho_out)
        self.exact = self._entries is not None
        self.measure = measure or ("samples" if points is not None else "fischer" if self.exact else "gaussian")
        self._points = _checked_points(self.measure, points, rho_in, self.exact)

    @property
    def dim(self) -> int:
        """Number of generators."""
        return self.rho_in.algebra.dim

    @property
    def outputs(self) -> int:
        """Number m of outputs."""
        return self.rho_out.size

    @property
    def columns(self) -> int:
        """Number ``m * terms`` of coefficients."""
        return self.outputs * len(self.dictionary)

    @property
    def rows(self) -> int:
        """Dimension of the image space that is kept."""
        return self.stacked.shape[0] // max(1, self.dim)

    @cached_property
    def matrices(self) -> Tensor:
        """The maps `(dim, rows, m * terms)`, dense float64."""
        return torch.as_tensor(self.stacked.toarray()).reshape(self.dim, self.rows, self.columns)

    @cached_property
    def stacked(self) -> Any:
        """The maps one below another, `(dim * rows, m * terms)`, as a scipy sparse array in rows."""
        return self._sampled() if self._entries is None else self._written()

    def derivative(self, coefficients: Tensor) -> Tensor:
        """``D_w`` `(rows, dim)`, whose column k is ``L_xi_k F_w``, from ``W`` `(m, terms)` or flat."""
        flat = self.stacked @ coefficients.detach().to("cpu", torch.float64).reshape(-1).numpy()
        return torch.as_tensor(flat).reshape(self.dim, self.rows).T

    def combined(self, xi: Tensor) -> Tensor:
        """The map `(rows, m * terms)` of one element with coordinates ``xi`` `(dim,)`."""
        from scipy.sparse import csr_array, eye_array, kron

        return torch.as_tensor((kron(csr_array(xi[None].numpy()), eye_array(self.rows)) @ self.stacked).toarray())

    def adjoint(self, image: Tensor) -> Tensor:
        """Coefficients `(m * terms,)` with ``<adjoint(Z), w> = <Z, D_w>``, for ``Z`` `(rows, dim)`."""
        return torch.as_tensor(self.stacked.T @ image.T.reshape(-1).numpy())

    def substitution(self, matrix: Tensor) -> Tensor:
        """Coefficients `(terms, terms)` after ``x -> matrix x``: ``phi(matrix x) = substitution^T phi(x)``.

        By least squares at random points, for dictionaries that the substitution maps into themselves.

        Raises
        ------
        DataError
            If a substituted function is not in the span.
        """
        points = torch.randn(4 * len(self.dictionary), self.dictionary.size, generator=_seeded(0), dtype=torch.float64)
        here, there = self.dictionary.evaluate(points), self.dictionary.evaluate(points @ matrix.T)
        solved = torch.linalg.lstsq(here, there).solution
        if float((here @ solved - there).norm()) > bars.INDEPENDENT**0.5 * float(there.norm()):
            raise DataError(
                "dictionary: expected functions that stay in their span when the element moves the points, received "
                "others; use polynomials, or add the moved functions"
            )
        return solved

    @cached_property
    def basis_change(self) -> Tensor:
        """Matrix `(rows, terms)` with ``|basis_change w|`` the norm of one output ``w . phi`` under the measure."""
        if isinstance(self.dictionary, Polynomials):
            return self._change(self.dictionary)
        streamed, seen = StreamedQR(len(self.dictionary)), 0
        for chunk in self._chunks():
            streamed.update(self.dictionary.evaluate(chunk))
            seen += len(chunk)
        return streamed.R / seen**0.5

    def _written(self) -> Any:
        """Exact entries, turned into an orthonormal basis of the image."""
        from scipy.sparse import block_diag, csr_array

        if not self.dim:
            return csr_array((0, self.columns))
        library, places, values = _entries(self._entries)
        outputs, terms = self.outputs, len(library)
        shape = (self.dim * outputs, terms, self.columns)
        raw = csr_array((values, (places[0] * terms + places[1], places[2])), shape=(shape[0] * terms, shape[2]))
        change = csr_array(self._change(library).numpy())
        turned = block_diag([change] * shape[0], format="csr") @ raw
        return _without_empty_rows(turned, self.dim)

    def _change(self, library: Polynomials) -> Tensor:
        if self._points is None:
            return orthonormal_change(library, self.measure)
        streamed = StreamedQR(len(library))
        for chunk in self._points.to("cpu", torch.float64).split(4096):
            streamed.update(library.evaluate(chunk) / len(self._points) ** 0.5)
        return streamed.R

    def _sampled(self) -> Any:
        """Values at points of the measure, compressed to an orthonormal basis of what they span."""
        from scipy.sparse import csr_array

        streamed, seen = StreamedQR(self.dim * self.columns), 0
        for chunk in self._chunks():
            streamed.update(self._values(chunk).flatten(0, 1).flatten(1))
            seen += len(chunk)
            if self._points is None and seen >= 2 * _image_rank(streamed.R):
                break
        _, sizes, axes = torch.linalg.svd(streamed.R / seen**0.5, full_matrices=False)
        kept = sizes > bars.INDEPENDENT * sizes.amax() if len(sizes) else sizes > 0
        image = (sizes[:, None] * axes)[kept].reshape(int(kept.sum()), self.dim, self.columns)
        return csr_array(image.transpose(0, 1).reshape(-1, self.columns).numpy())

    def _chunks(self) -> Iterator[Tensor]:
        if self._points is not None:
            yield from self._points.to("cpu", torch.float64).split(1024)
            return
        generator = _seeded(self.seed)
        shape = (4 * len(self.dictionary), self.dictionary.size)
        for _ in range(_BLOCKS):
            normal = self.measure == "gaussian"
            draw = torch.randn if normal else torch.rand
            points = draw(shape, generator=generator, dtype=torch.float64)
            yield points if normal else 2 * points - 1

    def _values(self, x: Tensor) -> Tensor:
        """``L_xi_k F_w`` at points, `(batch, m, dim, m * terms)`."""
        phi, slopes = self.dictionary.evaluate(x), self.dictionary.jacobian(x)
        moved = torch.einsum("bpn,bkn->bkp", slopes, self.rho_in.fields(x))
        units = torch.eye(self.outputs, dtype=torch.float64)
        turned = [self.rho_out.fields(unit.expand(len(x), -1), at=x) for unit in units]  # columns of B(x)
        whole = torch.einsum("bkp,oq->bokqp", moved, units)
        whole -= torch.einsum("qbko,bp->bokqp", torch.stack(turned), phi)
        return whole.flatten(3)


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


_Exact = tuple[Polynomials, Tensor, Tensor, Polynomials]


def _exact_entries(dictionary: Dictionary, rho_in: Action, rho_out: Action) -> _Exact | None:
    """The library and the coefficients of both actions, or None if something is not polynomial."""
    fields, matrices = field_coefficients(rho_in), output_coefficients(rho_out)
    if not isinstance(dictionary, Polynomials) or fields is None or matrices is None:
        return None
    moving = degree_of_terms(dictionary.size, fields.shape[2])
    turning = degree_of_terms(dictionary.size, matrices.shape[3])
    image = Polynomials(dictionary.size, dictionary.degree + max(moving - 1, turning, 0))
    return dictionary, fields, matrices, image


def _entries(exact: _Exact | None) -> tuple[Polynomials, Any, Any]:
    """Image library, places `(3, entries)` (generator and output, image term, coefficient) and their values."""
    import numpy

    if exact is None:
        raise DataError("expected a polynomial family, received another; the maps have to be sampled")
    library, fields, matrices, image = exact
    terms, outputs = len(library), matrices.shape[1]
    rows: list[tuple[int, int, int, float]] = []
    factors = Polynomials(library.size, degree_of_terms(library.size, fields.shape[2])).exponents
    for i, q in _nonzero_pairs(fields):
        lifted = _landing(library, image, factors[q], i)
        for k in torch.nonzero(fields[:, i, q]).flatten().tolist():
            size = float(fields[k, i, q])
            rows += [
                (k * outputs + o, r, o * terms + p, size * power) for p, r, power in lifted for o in range(outputs)
            ]
    factors = Polynomials(library.size, degree_of_terms(library.size, matrices.shape[3])).exponents
    for k, o, source, q in torch.nonzero(matrices).tolist():
        size = float(matrices[k, o, source, q])
        lifted = _landing(library, image, factors[q])
        rows += [(k * outputs + o, r, source * terms + p, -size) for p, r, _ in lifted]
    table = numpy.array(rows, dtype=float).reshape(-1, 4)
    return image, table[:, :3].T.astype(int), table[:, 3]


def _nonzero_pairs(fields: Tensor) -> list[list[int]]:
    """Coordinates and terms that some generator uses."""
    return torch.nonzero((fields != 0).any(dim=0)).tolist()


def _landing(
    library: Polynomials, image: Polynomials, factor: Tensor, coordinate: int | None = None
) -> list[tuple[int, int, int]]:
    """Where ``x^q d/dx_i`` (or ``x^q`` alone) takes each monomial: its index, the image's and the power in front."""
    exponents = library.exponents + factor
    powers = torch.ones(len(library), dtype=torch.long)
    if coordinate is not None:
        powers = library.exponents[:, coordinate]
        exponents[:, coordinate] -= 1
    return [
        (p, image.index[tuple(e)], power)
        for p, (e, power) in enumerate(zip(exponents.tolist(), powers.tolist(), strict=True))
        if power
    ]


def _without_empty_rows(stacked: Any, dim: int) -> Any:
    """Drop rows of the image that are zero under every generator."""
    import numpy

    count = stacked.shape[0] // max(1, dim)
    filled = (numpy.diff(stacked.indptr) > 0).reshape(dim, count).any(axis=0)
    keep = (numpy.arange(dim)[:, None] * count + numpy.flatnonzero(filled)).ravel()
    return stacked[keep]


def _image_rank(factor: Tensor) -> int:
    sizes = torch.linalg.svdvals(factor)
    return int((sizes > bars.INDEPENDENT * sizes.amax()).sum()) if len(sizes) else 0


def _require_fit(dictionary: Dictionary, rho_in: Action, rho_out: Action) -> None:
    if rho_in.algebra.dim != rho_out.algebra.dim:
        raise RepresentationMismatchError(
            f"rho_out: expected an action of the algebra of rho_in (dimension {rho_in.algebra.dim}), received "
            f"dimension {rho_out.algebra.dim}; build both from one algebra"
        )
    if rho_in.event != (dictionary.size,):
        raise RepresentationMismatchError(
            f"rho_in: expected an action on {dictionary.size} coordinates (those of the dictionary), received one on "
            f"{rho_in.event}; build the dictionary for the action's size"
        )
    base = torch.linspace(-0.7, 0.9, 2 * dictionary.size, dtype=torch.float64).reshape(2, -1)
    still = torch.zeros(2, *rho_out.event, dtype=torch.float64)
    if len(rho_out.event) != 1 or bool((rho_out.fields(still, at=base) != 0).any()):
        raise RepresentationMismatchError(
            "rho_out: expected flat outputs that move linearly (a zero output stays zero), received an action that "
            "does not; use a Representation, Trivial or rho_in.tangent()"
        )


def _checked_points(measure: str, points: Tensor | None, rho_in: Action, exact: bool) -> Tensor | None:
    if measure not in (*MEASURES, "samples"):
        raise DataError(f"measure: expected one of {(*MEASURES, 'samples')}, received {measure!r}; try 'cube'")
    if measure == "fischer" and not exact:
        raise DataError(
            "measure: expected a polynomial dictionary and polynomial actions for 'fischer', received others; "
            "use 'cube', 'gaussian' or 'samples'"
        )
    if (points is not None) != (measure == "samples"):
        raise DataError(
            f"points: expected them with measure 'samples' and only then, received measure {measure!r} and "
            f"{'points' if points is not None else 'none'}; give both or neither"
        )
    return None if points is None else as_points(points, "points", rho_in.event)
