"""ECS tasks as processes of the host: they drain when told to stop, tell their real exit codes, may protect themselves."""

from __future__ import annotations

import threading
import time
from typing import Any

from ministack.core.concurrency import resource_lock
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import ecs

from infra_gen.emulator.plug import plug
from infra_gen.emulator.plugins import health, protection
from infra_gen.emulator.plugins.containers import HostContainer, HostDocker

STOPPED_BY_CALLER = ("UserInitiated", "ServiceSchedulerInitiated")
SCALED_IN = "Service scaling down"
FAILURES_COUNT_SECONDS, LONGEST_PAUSE = 900.0, 60.0
_failures: dict[str, list[float]] = {}


def install() -> None:
    plug(ecs, "_docker", lambda _: HostDocker)
    plug(ecs, "_mark_task_stopped", _draining)
    plug(ecs, "_stop_task", _sparing_protected)
    plug(ecs, "_attach_started_container", _with_health)
    plug(ecs, "_record_service_task_failure", _throttled)
    protection.install()


def _draining(mark_stopped: Any) -> Any:
    """A task that is told to stop stays STOPPING until its processes have ended, and then tells their exit codes."""

    def mark(task_arn: str, task: dict[str, Any], reason: str, stop_code: str, exit_code: int | None = None) -> bool:
        containers = _live(task) if stop_code in STOPPED_BY_CALLER else []
        if not containers:
            return bool(mark_stopped(task_arn, task, reason, stop_code, exit_code))
        with resource_lock("ecs-task", task_arn):
            if not ecs._task_is_active(task_arn, task):
                return False
            task.update(desiredStatus="STOPPED", lastStatus="STOPPING", stoppedReason=reason, stopCode=stop_code)
            task["stoppingAt"] = ecs._iso()
            ecs._bump_task_version(task)
        scope = get_account_id(), get_region()
        threading.Thread(target=finish, args=(scope, task_arn, task, reason, stop_code, containers), daemon=True).start()
        return True

    def finish(scope: tuple[str, str], task_arn: str, task: dict[str, Any], reason: str, code: str, containers: Any) -> None:
        asked = time.monotonic()
        for container in containers:
            container.process.ask_to_stop()
        with request_scope(*scope):
            for index, container in enumerate(containers):
                left = container.stop_timeout - (time.monotonic() - asked)
                task["containers"][index]["exitCode"] = container.process.stop(max(0.0, left))
            with resource_lock("ecs-task", task_arn):
                task["desiredStatus"] = "RUNNING"  # or `mark_stopped` would take it for one that is stopped already
            mark_stopped(task_arn, task, reason, code)

    return mark


def _live(task: dict[str, Any]) -> list[HostContainer]:
    known = [HostDocker.known.get(each) for each in task.get("_docker_ids") or []]
    containers = [container for container in known if container is not None]
    return containers if any(container.status == "running" for container in containers) else []


def _sparing_protected(stop_task: Any) -> Any:
    """A service that scales in takes a task that is not protected; when all are, none stops, and it stays above its count."""

    def stop(request: dict[str, Any]) -> Any:
        task = ecs._tasks.get(request.get("task", ""))
        if request.get("reason") == SCALED_IN and task is not None and protection.holds(task):
            other = _unprotected_beside(task)
            if other is None:
                return ecs.json_response({"task": ecs._sanitize(task)})
            request = {**request, "task": other["taskArn"]}
        return stop_task(request)

    return stop


def _unprotected_beside(task: dict[str, Any]) -> dict[str, Any] | None:
    others = [each for each in ecs._tasks.values() if each["group"] == task["group"] and each["clusterArn"] == task["clusterArn"]]
    free = [each for each in others if each["lastStatus"] in ecs._PRE_STOP_STATUSES and not protection.holds(each)]
    return max(free, key=lambda each: str(each["createdAt"]), default=None)


def _throttled(record_failure: Any) -> Any:
    """A service whose tasks keep failing starts the next ones ever later, as on AWS, and not ten times a second."""

    def recorded(task: dict[str, Any], digest_resolution_failed: bool = False) -> None:
        service = f"{task.get('clusterArn')} {task.get('group')}"
        now = time.monotonic()
        times = [at for at in _failures.get(service, []) if at > now - FAILURES_COUNT_SECONDS]
        _failures[service] = [*times, now]
        scope = get_account_id(), get_region()

        def later() -> None:
            with request_scope(*scope):
                record_failure(task, digest_resolution_failed)

        timer = threading.Timer(min(LONGEST_PAUSE, 2.0 ** len(times) - 1), later)
        timer.daemon = True
        timer.start()

    return recorded


def _with_health(attach: Any) -> Any:
    def attached(task: dict[str, Any], container: HostContainer, index: int, token: str, network: Any) -> bool:
        started = bool(attach(task, container, index, token, network))
        if started:
            health.watch(task, container, index)
        return started

    return attached
