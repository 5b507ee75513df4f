"""The emulator as a child process of whoever wants AWS for a while: a test, a command, `make aws-local`."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from infra_gen.emulator.leftovers import end_all_of

CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = CHECKOUT / ".venv-emulator" / "bin" / "python"
START_SECONDS, END_SECONDS = 30.0, 15.0
HOW_TO_GET_IT = "make .venv-emulator/stamp"


class EmulatorFailed(Exception):
    """It is not installed, did not start, or refused what it was asked; the message says which and what to do."""


class Emulator:
    """`with Emulator(folder) as aws:` starts it on a free port of 127.0.0.1, and ends it with everything that runs in it."""

    def __init__(
        self,
        dir: Path | str,
        port: int = 0,
        *,
        auth: bool = False,
        strict: bool = True,
        fargate_vcpus: int = 100,
        ec2_vcpus: int = 256,
    ) -> None:
        self.dir = Path(dir).resolve()
        self.port = port or _free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.auth, self.strict = auth, strict
        self.fargate_vcpus, self.ec2_vcpus = fargate_vcpus, ec2_vcpus
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def log(self) -> Path:
        return self.dir / "emulator.log"

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Returns when it answers."""
        if not PYTHON.exists():
            raise EmulatorFailed(f"The emulator is not installed; run {HOW_TO_GET_IT}.")
        temporary = self.dir / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(PYTHON), "-m", "infra_gen.emulator.launcher"],
                cwd=self.dir,
                env=self._environment(temporary),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_until_it_answers()

    def stop(self) -> None:
        """Asks, then kills; all its children end with it, also when it was killed by somebody. What it wrote stays in `dir`, but
        for its temporary files."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        end_all_of(self.dir)
        shutil.rmtree(self.dir / "tmp", ignore_errors=True)
        self._process = None

    def wait(self) -> int:
        """Until it ends by itself."""
        return self._process.wait() if self._process else 0

    def instances(self) -> list[dict[str, Any]]:
        """What runs now: instance, zone, lifecycle, the address of its metadata, its folder."""
        return list(self._ask("GET", "instances")["instances"])

    def spot_notice(self, instance: str, seconds: float = 120.0) -> dict[str, Any]:
        """Says in the metadata that the instance goes in `seconds`, and takes it then."""
        return self._ask("POST", "spot-notice", {"instance": instance, "seconds": seconds})

    def rebalance(self, instance: str) -> dict[str, Any]:
        return self._ask("POST", "rebalance", {"instance": instance})

    def kill(self, instance: str) -> dict[str, Any]:
        """Power failure: everything on the instance is gone at once."""
        return self._ask("POST", "kill", {"instance": instance})

    def reset(self) -> None:
        """Forgets everything, as if it were started anew."""
        request = urllib.request.Request(f"{self.endpoint}/_ministack/reset", method="POST")
        urllib.request.urlopen(request, timeout=60).close()

    def _ask(self, method: str, door: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        data = json.dumps(document).encode() if document is not None else None
        request = urllib.request.Request(f"{self.endpoint}/_knopfdruck/{door}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as refused:
            with refused:
                raise EmulatorFailed(json.load(refused).get("error", str(refused))) from None

    def _environment(self, temporary: Path) -> dict[str, str]:
        """Nothing of the caller's but what every program needs: no credentials, no settings of the portal."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
        return kept | {
            "PYTHONPATH": str(CHECKOUT),
            "KNOPFDRUCK_EMULATOR_DIR": str(self.dir),
            "KNOPFDRUCK_EMULATOR_STRICT": "1" if self.strict else "0",
            "KNOPFDRUCK_EMULATOR_SCHEMAS": _schemas(),
            "KNOPFDRUCK_EMULATOR_FARGATE_VCPUS": str(self.fargate_vcpus),
            "KNOPFDRUCK_EMULATOR_EC2_VCPUS": str(self.ec2_vcpus),
            "AUTH": "true" if self.auth else "false",
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "LAMBDA_ACCOUNT_CONCURRENCY": "1000",
            "TMPDIR": str(temporary),
        }

    def _wait_until_it_answers(self) -> None:
        process = self._process
        ends = time.monotonic() + START_SECONDS
        while process is not None and process.poll() is None and time.monotonic() < ends:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=1):
                return
            time.sleep(0.05)
        self.stop()
        raise EmulatorFailed(f"The emulator did not start; its log ends with: {self.log.read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _schemas() -> str:
    """What AWS publishes about its resource types, as cfn-lint carries it; empty without cfn-lint, which only developers have."""
    found = importlib.util.find_spec("cfnlint")
    return str(Path(found.origin).parent / "data" / "schemas") if found is not None and found.origin else ""


def is_installed() -> bool:
    return PYTHON.exists() and sys.platform == "linux"
