"""The ``isotropy`` command: one file per verb.

Exit codes: 0 done; 1 ran, and the answer is "undecided" or a check failed; 2 bad input, one line on stderr;
70 a fault of this program, one line that asks to report it; 130 and 143 interrupted or terminated, nothing written.
"""

from __future__ import annotations

import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer

from ..core.about._version import version
from ..errors import SymmetryError
from ._discover import discover
from ._equations import equations
from ._examples import examples
from ._measure import measure
from ._parameters import parameters
from ._probe import probe
from ._study import PASSED_ON, study

INTERRUPTED, FAULT = 130, 70
UsageError: Any = typer.BadParameter.__bases__[0]  # of click, which some versions of typer carry inside

app = typer.Typer(
    name="isotropy",
    help="Find the continuous symmetries of data, models and dynamics, and say how sure the answer is.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(discover)
app.command()(measure)
app.command()(equations)
app.command()(parameters)
app.command()(examples)
app.command()(probe)
app.command(context_settings=PASSED_ON)(study)


@app.callback(invoke_without_command=True)
def _front(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where a fault of this program came from.")] = False,
) -> None:
    """Find the continuous symmetries of data, models and dynamics, and say how sure the answer is."""
    if show_version:
        typer.echo(f"isotropy {version()}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


class Terminated(BaseException):
    """SIGTERM; no SystemExit, which foreign code may raise for reasons of its own."""


def main() -> NoReturn:
    """Run the command; whatever is wrong with the input becomes one line and exit code 2."""
    with warnings.catch_warnings(), _unwinding():
        warnings.simplefilter("ignore")  # what they say stands in the answer
        try:
            code = app(standalone_mode=False)
        except SymmetryError as error:
            _stop(2, str(error))
        except UsageError as error:
            _stop(2, f"{error.format_message().rstrip('.')}; see isotropy --help")
        except OSError as error:
            _stop(2, f"expected files that can be read and written, received {error}; check paths, rights and space")
        except Terminated:
            _stop(128 + signal.SIGTERM, "terminated, nothing written")
        except (KeyboardInterrupt, typer.Abort):
            code = INTERRUPTED
        except Exception as error:
            _last_resort(error)
        if code == INTERRUPTED:  # some versions of typer return it, others raise
            _stop(code, "interrupted, nothing written")
    raise SystemExit(code or 0)


def _last_resort(error: Exception) -> NoReturn:
    """What nobody expected, in one line: too large for the memory, beyond linear algebra, or a fault of ours."""
    if "--debug" in sys.argv[1:2]:
        raise error
    if type(error).__name__ == "LinAlgError":  # of torch, which help and refusals do without
        _stop(2, f"expected data that linear algebra can take, received some on which it failed ({error}); rescale")
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):
        _stop(2, f"expected input that fits into memory, received more ({error}); take fewer rows or columns")
    fault = f"{type(error).__name__}: {error}"
    _stop(FAULT, f"a fault of this program, not of the input ({fault:.300}); please report what --debug shows of it")


def _stop(code: int, message: str) -> NoReturn:
    """Say why in one line."""
    sys.stderr.write(f"isotropy: {' '.join(message.split())}\n")
    raise SystemExit(code)


@contextmanager
def _unwinding() -> Iterator[None]:
    """Let SIGTERM clean up on its way out, as Ctrl-C does; only the main thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated
