"""The parts of a use case, small and real: a clock that stands, a backend without machines, an engine without a process.

`a_scene()` puts them together over a store in memory; a test says what its workers and its backend do.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any  # Any: the fields of a plan, passed through by name.

from django_q.models import OrmQ

from portal.backends import LIMITS
from portal.backends.sandbox import HostSandbox
from portal.core.errors import PortalError, StoreUnavailable
from portal.core.load import Load
from portal.core.plan import LoadPlan
from portal.core.ports import Ending, EngineCommand, Gate, Intake, Sandbox, WorkerHandle, WorkerStatus
from portal.core.protocol import DoneReason
from portal.core.run_state import RunState
from portal.core.script import ScriptFacts, ScriptSource
from portal.core.snapshot import Point
from portal.core.split import WorkerAssignment
from portal.models import Run
from portal.models.run import new_run_id
from portal.net.resolve import resolve
from portal.stores.memory import MemoryStore
from portal.stores.run_store import RunStore
from portal.wiring import Parts
from tests.builders import a_plan, a_run, some_facts


class FakeClock:
    """Stands still unless someone sleeps. Begins now, because rows take their times from the real clock."""

    def __init__(self) -> None:
        self.time = float(int(time.time()))

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class FakeBackend:
    """Workers without machines: `status` says how a slot is (alive unless said), `breaks_at` which slot cannot start."""

    name: str = "lambda"
    limits: Any = LIMITS["lambda"]
    status: dict[int, WorkerStatus] = field(default_factory=dict)
    breaks_at: Mapping[int, BaseException] = field(default_factory=dict)
    before_launch: Callable[[], object] = lambda: None
    ends_when: str = ""
    """`told`: a worker is gone as soon as it is stopped; `forced`: only by a hard stop; else never."""
    launched: list[int] = field(default_factory=list)
    stops: list[tuple[tuple[int, ...], bool]] = field(default_factory=list)
    polls: int = 0
    released: list[str] = field(default_factory=list)

    def launch(self, plan: LoadPlan, slots: tuple[int, ...], epoch: int) -> tuple[WorkerHandle, ...]:
        self.before_launch()
        return tuple(self._start(slot, epoch) for slot in slots)

    def _start(self, slot: int, epoch: int) -> WorkerHandle:
        if error := self.breaks_at.get(slot):
            raise error
        self.launched.append(slot)
        return WorkerHandle(slot, epoch, f"fake:{slot}")

    def poll(self, handles: tuple[WorkerHandle, ...]) -> Mapping[int, WorkerStatus]:
        self.polls += 1
        return {handle.slot: self.status.get(handle.slot, WorkerStatus.ALIVE) for handle in handles}

    def stop(self, handles: tuple[WorkerHandle, ...], *, hard: bool) -> None:
        self.stops.append((tuple(handle.slot for handle in handles), hard))
        if self.ends_when == "told" or (self.ends_when == "forced" and hard):
            self.status.update({handle.slot: WorkerStatus.GONE for handle in handles})

    def release(self, run_id: str) -> None:
        self.released.append(run_id)


@dataclass
class FakeEngine:
    """Takes every script; `error` is raised instead where a test says so. Remembers what it was asked with."""

    name: str = "k6"
    gate: Gate = Gate.REST
    intake: Intake = Intake.HTTP
    facts: ScriptFacts = field(default_factory=some_facts)
    error: PortalError | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    overrides: list[Load | None] = field(default_factory=list)
    before_bundle: Callable[[], object] = lambda: None

    def inspect(self, script: ScriptSource, load: Load | None, environment: Mapping[str, str], sandbox: Sandbox) -> ScriptFacts:
        self.environment = dict(environment)
        if self.error:
            raise self.error
        return self.facts

    def bundle(
        self, script: ScriptSource, load: Load | None, environment: Mapping[str, str], sandbox: Sandbox
    ) -> Mapping[str, bytes]:
        self.before_bundle()
        if self.error:
            raise self.error
        self.environment = dict(environment)
        self.overrides.append(load)
        return {script.file: script.text.encode()}

    def command(
        self, assignment: WorkerAssignment, *, bundle: Mapping[str, bytes], rest_port: int, intake_port: int, cores: int
    ) -> EngineCommand:
        return EngineCommand(("true",), {})

    def read(self, batch: bytes) -> Iterable[Point]:
        return ()

    def is_ready(self, line: bytes) -> bool:
        return False

    def is_script_error(self, line: str) -> bool:
        return False

    def sentence(self, line: str) -> str:
        return line

    def ending(self, exit_code: int, log: tuple[str, ...]) -> Ending:
        return Ending(DoneReason.COMPLETED)


class ShakyStore(MemoryStore):
    """A store in memory that can be away (`error`), for everything or (`only`) for keys that contain a word. `hang` is what
    happens during the next call."""

    error: StoreUnavailable | None = None
    only: str = ""
    hang: Callable[[], None] | None = None

    def _check(self, key: str) -> None:
        hang, self.hang = self.hang, None
        if hang is not None:
            hang()
        if self.error and self.only in key:
            raise self.error

    def put(self, key: str, data: bytes) -> None:
        self._check(key)
        super().put(key, data)

    def put_new(self, key: str, data: bytes) -> bool:
        self._check(key)
        return super().put_new(key, data)

    def get(self, key: str) -> bytes | None:
        self._check(key)
        return super().get(key)

    def list(self, prefix: str) -> tuple[str, ...]:
        self._check(prefix)
        return super().list(prefix)

    def delete(self, prefix: str) -> None:
        self._check(prefix)
        super().delete(prefix)


@dataclass
class FakeAnnouncer:
    """Keeps what it was told, or fails while `error` is set."""

    said: list[tuple[str, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    measured: list[tuple[dict[str, tuple[float, str]], dict[str, str]]] = field(default_factory=list)
    error: PortalError | None = None

    def say(self, subject: str, message: str, attributes: Mapping[str, str]) -> None:
        if self.error:
            raise self.error
        self.said.append((subject, json.loads(message), dict(attributes)))

    def measure(self, values: Mapping[str, tuple[float, str]], dimensions: Mapping[str, str]) -> None:
        self.measured.append((dict(values), dict(dimensions)))


@dataclass
class Scene:
    """The parts by name, for a test to script and to look at."""

    clock: FakeClock = field(default_factory=FakeClock)
    backend: FakeBackend = field(default_factory=FakeBackend)
    engine: FakeEngine = field(default_factory=FakeEngine)
    objects: ShakyStore = field(default_factory=ShakyStore)
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What the resolver says; addresses are their own."""
    announcer: FakeAnnouncer = field(default_factory=lambda: FakeAnnouncer())
    proved: set[str] = field(default_factory=set)
    """Hosts whose owner published the token."""

    @property
    def parts(self) -> Parts:
        return Parts(
            engine=lambda name: self.engine, backend=lambda place, name: self.backend, limits=LIMITS,
            store=lambda run_id: RunStore(self.objects, run_id), sandbox=HostSandbox(), clock=self.clock, owner="tests:1",
            public_url="http://127.0.0.1:8000", resolve=lambda host: self.names.get(host) or resolve(host),
            find_proof=lambda url, host, address, token: "dns" if host in self.proved else "",
            announcer=lambda place: self.announcer,
        )  # fmt: skip

    def as_process(self, owner: str) -> Parts:
        """The same world seen by another process."""
        return replace(self.parts, owner=owner)

    def store(self, run: Run) -> RunStore:
        return RunStore(self.objects, run.id)

    def run(self, state: RunState = RunState.QUEUED, *, columns: Mapping[str, Any] | None = None, **plan: Any) -> Run:
        """A run that came into `state` just now; `plan` are fields of its LoadPlan, `columns` of its row."""
        run_id = new_run_id()
        since = datetime.fromtimestamp(self.clock.now(), UTC)
        return a_run(id=run_id, plan=a_plan(run_id=run_id, **plan), state=state, state_since=since, **(columns or {}))


def jobs() -> list[tuple[str, tuple[str, ...]]]:
    """What waits in the queue, oldest first: the job and its ids."""
    tasks = [row.task for row in OrmQ.objects.order_by("id")]
    return [(task["func"].removeprefix("portal.tasks."), tuple(task["args"])) for task in tasks]
