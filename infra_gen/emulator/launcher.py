"""Runs inside `.venv-emulator`: plugs in what ministack lacks, then serves until SIGTERM, or until whoever started it is gone."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from ministack import app
from ministack.core import iam_actions, router
from ministack.services import ecs

from infra_gen.emulator import control
from infra_gen.emulator.gate import authorization, services, templates
from infra_gen.emulator.place import PLACE
from infra_gen.emulator.plug import plug
from infra_gen.emulator.plugins import (
    async_calls,
    functions,
    group_requests,
    groups,
    host_process,
    machines,
    policies,
    scalable_targets,
    streams,
    tasks,
)
from infra_gen.emulator.plugins.types import (
    definitions,
    gateway,
    identity,
    nested,
    network,
    numbers,
    reserved,
    scaling,
    secrets,
    stubs,
    unchanged,
)

APPLICATION_SCALING = "application-autoscaling"


def install() -> None:
    """All of it, once. The order does not matter but for the strict layer, which stands in front of all."""
    for plugin in (
        tasks,
        machines,
        groups,
        group_requests,
        policies,
        functions,
        async_calls,
        streams,
        network,
        gateway,
        scaling,
        stubs,
        identity,
        reserved,
        nested,
        definitions,
        numbers,
        secrets,
        unchanged,
    ):
        plugin.install()
    router.SERVICE_PATTERNS[APPLICATION_SCALING] = {"target_prefixes": ["AnyScaleFrontendService"], "host_patterns": []}
    iam_actions.SERVICE_TO_IAM_NAMESPACE[APPLICATION_SCALING] = APPLICATION_SCALING
    app.SERVICE_HANDLERS[APPLICATION_SCALING] = scalable_targets.handle_request
    plug(ecs, "reset", _forgetting_ours_too)
    authorization.install()
    if PLACE.strict:
        services.install()
        templates.install()
    app.app = control.around(app.app)


def _forgetting_ours_too(reset: Callable[[], None]) -> Callable[[], None]:
    def forgotten() -> None:
        for store in (scalable_targets.TARGETS, scalable_targets.POLICIES, stubs.MADE, unchanged.KNOWN):
            store.clear()
        reset()

    return forgotten


def main() -> None:
    _be_nobodys_parent()
    threading.Thread(target=_end_with_the_starter, daemon=True).start()
    install()
    sys.argv = sys.argv[:1]
    try:
        app.main()
    finally:
        host_process.end_all()
        shutil.rmtree(Path(os.environ["TMPDIR"]), ignore_errors=True)


def _be_nobodys_parent() -> None:
    """Lambda functions get this process's environment, so what would hide a missing package or setting goes from it."""
    os.environ.pop("PYTHONPATH", None)
    PLACE.folder.mkdir(parents=True, exist_ok=True)


def _end_with_the_starter() -> None:
    """Standard input is a pipe nobody writes to: its end is the starter's end, also by kill -9."""
    while os.read(sys.stdin.fileno(), 1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
