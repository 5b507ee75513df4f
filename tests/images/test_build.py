"""The portal's image is built and run as plain processes: every step, the health check, and the command as the image's user."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.workers import free_port
from tests.fakes import wait_until
from tests.images.replay import ROOT, Stage, as_user, replay

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def image() -> Iterator[Stage]:
    """Below /tmp, where the image's user may look; pytest's own folders are for their owner only."""
    folder = Path(tempfile.mkdtemp(prefix="knopfdruck-image-"))
    folder.chmod(0o755)
    try:
        stages = replay(ROOT / "Dockerfile", folder)
        yield stages["portal"]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def data(image: Stage) -> Path:
    """What `install --directory` and the volume make."""
    folder = image.at("/data")
    folder.mkdir()
    if os.getuid() == 0:
        os.chown(folder, *map(int, image.user.split(":")))
    return folder


@pytest.fixture(scope="module")
def port(image: Stage, data: Path) -> Iterator[int]:
    number = free_port()
    environment = {**image.environment, "KNOPFDRUCK_BIND": f"127.0.0.1:{number}", "HOME": str(data)}
    with (data.parent / "portal.log").open("wb") as log:
        process = subprocess.Popen(as_user(image.user, image.command), cwd=image.place, env=environment, stdout=log, stderr=log)
        try:
            wait_until(lambda: process.poll() is not None or health(image, number) == 0, "a healthy portal")
            assert process.poll() is None, (data.parent / "portal.log").read_text()
            yield number
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0, (data.parent / "portal.log").read_text()


def health(image: Stage, number: int) -> int:
    """The HEALTHCHECK itself, at the port of this test."""
    words = [word.replace(":8000/", f":{number}/") for word in image.health]
    return subprocess.run(words, cwd=image.place, env=image.environment, capture_output=True, check=False).returncode


def test_every_step_of_ours_was_carried_out(image: Stage) -> None:
    assert any("collectstatic" in text for text in image.done)
    assert any("compileall" in text for text in image.done)
    assert not image.at("/app/build").exists(), "the build's secret key must not be in the image"
    assert (image.at("/app/static/portal/portal.css")).is_file()
    assert list(image.at("/app/portal").rglob("*.pyc"))


def test_both_engines_are_in_it(image: Stage) -> None:
    program = "from portal.tools import find_tools; tools = find_tools(); print(tools.k6, tools.node, tools.artillery, sep='\\n')"
    done = subprocess.run(
        ["python", "-c", program], cwd=image.place, env=image.environment, text=True, capture_output=True, check=True
    )
    found = done.stdout.split()
    assert len(found) == 3
    assert all(path.startswith(str(image.root)) for path in found), found
    version = subprocess.run([found[1], "--version"], text=True, capture_output=True, check=True).stdout
    assert version.startswith("v22.")


def test_web_queue_and_ticker_work_under_the_images_user(image: Stage, port: int) -> None:
    def is_ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                return int(answer.status) == 200
        except urllib.error.HTTPError as error:
            error.close()
            return False

    wait_until(is_ready, "queue and ticker")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/static/portal/portal.css", timeout=5) as answer:
        assert answer.status == 200


def test_it_writes_into_its_volume_and_nowhere_else(image: Stage, port: int, data: Path) -> None:
    assert (data / "portal.sqlite3").exists()
    began = time.time() - 3600
    uid = int(image.user.split(":")[0]) if os.getuid() == 0 else os.getuid()
    written = [
        path
        for path in image.at("/app").rglob("*")
        if path.is_file() and path.lstat().st_uid == uid and path.stat().st_mtime > began
    ]
    assert os.getuid() != 0 or written == []
    probe = "open('/app/x'.replace('/app', '.'), 'w')"
    if os.getuid() == 0:
        refused = subprocess.run(
            as_user(image.user, ["python", "-c", probe]), cwd=image.place, env=image.environment, capture_output=True, check=False
        )
        assert b"Permission denied" in refused.stderr


def test_parts_can_run_apart(image: Stage, data: Path) -> None:
    done = subprocess.run(
        ["python", "manage.py", "portal", "--help"],
        cwd=image.place,
        env=image.environment,
        text=True,
        capture_output=True,
        check=True,
    )
    assert "--only {web,queue,ticker}" in done.stdout
