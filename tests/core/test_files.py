import os
from pathlib import Path

import pytest

from isotropy.core._files import write_atomic
from isotropy.errors import DataError


@pytest.mark.parametrize("content", ["naïve ξ\r\nline\n", b"\x00\xff"])
def test_content_is_written_exactly(tmp_path, content):
    path = write_atomic(tmp_path / "answer.json", content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert [entry.name for entry in tmp_path.iterdir()] == ["answer.json"]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError, SystemExit])
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_an_interruption_keeps_the_old_file_and_leaves_nothing(tmp_path, monkeypatch, interruption, step):
    path = tmp_path / "answer.json"
    path.write_text("old")

    def interrupt(*_):
        raise interruption

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), interrupt)
    with pytest.raises(interruption):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["answer.json"]


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    assert write_atomic(tmp_path / "new", "x").stat().st_mode == plain.stat().st_mode


def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write_atomic(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_missing_folder_and_a_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match="create it first"):
        write_atomic(tmp_path / "missing" / "answer.json", "x")
    with pytest.raises(DataError, match="add a file name"):
        write_atomic(tmp_path, "x")
