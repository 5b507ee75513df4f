"""A bundle is nothing but names and contents, and what is unpacked stays in its folder."""

from __future__ import annotations

import io
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.errors import WireInvalid
from portal.stores.bundle import pack, unpack

NAME = st.text(st.characters(codec="utf-8", exclude_characters="/\\\0"), min_size=1, max_size=60).filter(lambda n: n.strip(". "))
FILES = st.dictionaries(st.lists(NAME, min_size=1, max_size=3).map("/".join), st.binary(max_size=2000), max_size=6)


def flat(files: dict[str, bytes]) -> bool:
    """No name is a folder of another one, which no file system could hold."""
    return not any(other.startswith(name + "/") for name in files for other in files)


@settings(max_examples=60, deadline=None)
@given(files=FILES.filter(flat))
def test_what_was_packed_comes_back_and_lies_in_the_folder(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "new" / "one"
        assert unpack(pack(files), folder) == files
        assert {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()} == files


@settings(max_examples=40, deadline=None)
@given(files=FILES)
def test_equal_files_are_equal_bytes_in_any_order(files: dict[str, bytes]) -> None:
    assert pack(files) == pack(dict(reversed(files.items())))


def test_long_and_foreign_names_survive(tmp_path: Path) -> None:
    files = {"deep/" * 40 + "ünïcödé.js": b"1", "n" * 200: b"2"}
    assert unpack(pack(files), tmp_path / "b") == files


def test_an_existing_folder_is_not_mixed_into(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        unpack(pack({"a": b"1"}), tmp_path)


def tar_of(name: str, kind: bytes, link: str = "") -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, link
        tar.addfile(tarfile.TarInfo("harmless"))
        tar.addfile(entry)
    return whole.getvalue()


@pytest.mark.parametrize(
    ("name", "kind", "link"),
    [
        ("../out", tarfile.REGTYPE, ""), ("a/../../out", tarfile.REGTYPE, ""), ("/tmp/out", tarfile.REGTYPE, ""),
        ("link", tarfile.SYMTYPE, "harmless"), ("link", tarfile.SYMTYPE, "/etc/passwd"), ("link", tarfile.LNKTYPE, "harmless"),
        ("link", tarfile.LNKTYPE, "../out"), ("device", tarfile.CHRTYPE, ""), ("pipe", tarfile.FIFOTYPE, ""),
        ("folder", tarfile.DIRTYPE, ""), (".", tarfile.REGTYPE, ""),
    ],
)  # fmt: skip
def test_links_devices_and_names_that_leave_the_folder_are_refused_and_nothing_is_written(
    tmp_path: Path, name: str, kind: bytes, link: str
) -> None:
    with pytest.raises(WireInvalid, match="no plain file"):
        unpack(tar_of(name, kind, link), tmp_path / "b")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [b"", b"not a tar", pack({"a": b"x" * 5000})[:2000]])
def test_what_is_no_bundle_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(WireInvalid):
        unpack(data, tmp_path / "b")
    assert list(tmp_path.iterdir()) == []
