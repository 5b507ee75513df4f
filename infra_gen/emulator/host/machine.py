"""An instance's first process: runs the user data once, then keeps the services that `systemctl` asked for, until SIGTERM.

Everything is a file below the instance's folder: `units/<name>.wanted` is written by `systemctl`, `units/<name>.json` here.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from infra_gen.emulator.host.units import LOG_AGENT, LOG_FOLDER, Unit, read_unit

TICK_SECONDS = 0.1
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass
class Service:
    """A unit and its process of the moment."""

    unit: Unit
    process: subprocess.Popen[bytes] | None = None
    again_at: float = 0.0
    starts: int = 0

    def is_active(self) -> bool:
        return self.process is not None and self.process.poll() is None


@dataclass
class Machine:
    """`root` is the instance's folder, which stands for `/`."""

    root: Path
    services: dict[str, Service] = field(default_factory=dict)
    ending: bool = False
    is_off: bool = False
    """It was asked to power off; its end comes from outside."""

    def live(self) -> None:
        signal.signal(signal.SIGTERM, self._end)
        with (self.root / "console.log").open("ab") as console:
            user_data = self._start(["/bin/bash", str(self.root / "user-data")], dict(os.environ), console.fileno())
            while not self.ending:
                user_data.poll()
                self._look()
                time.sleep(TICK_SECONDS)
        self._stop_all(user_data)

    def _end(self, *_: object) -> None:
        self.ending = True

    def _look(self) -> None:
        units = self.root / "units"
        if LOG_AGENT not in self.services and (self.root / LOG_FOLDER).exists():
            (units / f"{LOG_AGENT}.wanted").touch()
        for wanted in sorted(units.glob("*.wanted")):
            if wanted.stem not in self.services:
                self.services[wanted.stem] = Service(read_unit(wanted.stem, self.root))
        for name, service in self.services.items():
            if not (units / f"{name}.wanted").exists():
                self._stop(service)
                service.process = None
            elif not service.is_active() and service.again_at <= time.monotonic():
                self._keep(service)
            self._tell(name, service)

    def _keep(self, service: Service) -> None:
        """Starts what was never started, and again what its unit says is started again."""
        if service.process is not None and not service.unit.starts_again_after(service.process.returncode):
            if service.unit.ends_the_machine and service.process.returncode == 0 and not self.is_off:
                self.is_off = True
                subprocess.run(["poweroff"], stdin=subprocess.DEVNULL, check=False)
            return
        environment = {**os.environ, **service.unit.environment(self.root)}
        output = service.unit.log(self.root)
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("ab") as log:
            service.process = self._start(list(service.unit.command), environment, log.fileno())
        service.starts += 1
        service.again_at = time.monotonic() + service.unit.restart_seconds

    def _tell(self, name: str, service: Service) -> None:
        document = {"active": service.is_active(), "pid": service.process.pid if service.process else 0, "starts": service.starts}
        state = self.root / "units" / f"{name}.json"
        if not state.exists() or json.loads(state.read_text()) != document:
            new = state.with_suffix(".new")
            new.write_text(json.dumps(document))
            new.replace(state)

    def _stop(self, service: Service) -> None:
        if service.process is not None and service.is_active():
            service.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                service.process.wait(service.unit.stop_seconds)
            service.process.kill()

    def _stop_all(self, user_data: subprocess.Popen[bytes]) -> None:
        """All at once, but for what ships their last lines."""
        for name, service in self.services.items():
            if service.process is not None and service.is_active() and name != LOG_AGENT:
                service.process.terminate()
        for service in self.services.values():
            self._stop(service)
        user_data.kill()

    def _start(self, argv: list[str], environment: dict[str, str], output: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            argv,
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_the_machine,
        )


def _die_with_the_machine() -> None:
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    Machine(Path(sys.argv[1])).live()
