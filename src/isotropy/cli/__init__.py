"""The ``isotropy`` command: one file per verb.

Exit codes: 0 done; 1 ran, and the answer is "undecided" or a check failed; 2 bad input, one line on stderr.
"""

from __future__ import annotations

import sys
import warnings

import typer

from ..errors import SymmetryError
from ._discover import discover
from ._examples import examples

app = typer.Typer(
    name="isotropy",
    help="Find the continuous symmetries of data, models and dynamics, and say how sure the answer is.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(discover)
app.command()(examples)


def main() -> None:
    """Run the command; errors of input become one line and exit code 2."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say stands in the answer
        try:
            app(standalone_mode=True)
        except SymmetryError as error:
            sys.stderr.write(f"isotropy: {error}\n")
            raise SystemExit(2) from None
        except KeyboardInterrupt:
            sys.stderr.write("isotropy: interrupted, nothing written\n")
            raise SystemExit(130) from None
