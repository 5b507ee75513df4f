"""A secret reaches the script and its target, and nothing that is kept: no store, no log, no argument of a process."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import psutil
import pytest

from portal.core.load import ClosedLoad, Load, OpenLoad
from portal.core.ports import EngineTools
from portal.core.protocol import DoneReason
from portal.core.script import ScriptSource
from runner_images.agent.secret_values import SecretMissing, secret_values
from tests.agent.lives import Lives
from tests.agent.rig import Rig
from tests.engines.conftest import CountingServer
from tests.fakes import wait_until

VALUE = "s3cr3t-Value-42"
SECRETS = {"API_KEY": "env:KNOPFDRUCK_SECRET_API_KEY"}
K6 = ScriptSource("k6", "main.js", """
import http from 'k6/http';
import { sleep } from 'k6';
export default function () {
  http.get(`${__ENV.TARGET_SHOP}/page?key=${__ENV.API_KEY}`);
  console.log(`the key is ${__ENV.API_KEY}`);
  sleep(0.1);
  throw new Error(`no luck with ${__ENV.API_KEY}`);
}
""")  # fmt: skip
ARTILLERY = ScriptSource("artillery", "main.yml", """
config: { target: "{{ $env.TARGET_SHOP }}", phases: [{ duration: 1, arrivalRate: 1 }] }
scenarios: [{ flow: [{ get: { url: "/page?key={{ $env.API_KEY }}" } }, { log: "the key is {{ $env.API_KEY }}" }] }]
""")  # fmt: skip


@pytest.mark.engines
@pytest.mark.parametrize(
    ("script", "load"),
    [(K6, ClosedLoad.constant(1, timedelta(seconds=2))), (ARTILLERY, OpenLoad.constant(Fraction(3), timedelta(seconds=2)))],
    ids=["k6", "artillery"],
)
def test_only_the_target_sees_it(
    tmp_path: Path, k6: EngineTools, artillery: EngineTools, target: CountingServer, script: ScriptSource, load: Load
) -> None:
    tools = k6 if script.engine == "k6" else artillery
    own = {"KNOPFDRUCK_SECRET_API_KEY": VALUE}
    lives = Lives(tmp_path, tools, script, load, target=target.url, environment=own, secrets=SECRETS)
    try:
        lives.launch()
        lives.start()
        wait_until(lambda: target.count > 2, "load")
        commands = " ".join(word for process in psutil.process_iter() for word in _command(process))
        lives.wait()
    finally:
        lives.close()
    assert target.paths[f"/page?key={VALUE}"] > 0
    assert VALUE not in commands
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert VALUE.encode() not in kept
    names = {value for key in lives.merged().recent().series for _, value in key.labels}
    assert not any(VALUE in name for name in names)
    assert script is ARTILLERY or any("key=[secret]" in name for name in names)
    assert VALUE not in str(lives.dones())


def test_a_worker_without_the_secret_says_which_and_starts_nothing(tmp_path: Path) -> None:
    rig = Rig(tmp_path, secrets=SECRETS)
    assert rig.live() == 0
    assert rig.done().reason is DoneReason.ENGINE_FAILED
    assert rig.done().message == ("The secret API_KEY cannot be read from env:KNOPFDRUCK_SECRET_API_KEY: it is not set.")
    assert rig.engines() == []


def test_what_is_set_is_read_and_what_is_missing_named() -> None:
    assert secret_values(SECRETS, {"KNOPFDRUCK_SECRET_API_KEY": VALUE}) == {"API_KEY": VALUE}
    with pytest.raises(SecretMissing, match="API_KEY"):
        secret_values(SECRETS, {})


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
