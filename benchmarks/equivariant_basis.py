"""Time and size of equivariant bases, beside the EMLP library where it is at hand.

For each group the maps from T(a) to T(b) (tensors of that rank) are solved in growing size, each in a process of its
own with a limit of time. EMLP needs JAX and an environment of its own; give its interpreter, or leave it out:

    python benchmarks/equivariant_basis.py --emlp-python /path/to/emlp/bin/python --limit 300

Prints JSON: one row per problem with unknowns, dimension, seconds (imports left out) and peak memory of each library;
then per group the speed-up at the largest size that EMLP finishes, and the ratio of the largest sizes.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PROBLEMS = {
    "so(3)": [(1, 1), (2, 2), (3, 3), (3, 4), (4, 4), (4, 5), (5, 5), (5, 6)],
    "o(3)": [(2, 2), (3, 3), (4, 4), (5, 5)],
    "so(1,3)": [(2, 2), (2, 3), (3, 3), (3, 4), (4, 4), (4, 5)],
    "symmetric(4)": [(1, 1), (2, 2), (2, 3), (3, 3), (3, 4), (4, 4)],
    "sp(4)": [(2, 2), (3, 3), (4, 4), (5, 5)],
}
EMLP_NAMES = {"so(3)": "SO(3)", "o(3)": "O(3)", "so(1,3)": "SO13p()", "symmetric(4)": "S(4)", "sp(4)": "Sp(2)"}


def solve_ours(group: str, ranks: tuple[int, int]) -> dict[str, Any]:
    import isotropy as iso

    kind, sizes = group.rstrip(")").split("(")
    V = getattr(iso, kind)(*map(int, sizes.split(","))).vector()
    start = time.perf_counter()
    basis = iso.enforce.equivariant_basis((V ** ranks[0]) >> (V ** ranks[1]))
    return _row(V.size ** sum(ranks), len(basis), time.perf_counter() - start)


def solve_emlp(group: str, ranks: tuple[int, int]) -> dict[str, Any]:
    import emlp.groups
    from emlp.reps import T

    acting = eval(EMLP_NAMES[group], vars(emlp.groups))  # names of this file alone
    start = time.perf_counter()
    basis = (T(ranks[0]) >> T(ranks[1]))(acting).equivariant_basis()
    return _row(basis.shape[0], basis.shape[1], time.perf_counter() - start)


def _row(unknowns: int, dimension: int, seconds: float) -> dict[str, Any]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"unknowns": unknowns, "dimension": dimension, "seconds": round(seconds, 3), "peak_gib": round(peak, 2)}


def solve_apart(python: str, library: str, group: str, ranks: tuple[int, int], limit: float) -> dict[str, Any]:
    """Solve in a process of its own; a failure or a timeout is a row too."""
    command = [python, str(Path(__file__).resolve()), "--solve", library, group, *map(str, ranks)]
    environment = {**os.environ, "TQDM_DISABLE": "1", "JAX_PLATFORMS": "cpu"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=environment)
    except subprocess.TimeoutExpired:
        return {"failed": f"more than {limit:.0f} s"}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["killed"])[-1][:200]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(groups: list[str], limit: float, emlp_python: str | None) -> dict[str, Any]:
    pythons = {"isotropy": sys.executable, **({"emlp": emlp_python} if emlp_python else {})}
    rows: list[dict[str, Any]] = []
    for group in groups:
        over: set[str] = set()
        for ranks in PROBLEMS[group]:
            row: dict[str, Any] = {"group": group, "maps": f"T({ranks[0]}) -> T({ranks[1]})"}
            for library, python in pythons.items():
                if library not in over:
                    row[library] = solve_apart(python, library, group, ranks, limit)
                if "failed" in row.get(library, {}):
                    over.add(library)
            print(json.dumps(row), file=sys.stderr)
            rows.append(row)
    return {"limit_s": limit, "rows": rows, "summary": {group: summarise(rows, group) for group in groups}}


def summarise(rows: list[dict[str, Any]], group: str) -> dict[str, Any]:
    mine = [row for row in rows if row["group"] == group]
    both = [row for row in mine if "seconds" in row.get("emlp", {}) and "seconds" in row["isotropy"]]
    if not both:
        return {}
    last = both[-1]
    largest = max(row["isotropy"]["unknowns"] for row in mine if "seconds" in row.get("isotropy", {}))
    return {
        "same_dimensions": all(row["emlp"]["dimension"] == row["isotropy"]["dimension"] for row in both),
        "largest_of_emlp": last["emlp"]["unknowns"],
        "speed_up_there": round(last["emlp"]["seconds"] / last["isotropy"]["seconds"], 1),
        "largest_of_isotropy": largest,
        "times_larger": round(largest / last["emlp"]["unknowns"], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--emlp-python")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds per problem")
    parser.add_argument("--groups", nargs="*", default=list(PROBLEMS), choices=list(PROBLEMS))
    parser.add_argument("--solve", nargs=4, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.solve:
        library, group, first, second = chosen.solve
        solve = {"isotropy": solve_ours, "emlp": solve_emlp}[library]
        print(json.dumps(solve(group, (int(first), int(second)))))
    else:
        print(json.dumps(compare(chosen.groups, chosen.limit, chosen.emlp_python), indent=1))


if __name__ == "__main__":
    main()
