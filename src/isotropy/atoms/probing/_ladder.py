"""The ladder of rules, from cheap to exact."""

from __future__ import annotations

from ...quadrature import Rule, identity, lebedev, polyhedral


def default_rule() -> Rule:
    """Rotations of the icosahedron with inversion: 120 elements, degree 5."""
    return polyhedral("I").with_inversion()


def ladder(most: int = 1376) -> tuple[Rule, ...]:
    """Rules of at most so many elements, each the cheapest of its degree, with and without inversion.

    Parameters
    ----------
    most : int
        Largest number of elements.

    Examples
    --------
    >>> [len(rule) for rule in ladder(60)]
    [1, 2, 4, 8, 12, 24, 24, 48, 60]
    """
    proper = [identity(), *(polyhedral(group) for group in ("D2", "T", "O", "I"))]
    degrees = (7, 9, 11, 13, 15)
    sizes = (208, 380, 600, 1036, 1376)
    proper += [lebedev(degree) for degree, size in zip(degrees, sizes, strict=True) if size <= most]
    rules = [rule for base in proper for rule in (base, base.with_inversion())]
    return tuple(sorted((rule for rule in rules if len(rule) <= most), key=len))
