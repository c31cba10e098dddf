"""What the README shows is run: Python blocks in order in one namespace; commands are looked up by name."""

import pkgutil
import re
import shlex
import shutil
import sysconfig
from pathlib import Path

import pytest

from code_blocks import read_blocks, run_blocks

README = Path(__file__).parents[1] / "README.md"
PYPROJECT = README.with_name("pyproject.toml")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def read_commands(text: str) -> list[list[str]]:
    """Words of each simple command in the console blocks."""
    lines = [line for _, block in read_blocks(text, "console") for line in block.splitlines() if line.strip()]
    return [shlex.split(command) for line in lines for command in line.split("&&")]


def is_known(program: str) -> bool:
    """Whether the environment of these tests, or this project, has the program; the shell's dot counts."""
    own = re.search(rf'^{re.escape(program)} = "([\w.]+:\w+)"$', PYPROJECT.read_text(), re.MULTILINE)
    if own is not None:
        return callable(pkgutil.resolve_name(own.group(1)))
    installed = Path(sysconfig.get_path("scripts")) / program
    return program == "." or installed.exists() or shutil.which(program) is not None


@pytest.fixture(scope="module")
def text() -> str:
    return README.read_text(encoding="utf-8")


def test_python_blocks_run_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run_blocks(README)
    assert capsys.readouterr().out


def test_console_blocks_name_commands_that_exist(text):
    commands = read_commands(text)
    assert commands
    assert [command for command in commands if not is_known(command[0])] == []


@pytest.mark.parametrize("marker", ["main command", "test command"])
def test_each_marked_command_is_one_line(text, marker):
    match = re.search(rf"^<!-- {marker} -->\n```console\n(.*)\n```$", text, re.MULTILINE)
    assert match is not None, f"the README lacks <!-- {marker} --> right before a console block of one line"


def test_links_lead_to_files(text):
    missing = [target for target in LINK.findall(text) if not (README.parent / target).exists()]
    assert missing == []


def test_unknown_commands_and_blocks_are_told_apart():
    text = "```console\npython -V && no-such-command --x 'a b'\n```\n\n```python\n1\n```\n"
    assert read_commands(text) == [["python", "-V"], ["no-such-command", "--x", "a b"]]
    assert [is_known(command[0]) for command in read_commands(text)] == [True, False]
    assert read_blocks(text, "python") == [(6, "1\n")]
