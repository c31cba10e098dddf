"""Assert on estimators: the contract that scikit-learn's tools rely on."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..algebra._lie_algebra import LieAlgebra
from ..errors import NotFittedError
from ._numbers import close, require


def assert_estimator(estimator_factory: Callable[[], Any], fit_args: Sequence[Any]) -> None:
    """The contract of an estimator: plain constructor, scikit-learn's clone, ``fit`` that changes nothing else.

    The constructor stores its arguments untouched; ``get_params``, ``set_params`` and ``sklearn.base.clone`` work;
    results asked for before ``fit`` raise ``NotFittedError`` naming the attribute; ``fit`` returns self, leaves
    hyperparameters and inputs as they were, and gives the same results again whatever the global random state.

    Parameters
    ----------
    estimator_factory : callable
        Makes a new unfitted estimator.
    fit_args : sequence
        Arguments of ``fit``.

    Examples
    --------
    >>> import torch, isotropy as iso
    >>> V = iso.gl(2).vector()
    >>> x = torch.randn(40, 2, dtype=torch.float64)
    >>> assert_estimator(lambda: iso.discover.FromModel(V, V), [lambda x: x.flip(1) ** 3, x])
    """
    from sklearn.base import clone

    _assert_constructor(estimator_factory())
    first: Any = estimator_factory()
    second: Any = clone(estimator_factory())
    held, before = first.get_params(deep=False), [_snapshot(argument) for argument in fit_args]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        require(first.fit(*fit_args) is first, "fit: expected self, received another object")
        torch.manual_seed(2)
        second.fit(*fit_args)
    for index, (argument, old) in enumerate(zip(fit_args, before, strict=True)):
        _same(_snapshot(argument), old, f"fit argument {index} after fit")
    for name, value in first.get_params(deep=False).items():
        require(value is held[name], f"{name}: expected the hyperparameter as given, received another after fit")
    results = [name for name in vars(first) if name.endswith("_") and not name.startswith("_")]
    require(bool(results), "fit: expected results whose names end in '_', received none")
    _assert_unfitted(estimator_factory(), results)
    for name in results:
        _same(getattr(second, name), getattr(first, name), f"{name} of a second fit")


def _assert_constructor(estimator: Any) -> None:
    """Hyperparameters by name, and nothing else, live on a new estimator."""
    kind, held = type(estimator), estimator.get_params(deep=False)
    names = {name for name in inspect.signature(kind.__init__).parameters if name != "self"}
    require(set(held) == names, f"get_params: expected {sorted(names)}, received {sorted(held)}")
    rebuilt = kind(**held)
    require(
        set(vars(rebuilt)) == names,
        f"constructor: expected to store {sorted(names)} alone, received {sorted(vars(rebuilt))}",
    )
    for name, value in held.items():
        require(getattr(rebuilt, name) is value, f"{name}: expected the argument itself, received a changed one")
    require(rebuilt.set_params(**held) is rebuilt, "set_params: expected self, received another object")
    try:
        rebuilt.set_params(surely_no_parameter=1)
    except ValueError:
        return
    raise AssertionError("set_params: expected a ValueError for an unknown name, received none")


def _assert_unfitted(estimator: Any, results: Sequence[str]) -> None:
    """Asking for a result before ``fit`` raises ``NotFittedError`` with its name."""
    for name in results:
        try:
            value = getattr(estimator, name)
        except NotFittedError as error:
            require(name in str(error), f"{name}: expected its name in the error, received {str(error)!r}")
        else:
            raise AssertionError(f"{name}: expected NotFittedError before fit, received {value!r}")


def _snapshot(value: Any) -> Any:
    """A copy of what must not change."""
    if isinstance(value, nn.Module):
        return {name: tensor.detach().clone() for name, tensor in value.state_dict().items()}
    if isinstance(value, Mapping):
        return {key: _snapshot(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_snapshot(inner) for inner in value]
    if isinstance(value, Tensor):
        return value.detach().clone()
    return value.copy() if hasattr(value, "__array__") else value


def _same(value: Any, expected: Any, what: str) -> None:
    """Equal numbers, texts and containers; other objects are compared by their type."""
    require(type(value) is type(expected), f"{what}: expected {type(expected)}, received {type(value)}")
    a, b = _parts(value), _parts(expected)
    if a is not None and b is not None:
        require(a.keys() == b.keys(), f"{what}: expected entries {list(b)}, received {list(a)}")
        for key in a:
            _same(a[key], b[key], f"{what}[{key!r}]")
    elif isinstance(value, str):
        require(value == expected, f"{what}: expected {expected!r}, received {value!r}")
    elif isinstance(value, Tensor | float | int) or hasattr(value, "__array__"):
        close(torch.as_tensor(value), torch.as_tensor(expected), 1e-12, what)


def _parts(value: Any) -> dict[Any, Any] | None:
    """What a container holds, by key."""
    if isinstance(value, LieAlgebra):
        return {"basis": value.basis}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    return vars(value) if dataclasses.is_dataclass(value) else None
