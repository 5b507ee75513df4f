"""Third-party files are served as they were published: the NOTICE names every one with its digest."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[2] / "portal" / "static" / "portal" / "vendor"


def test_every_vendored_file_is_the_one_the_notice_names() -> None:
    notice = (VENDOR / "NOTICE").read_text()
    named = {name: digest for digest, name in re.findall(r"^([0-9a-f]{64})  (\S+)$", notice, re.MULTILINE)}
    files = {str(path.relative_to(VENDOR)): path for path in VENDOR.rglob("*") if path.is_file() and path.name != "NOTICE"}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == named


def test_every_vendored_library_brings_its_licence() -> None:
    assert all((folder / "LICENSE").is_file() for folder in VENDOR.iterdir() if folder.is_dir())
