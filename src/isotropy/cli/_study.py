"""``isotropy study``: regenerate the tables of a paper, from a checkout of the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import DataError

PASSED_ON = {"allow_extra_args": True, "allow_interspersed_args": False}


def study(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="a folder of studies/; all are listed if left out")] = None,
) -> None:
    """Run the study NAME; what follows the name, such as --out DIR or --help, goes to the study."""
    folder = _studies()
    names = sorted(path.parent.name for path in folder.glob("*/run.py"))
    if name is None:
        typer.echo("\n".join(names))
        return
    if name not in names:
        raise DataError(f"study: expected one of {', '.join(names)}, received {name!r}; choose one of these")
    path = os.pathsep.join(filter(None, [str(folder.parent), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", f"studies.{name}.run", *context.args]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path})
    raise typer.Exit(done.returncode)


def _studies() -> Path:
    """The folder of studies: of the current checkout, or of the one that this package runs from."""
    roots = [Path.cwd(), *Path.cwd().parents, Path(__file__).parents[3]]
    found = next((root / "studies" for root in roots if (root / "studies" / "calibration" / "run.py").is_file()), None)
    if found is None:
        raise DataError(
            f"study: expected a checkout of the repository, which holds the studies, received {Path.cwd()} without "
            "one; run it there"
        )
    return found
