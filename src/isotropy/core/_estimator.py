"""The scikit-learn contract in a few lines, so that importing the library does not import scikit-learn."""

from __future__ import annotations

import inspect
from typing import Any

from ..errors import DataError, NotFittedError


class Estimator:
    """Constructor stores hyperparameters untouched; ``fit`` returns self; results end in ``_``."""

    @classmethod
    def _names(cls) -> list[str]:
        parameters = inspect.signature(cls.__init__).parameters
        return [name for name in parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Hyperparameters by name."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **parameters: Any) -> Estimator:
        """Change hyperparameters and return self."""
        for name, value in parameters.items():
            if name not in self._names():
                raise DataError(
                    f"{name}: expected one of {self._names()}, received an unknown name; check its spelling"
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        """Class and hyperparameters in one line, tensors' rows included."""
        inner = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return " ".join(f"{type(self).__name__}({inner})".split())

    def __getattr__(self, name: str) -> Any:
        """Explain a missing result: nothing is fitted yet, or this is none of the results."""
        if not name.endswith("_") or name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        results = [one for one in vars(self) if one.endswith("_") and not one.startswith("_")]
        if not results:
            raise NotFittedError(
                f"{type(self).__name__}.{name}: expected a fitted estimator, received one that is not; call fit first"
            )
        if hasattr(type(self), name):  # a property of the class that failed inside: let it say how
            return object.__getattribute__(self, name)
        raise AttributeError(
            f"{type(self).__name__}.{name}: expected one of the results {', '.join(results)}, received a name that is "
            "not among them; check its spelling, or finish the fit"
        )
