"""What ministack's ECS takes for Docker: each container is a process, with the volumes and credentials of its task."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

from infra_gen.emulator.place import PLACE
from infra_gen.emulator.plugins import images, mounts
from infra_gen.emulator.plugins.host_process import HostProcess

DEFAULT_STOP_TIMEOUT = 30


class NoSuchContainer(Exception):
    """Named by an id that never was, or is removed."""


class HostContainer:
    """The part of the Docker SDK's container that ministack uses; `stop` asks at once and never blocks."""

    def __init__(self, image: str, options: dict[str, Any]) -> None:
        self.id = uuid.uuid4().hex * 2
        self.labels: dict[str, str] = options.get("labels") or {}
        self.name: str = options.get("name", "")
        self.attrs: dict[str, Any] = {"NetworkSettings": {"Networks": {"host": {"IPAddress": "127.0.0.1"}}}, "State": {}}
        definition = mounts.definition_of(self.labels)
        self.stop_timeout = int(definition.container.get("stopTimeout") or DEFAULT_STOP_TIMEOUT)
        self.folder = PLACE.tasks / definition.task_id / definition.name
        self.folder.mkdir(parents=True, exist_ok=True)
        volumes = mounts.volumes(definition, self.folder)
        self.env = volumes.env(mounts.environment(definition, options.get("environment") or {}))
        argv = volumes.argv(images.argv(image, options.get("command")))
        self.process = HostProcess(argv, folder=self.folder, env=self.env, log=self.folder / "container.log")

    @property
    def status(self) -> str:
        return "running" if self.process.exit_code() is None else "exited"

    def reload(self) -> None:
        """A process needs no asking again."""

    def wait(self, **_: Any) -> dict[str, int | None]:
        return {"StatusCode": self.process.wait()}

    def logs(self, stream: bool = False, **_: Any) -> bytes | Iterator[bytes]:
        return self._follow() if stream else self.process.log.read_bytes()

    def stop(self, timeout: float | None = None, **_: Any) -> None:
        """The container's own stopTimeout counts; ministack would wait five seconds, with the caller's request open."""
        if self.status == "running":
            threading.Thread(target=self.process.stop, args=(self.stop_timeout,), daemon=True).start()

    def kill(self, *_: Any) -> None:
        self.process.kill()

    def remove(self, force: bool = False, **_: Any) -> None:
        if force:
            self.process.kill()
        HostDocker.known.pop(self.id, None)

    def _follow(self) -> Iterator[bytes]:
        with self.process.log.open("rb") as output:
            while True:
                ended = self.status == "exited"
                if line := output.readline():
                    yield line
                elif ended:
                    return
                else:
                    time.sleep(0.1)


class _Containers:
    def run(self, image: str, **options: Any) -> HostContainer:
        container = HostContainer(image, options)
        HostDocker.known[container.id] = container
        return container

    def get(self, container_id: str) -> HostContainer:
        try:
            return HostDocker.known[container_id]
        except KeyError:
            raise NoSuchContainer(container_id) from None

    def list(self, **_: Any) -> list[HostContainer]:
        return list(HostDocker.known.values())


class _Image:
    attrs: dict[str, Any]

    def __init__(self) -> None:
        self.attrs = {}

    def tag(self, *_: Any, **__: Any) -> bool:
        return True


class _Images:
    def get(self, _: str) -> _Image:
        return _Image()

    def pull(self, _: str, **__: Any) -> _Image:
        """Always there: what cannot run is refused when it is started, with a sentence."""
        return _Image()

    def get_registry_data(self, image: str, **_: Any) -> _Image:
        raise NoSuchContainer(image)


class HostDocker:
    """In place of `docker.from_env()`."""

    known: dict[str, HostContainer] = {}  # noqa: RUF012 - one per emulator, as the daemon's list would be
    containers = _Containers()
    images = _Images()
