"""The workers' images are built and run as plain processes: every step, then the commands as a user without rights."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.core.ports import EngineTools
from portal.core.protocol import DoneReason
from tests.agent.test_life import ARTILLERY
from tests.engines.conftest import CountingServer
from tests.fakes import wait_until
from tests.images.replay import Stage, as_user, replay
from tests.runners.prepared import ARRIVALS, SHORT, Prepared, ended
from tests.runners.test_image_files import DOCKERFILE

pytestmark = [pytest.mark.long, pytest.mark.engines, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def images() -> Iterator[dict[str, Stage]]:
    """Below /tmp, where the images' user may look; without k6 2.x, which cannot be fetched everywhere."""
    folder = Path(tempfile.mkdtemp(prefix="knopfdruck-images-"))
    folder.chmod(0o755)
    try:
        yield replay(DOCKERFILE, folder, {"K6_MORE": ""})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="knopfdruck-life-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def begin(stage: Stage, command: list[str], lives: Prepared, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    """As a user who owns the store and the folder for work and nothing else, as the image's does.

    Artillery asks for its user's name. The image has made one for 10001, this machine has not.
    """
    nobody = pwd.getpwnam("nobody")
    for path in (lives.folder, *lives.folder.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    lives.folder.chmod(0o755)
    own = {"KNOPFDRUCK_WORK_DIR": str(lives.folder / "work"), "KNOPFDRUCK_HEARTBEAT_FILE": str(lives.folder / "beat")}
    user, environ = f"{nobody.pw_uid}:{nobody.pw_gid}", stage.environment | own | environ
    with lives.log().open("wb") as log:
        process = subprocess.Popen(
            as_user(user, command), cwd=stage.place, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    lives.processes.append(process)
    return process


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root may become another user.")
def test_the_artillery_image_runs_a_task_without_rights(
    images: dict[str, Stage], open_folder: Path, artillery: EngineTools, target: CountingServer
) -> None:
    stage = images["fargate-artillery"]
    lives = Prepared.of(open_folder, artillery, target, script=ARTILLERY, load=ARRIVALS)
    try:
        process = begin(stage, stage.command, lives, lives.assignment())
        lives.start()
        check = subprocess.run(stage.health, cwd=stage.place, check=False, capture_output=True, text=True,
                               env=stage.environment | {"KNOPFDRUCK_HEARTBEAT_FILE": str(lives.folder / "beat")})  # fmt: skip
        assert (check.returncode, check.stderr) == (0, "")
        assert ended(process) == 0, lives.logs()
    finally:
        lives.close()
    assert lives.done().reason is DoneReason.COMPLETED
    assert lives.requests() == target.count > 0


@pytest.mark.skipif(os.geteuid() != 0, reason="Only root may become another user.")
def test_the_waiting_image_runs_the_locked_k6(
    images: dict[str, Stage], open_folder: Path, k6: EngineTools, target: CountingServer
) -> None:
    stage = images["ec2"]
    assert [path.parent.name for path in stage.at("/app/k6").glob("*/k6")] == ["1.1.0"]
    lives = Prepared.of(open_folder, k6, target, load=SHORT)
    try:
        lives.call()
        process = begin(stage, stage.command, lives, lives.membership())
        lives.start()
        assert lives.done().reason is DoneReason.COMPLETED, lives.logs()
        wait_until(lambda: lives.said("agent_ended"), "its end")
        assert ended(process, signal.SIGTERM) == 0
    finally:
        lives.close()
    assert lives.requests() == target.count > 0


def test_the_lambda_image_finds_handler_and_runtime_client(images: dict[str, Stage]) -> None:
    stage = images["lambda-k6"]
    *_, module, handler = stage.command
    code = f"import {module}, {handler.rpartition('.')[0]} as found; print(found.{handler.rpartition('.')[2]}.__name__)"
    done = subprocess.run(
        ["python", "-c", code], cwd=stage.place, env=stage.environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "handle\n", done.stderr


def test_an_image_holds_no_portal_and_nothing_its_user_may_change(images: dict[str, Stage]) -> None:
    app = images["fargate-artillery"].at("/app")
    assert sorted(path.name for path in app.iterdir()) == [".venv", "k6", "node_modules", "portal", "runner_images"]
    assert not (app / "portal" / "models").exists()
    assert json.loads((app / "node_modules/artillery/package.json").read_text())["name"] == "artillery"
    others = 0o002
    assert [path for path in app.rglob("*") if not path.is_symlink() and path.stat().st_mode & others] == []
