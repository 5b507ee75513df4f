"""One k6 that reports in both ways at once: to the cloud receiver, and sample by sample into the fallback's pipe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from portal.backends.sandbox import HostSandbox
from portal.core.block import Block
from portal.core.load import Load
from portal.core.ports import EngineTools
from portal.core.script import ScriptSource
from portal.core.snapshot import Point
from portal.core.window import Window
from portal.engines.k6 import ARCHIVE, K6
from portal.engines.k6_csv import OUTPUT, PIPE, CsvReader
from runner_images.agent.lines import PipeIntake
from tests.engines.plans import assignment
from tests.engines.workers import K6Worker, free_port


class BothWays:
    def __init__(self, folder: Path, tools: EngineTools, script: ScriptSource, load: Load, target: str) -> None:
        self.engine = K6(tools)
        bundle = dict(self.engine.bundle(script, load, {}, HostSandbox()))
        ports = {"rest_port": free_port(), "intake_port": free_port()}
        part = assignment("k6", script.file, load, targets={"shop": target})
        command = self.engine.command(part, bundle=bundle, cores=1, **ports)
        argv = (*command.argv[:-1], "-o", OUTPUT, command.argv[-1])
        self._read: list[Point] = []
        self._pipe = PipeIntake(folder / PIPE, CsvReader(bundle[ARCHIVE]).read, self._read.extend)
        self._worker = K6Worker(folder, bundle, replace(command, argv=argv), **ports)

    def __enter__(self) -> BothWays:
        """Returns when the run is over."""
        try:
            self._worker.wait_ready()
            self._worker.release()
            assert self._worker.wait() == 0, self._worker.log
        finally:
            self._worker.kill()
            self._pipe.finish()
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.kill()

    @property
    def broken(self) -> int:
        return self._pipe.broken

    def cloud(self) -> Block:
        return _block(self._worker.points(self.engine))

    def samples(self) -> Block:
        return _block(self._read)


def _block(points: Iterable[Point]) -> Block:
    window = Window()
    window.add(points)
    return window.close(1 << 36)
