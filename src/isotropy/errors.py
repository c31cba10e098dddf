"""The error and warning families; each docstring says when it is raised.

Every message has three parts: what was expected, what was received, what to do.
"""


class SymmetryError(ValueError):
    """Input that cannot be worked with; the root of every error this library raises on purpose."""


class RepresentationMismatchError(SymmetryError):
    """Shapes or algebras of a map, its points and its actions do not fit one another."""


class NotAnAlgebraError(SymmetryError):
    """A span of generators is not what was asked for: dependent, or not closed under the bracket."""


class DerivativeUnavailableError(SymmetryError):
    """No rung of the derivative ladder can differentiate the map."""


class FlowError(SymmetryError):
    """A flow leaves every bounded region (or stops being finite) before the time asked for."""


class DataError(SymmetryError):
    """A file, table or sample cannot be read or cannot answer the question."""


class NotRecordableError(DataError):
    """An action holds something that cannot be written as plain data, such as a Python function."""


class NotFittedError(SymmetryError, AttributeError):
    """A result is asked for before ``fit``."""


class MissingExtraError(SymmetryError, ImportError):
    """An optional package is needed; the message names the extra to install."""


class SymmetryWarning(UserWarning):
    """Root of every warning this library gives."""


class AmbiguousRankWarning(SymmetryWarning):
    """The spectrum has no clear gap where it was cut."""


class NotClosedWarning(SymmetryWarning):
    """A span that is used as an algebra is not closed under the bracket to the stated tolerance."""


class TrivialResultWarning(SymmetryWarning):
    """The answer is empty or everything, usually because the data cannot decide the question."""


class CoarseRuleWarning(SymmetryWarning):
    """A quadrature rule has a lower degree than the quantity that is averaged over it needs."""
