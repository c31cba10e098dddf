"""Pins of the bars: checks that hold where a bar stands and fail where it has moved by a fifth.

``PINS`` maps ``package.NAME`` to a check. A pin is a call of the judging function on both sides of the bar wherever
that costs nothing, and two numbers around it elsewhere.
"""

from bar_pins import algebra, atoms, claims, core, discover, dynamics, learnt, parameters, smooth, symmetry
from bar_pins.checks import Pin, stands_at

LITERALS = {
    "nn": {
        "MOST_LAYER_ERROR": 1e-5,
        "LINEAR_ACTION": 1e-8,
        "MOST_ALIKE": 0.99,
        "CONSTANT": 1e-10,
        "STANDS_OUT": 1e-9,
    },
    "graphs": {"LEARNABLE": 1e-12, "MOST_LEFT": 0.5},
}
_FILES = {
    "algebra": algebra,
    "atoms": atoms,
    "core": core,
    "discover": discover,
    "dynamics": dynamics,
    "parameters": parameters,
    "symmetry": symmetry,
    "symmetry.claims": claims,
    "symmetry.learnt": learnt,
    "symmetry.smooth": smooth,
}

PINS: dict[str, Pin] = {
    f"{package}.{name}": stands_at(package, name, value)
    for package, values in {**LITERALS, **{package: file.LITERALS for package, file in _FILES.items()}}.items()
    for name, value in values.items()
} | {f"{package}.{name}": pin for package, file in _FILES.items() for name, pin in file.JUDGED.items()}
