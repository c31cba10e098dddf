"""How long a fit under a symmetry takes, beside PySINDy's ConstrainedSR3, and how its set-up grows.

Prints one line of JSON. Both sides get the same terms, velocities and constraint; medians of CPU milliseconds.
ConstrainedSR3 needs cvxpy to be importable (`pip install cvxpy`); without it that part is null.

    python benchmarks/constrained_fit.py
"""

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import isotropy as iso
from isotropy._family import FamilyDerivative
from isotropy.dictionary import polynomials
from isotropy.dynamics import SINDy, equivariant_fields

MILLISECONDS, LARGE_SECONDS, GROWTH = 2.0, 10.0, 1.0
SPIRAL = torch.tensor([[-0.1, -1.0], [1.0, -0.1]], dtype=torch.float64)


def milliseconds(task: Callable[[], Any], repeats: int) -> float:
    """Median CPU time, as other work may share the machine; the first round warms up."""
    task()
    seconds: list[float] = []
    for _ in range(repeats):
        start = time.process_time()
        task()
        seconds.append(time.process_time() - start)
    return 1e3 * statistics.median(seconds)


def oscillator(samples: int) -> tuple[torch.Tensor, torch.Tensor]:
    """States and slightly noisy velocities."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(samples, 2, generator=generator, dtype=torch.float64)
    return x, x @ SPIRAL.T + 0.01 * torch.randn(samples, 2, generator=generator, dtype=torch.float64)


def constrained_sr3(x: np.ndarray, v: np.ndarray) -> Callable[[], Any] | None:
    import pysindy

    from isotropy.interop import pysindy_constraints

    if not hasattr(pysindy, "ConstrainedSR3"):
        return None
    library = pysindy.PolynomialLibrary(degree=2).fit(x)
    lhs, rhs = pysindy_constraints(library, 2, iso.so(2))
    terms = np.asarray(library.transform(x))

    def fit() -> Any:
        optimizer = pysindy.ConstrainedSR3(
            reg_weight_lam=1e-3,
            regularizer="l0",
            constraint_lhs=lhs,
            constraint_rhs=rhs,
            constraint_order="target",
            equality_constraints=True,
        )
        return optimizer.fit(terms, v)

    return fit


def assembly() -> list[dict[str, float]]:
    """Seconds to write the constraint down, and to find its kernel as well, by coefficients times generators."""
    found: list[dict[str, float]] = []
    for copies, degree in [(1, 2), (1, 4), (1, 6), (2, 1), (2, 2), (2, 3), (2, 4)]:
        library, action = polynomials(3 * copies, degree), copies * iso.so(3).vector()
        family = milliseconds(lambda lib=library, act=action: FamilyDerivative(lib, act, act.tangent()).stacked, 3)
        seconds = milliseconds(lambda lib=library, act=action: equivariant_fields(lib, act), 3) / 1e3
        size = len(library) * 3 * copies * 3
        found.append(
            {"coordinates": 3 * copies, "degree": degree, "size": size, "written": family / 1e3, "seconds": seconds}
        )
    return found


def measure(samples: int, repeats: int) -> dict[str, Any]:
    x, v = oscillator(samples)
    library = polynomials(2, 2)
    basis = equivariant_fields(library, iso.so(2))
    held = SINDy(library, basis, threshold=0.05)
    ours = milliseconds(lambda: held.fit_velocities(x, v), repeats)
    whole = milliseconds(lambda: SINDy(library, iso.so(2), threshold=0.05).fit_velocities(x, v), repeats)
    peer = constrained_sr3(x.numpy(), v.numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PySINDy warns about convergence
        theirs = None if peer is None else milliseconds(peer, max(3, repeats // 10))
    parts = assembly()
    sizes, seconds = np.log([p["size"] for p in parts[-3:]]), np.log([p["written"] for p in parts[-3:]])
    slope = float(np.polyfit(sizes, seconds, 1)[0])
    return {
        "question": "a fit of the oscillator under so(2)",
        "samples": samples,
        "ours_ms": ours,
        "ours_with_assembly_ms": whole,
        "constrained_sr3_ms": theirs,
        "times_faster_than_constrained_sr3": None if theirs is None else theirs / ours,
        "assembly_of_so(3)": parts,
        "growth_of_assembly_on_R6": slope,
        "targets": {"ours_ms": MILLISECONDS, "so(3) on R^6, degree 3, seconds": LARGE_SECONDS, "growth": GROWTH},
        "met": ours <= MILLISECONDS and parts[-2]["seconds"] <= LARGE_SECONDS and slope <= GROWTH,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=2500)
    parser.add_argument("--repeats", type=int, default=100)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    print(json.dumps(measure(chosen.samples, chosen.repeats)))


if __name__ == "__main__":
    main()
