"""An EC2 instance from its user data on: the values it writes, the unit it starts, an engine that runs as a user of its own."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from portal.core.ports import EngineTools
from portal.core.protocol import DoneReason
from tests.agent.lives import ROOT
from tests.agent.test_life import ARTILLERY
from tests.engines.conftest import CountingServer
from tests.fakes import wait_until
from tests.runners.conftest import Prepare
from tests.runners.platforms import platform
from tests.runners.prepared import ARRIVALS, GROUP, LONG, Prepared, ended

EC2 = ROOT / "runner_images" / "ec2"
UNIT, USER_DATA = EC2 / "knopfdruck-worker.service", EC2 / "user_data.sh"
RIGHTS = "+setuid,+setgid,+kill"
can_change_user = os.geteuid() == 0 and shutil.which("setpriv") is not None
is_root = pytest.mark.skipif(not can_change_user, reason="Only root may run an engine as another user.")


def as_the_unit_does() -> tuple[str, ...]:
    """With three rights and in the engine's group."""
    group = pwd.getpwnam("nobody").pw_gid
    return ("setpriv", f"--bounding-set=-all,{RIGHTS}", "--inh-caps=-all", f"--groups={group}")


def boot(root: Path, **words: str) -> dict[str, str]:
    """Runs the user data as an instance would, below a folder; gives what the unit's process will read."""
    script = USER_DATA.read_text()
    for word, value in words.items():
        script = script.replace(f"${{{word}}}", value)
    script = script.replace("${AWS::Region}", "eu-central-1")
    assert "${" not in script
    assert len(script.encode()) < 16_384
    shims = root / "shims"
    shims.mkdir()
    (shims / "systemctl").write_text(f'#!/bin/sh\necho "$@" >> {root}/systemctl\n')
    (shims / "systemctl").chmod(0o755)
    environ = {"PATH": f"{shims}:{os.environ['PATH']}", "KNOPFDRUCK_ROOT": str(root)}
    subprocess.run(["/bin/sh", "-c", script], env=environ, check=True)
    lines = (root / "etc/knopfdruck/worker.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.mark.engines
def test_from_its_first_boot_to_a_call_that_is_done(prepare: Prepare, target: CountingServer, tmp_path: Path) -> None:
    lives = prepare()
    root = tmp_path / "instance"
    root.mkdir()
    words = {
        "KnopfdruckStore": lives.url,
        "KnopfdruckGroup": GROUP,
        "KnopfdruckEnvironment": "dev",
        "KnopfdruckIdleMinutes": "0.02",
    }
    environ = boot(root, **words)
    assert (root / "systemctl").read_text() == "start knopfdruck-worker.service\n"
    module = re.search(r"^ExecStart=\S+ -m (\S+)$", UNIT.read_text(), re.MULTILINE)
    assert module
    with platform() as its:
        own = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": its.url, "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
               "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}  # fmt: skip
        lives.call()
        process = lives.begin(module[1], environ | own)
        lives.start()
        assert lives.done().reason is DoneReason.COMPLETED
        assert target.count > 0
        # The group cannot be asked here, so it leaves without: the unit then powers the machine off.
        assert ended(process) == 0
    assert "Nothing to do for 0.02 minutes" in lives.log().read_text()


def test_the_unit_is_sound_and_gives_the_worker_three_rights_only() -> None:
    text = UNIT.read_text()
    assert re.findall(r"^(?:Ambient|)Capabilit\w+=(.*)$", text, re.MULTILINE) == ["CAP_SETUID CAP_SETGID CAP_KILL"] * 2
    for line in (
        "User=knopfdruck",
        "NoNewPrivileges=yes",
        "LimitNOFILE=1048576",
        "ProtectSystem=strict",
        "SuccessAction=poweroff",
    ):
        assert f"\n{line}\n" in text
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here.")
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=50", "--no-pager", UNIT],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout[-300:]


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder of the agent's that the engine's group may use; pytest's own are for their owner only."""
    folder = Path(tempfile.mkdtemp(prefix="knopfdruck-shared-"))
    os.chown(folder, -1, pwd.getpwnam("nobody").pw_gid)
    folder.chmod(0o2770)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@is_root
@pytest.mark.engines
def test_the_engine_runs_as_a_user_of_its_own_without_any_right(prepare: Prepare, shared: Path, target: CountingServer) -> None:
    lives = prepare(load=LONG)
    own = {"KNOPFDRUCK_ENGINE_USER": "nobody", "KNOPFDRUCK_WORK_DIR": str(shared)}
    before = as_the_unit_does()
    process = lives.begin("runner_images.agent", lives.assignment() | own, before=before)
    lives.start()
    wait_until(lambda: target.count > 20, "load")
    (engine,) = psutil.Process(process.pid).children(recursive=True)
    assert engine.uids().real == pwd.getpwnam("nobody").pw_uid
    status = Path(f"/proc/{engine.pid}/status").read_text()
    assert re.findall(r"^Cap(?:Prm|Eff|Amb):\s+(\w+)$", status, re.MULTILINE) == ["0" * 16] * 3
    assert "NoNewPrivs:\t1" in status
    lives.processes[0].kill()
    wait_until(lambda: not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE, "its end with the agent")


@is_root
@pytest.mark.long
@pytest.mark.engines
def test_artillery_as_a_user_of_its_own_is_measured_all_the_same(
    shared: Path, tmp_path: Path, artillery: EngineTools, target: CountingServer
) -> None:
    lives = Prepared.of(tmp_path, artillery, target, script=ARTILLERY, load=ARRIVALS)
    own = {"KNOPFDRUCK_ENGINE_USER": "nobody", "KNOPFDRUCK_WORK_DIR": str(shared), "NODE_BIN": artillery.node,
           "ARTILLERY_BIN": artillery.artillery}  # fmt: skip
    before = as_the_unit_does()
    try:
        process = lives.begin("runner_images.agent", lives.assignment() | own, before=before)
        lives.start()
        assert ended(process) == 0
    finally:
        lives.close()
    assert lives.done().reason is DoneReason.COMPLETED, lives.done()
    assert lives.requests() == target.count > 0


def test_an_engine_user_that_is_not_there_is_said(prepare: Prepare) -> None:
    lives = prepare()
    process = lives.begin("runner_images.agent", lives.assignment() | {"KNOPFDRUCK_ENGINE_USER": "nobody-at-all"})
    assert ended(process) == 2
    assert "There is no user nobody-at-all to run the engine as." in lives.logs()
