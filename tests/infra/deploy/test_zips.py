"""The same content gives the same bytes, wherever and whenever it is packed."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from infra_gen.packaging.zips import below, write_zip


def folder(root: Path, *, age: int, mode: int) -> Path:
    for name, text in {"b/two.py": "2", "a.py": "1", "a.pyc": "noise"}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        os.utime(path, (age, age))
    return root


def test_time_rights_and_place_of_files_do_not_matter(tmp_path: Path) -> None:
    one, two = folder(tmp_path / "one", age=1_000_000_000, mode=0o600), folder(tmp_path / "two", age=1_700_000_000, mode=0o777)
    write_zip(tmp_path / "one.zip", below(one))
    write_zip(tmp_path / "two.zip", dict(reversed(below(two).items())))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_another_content_is_another_zip(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", age=1_000_000_000, mode=0o600)
    write_zip(tmp_path / "one.zip", below(one))
    (one / "a.py").write_text("11")
    write_zip(tmp_path / "two.zip", below(one))
    assert (tmp_path / "one.zip").read_bytes() != (tmp_path / "two.zip").read_bytes()


def test_only_programs_may_be_executed(tmp_path: Path) -> None:
    files = below(folder(tmp_path / "one", age=1_000_000_000, mode=0o777), prefix="bin/", without=("*.pyc",))
    write_zip(tmp_path / "one.zip", files, programs=("bin/a.py",))
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert {entry.filename: oct(entry.external_attr >> 16 & 0o777) for entry in archive.infolist()} == {
            "bin/a.py": "0o755", "bin/b/two.py": "0o644",
        }  # fmt: skip


def test_a_zip_that_cannot_be_finished_leaves_no_zip(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_zip(tmp_path / "one.zip", {"a": tmp_path / "missing"})
    assert not (tmp_path / "one.zip").exists()
