"""Addresses of run stores."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from portal.stores import open_store
from portal.stores.filesystem import FilesystemStore
from portal.stores.memory import MemoryStore
from portal.stores.s3 import S3Store


def test_a_file_url_is_a_folder(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/with%20space")
    assert isinstance(store, FilesystemStore)
    store.put("a", b"x")
    assert (tmp_path / "with space" / "a").read_bytes() == b"x"


def test_opening_makes_no_folder(tmp_path: Path) -> None:
    assert open_store(f"file://{tmp_path}/new").list("") == ()
    assert not (tmp_path / "new").exists()


def test_memory_is_new_each_time() -> None:
    first, second = open_store("memory:"), open_store("memory:")
    assert isinstance(first, MemoryStore)
    first.put("a", b"x")
    assert second.get("a") is None


def test_an_s3_url_carries_endpoint_and_region() -> None:
    url = "s3://bucket/some/prefix?region=eu-west-1&endpoint_url=http://127.0.0.1:4566"
    assert isinstance(open_store(url), S3Store)


@pytest.mark.parametrize(
    "url",
    [
        "", "memory", "memory:x", "file:relative", "file://host/path", "file://", "file:///a?b=c", "/var/x", "ftp://a/b",
        "s3:///prefix", "s3://key:secret@bucket/p", "s3://bucket/p?colour=red", "s3://bucket/p?region",
        "s3://bucket/a/../b?region=eu-west-1", "s3://bucket/p?region=eu-west-1&endpoint_url=127.0.0.1:4566",
    ],
)  # fmt: skip
def test_other_addresses_are_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(ValueError, match=r"\.\s?$|\.\)?\.?$"):
        open_store(url)


def test_a_store_in_a_folder_does_without_boto3() -> None:
    code = (
        "import sys; from portal.stores import open_store; from portal.stores.run_store import RunStore;"
        "open_store('file:///x'); open_store('memory:'); sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
