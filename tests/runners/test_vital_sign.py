"""The heartbeat of a container: a file, a command and a port that all say the same."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

from runner_images.health_port import health_port
from runner_images.vital_sign import FRESH_SECONDS, VitalSign, is_alive


def status(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_it_beats_while_the_worker_lives_and_the_port_says_so(tmp_path: Path) -> None:
    path = tmp_path / "new" / "beat"
    with health_port("0", path, "127.0.0.1") as port:
        assert status(port) == 503
        with VitalSign(path):
            assert is_alive(path)
            assert status(port) == 200
        assert not path.exists()


def test_an_old_heartbeat_is_none(tmp_path: Path) -> None:
    path = tmp_path / "beat"
    path.touch()
    old = path.stat().st_mtime - FRESH_SECONDS - 1
    os.utime(path, (old, old))
    assert not is_alive(path)


def test_without_a_port_there_is_none(tmp_path: Path) -> None:
    with health_port("", tmp_path) as port:
        assert port == 0
