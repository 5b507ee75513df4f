"""The health check of a container's definition, really run beside its process, with the same environment."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping
from typing import Any

from infra_gen.emulator.plugins import images, mounts
from infra_gen.emulator.plugins.containers import HostContainer
from infra_gen.emulator.plugins.host_process import child_environment

DEFAULTS = {"interval": 30, "timeout": 5, "retries": 3, "startPeriod": 0}


def watch(task: dict[str, Any], container: HostContainer, index: int) -> None:
    """HEALTHY on the first success; UNHEALTHY after `retries` failures that do not fall into the start period."""
    check = mounts.definition_of(container.labels).container.get("healthCheck")
    if check:
        settings = {name: float(check.get(name) or default) for name, default in DEFAULTS.items()}
        threading.Thread(target=_watch, args=(task, container, index, _argv(check["command"]), settings), daemon=True).start()


def _watch(task: dict[str, Any], container: HostContainer, index: int, argv: list[str], settings: Mapping[str, float]) -> None:
    started, failures = time.monotonic(), 0
    while container.status == "running":
        if _succeeds(argv, container, settings["timeout"]):
            failures = 0
            _say(task, index, "HEALTHY")
        elif time.monotonic() - started > settings["startPeriod"]:
            failures += 1
            if failures >= settings["retries"]:
                _say(task, index, "UNHEALTHY")
        time.sleep(settings["interval"])


def _succeeds(argv: list[str], container: HostContainer, timeout: float) -> bool:
    try:
        done = subprocess.run(
            argv,
            cwd=container.folder,
            env=child_environment(container.env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return False
    return done.returncode == 0


def _argv(command: list[str]) -> list[str]:
    kind, *words = command
    return ["/bin/sh", "-c", *words] if kind == "CMD-SHELL" else list(images.as_command(words))


def _say(task: dict[str, Any], index: int, status: str) -> None:
    task["containers"][index]["healthStatus"] = status
    states = {each.get("healthStatus", "UNKNOWN") for each in task["containers"]}
    task["healthStatus"] = "UNHEALTHY" if "UNHEALTHY" in states else "HEALTHY" if states == {"HEALTHY"} else "UNKNOWN"
