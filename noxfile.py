"""Fresh environments for the steps of CONTRIBUTING.md: `nox` runs all, `nox -s docs` runs one."""

import nox

nox.options.error_on_external_run = True

PINS = ("-c", "constraints.txt")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests; what follows `--` goes to pytest."""
    session.install(*PINS, "-e", ".[test]")
    session.run("python", "-m", "pytest", "-q", "-n", "2", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install("ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    session.install(*PINS, "-e", ".[test]", "pyright")
    session.run("pyright")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the pages; warnings are errors."""
    session.install(*PINS, "-e", ".[docs]")
    session.run("python", "-m", "sphinx", "-W", "-b", "html", "docs", "docs/_build")
