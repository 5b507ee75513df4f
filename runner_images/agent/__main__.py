"""`python -m runner_images.agent --store URL --run ID --slot N`: one worker, from lease to done."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from portal.core.errors import EngineMissing, StoreUnavailable
from portal.core.plan import LoadPlan
from portal.core.ports import Engine, ObjectStore
from portal.engines import open_engine
from portal.stores import open_store
from portal.stores.run_store import RunStore
from runner_images.agent.clock import SystemClock
from runner_images.agent.exit_codes import ExitCode
from runner_images.agent.mirror import MirroredStore
from runner_images.agent.orders import Orders
from runner_images.agent.privileges import hide, share_files
from runner_images.agent.programs import tools_for
from runner_images.agent.settings import AgentSettings, read_settings
from runner_images.agent.versions import asked
from runner_images.agent.work import Work


def main(arguments: Sequence[str]) -> int:
    hide()
    try:
        settings = read_settings(arguments)
        objects = open_store(settings.store_url)
    except (EngineMissing, ValueError) as error:
        print(f"worker: {error}", file=sys.stderr, flush=True)
        return ExitCode.BAD_ARGUMENTS
    if settings.engine_user is not None:
        share_files()
    if settings.results_dir is None:
        return _work(settings, objects)
    mirrored = MirroredStore(objects, settings.results_dir, settings.run_id)
    try:
        return _work(settings, mirrored)
    finally:
        mirrored.finish()


def _work(settings: AgentSettings, objects: ObjectStore) -> int:
    def engine(plan: LoadPlan) -> Engine:
        return open_engine(plan.engine, asked(plan.engine, tools_for(plan, settings.tools, os.environ)))

    clock = SystemClock()
    store = RunStore(objects, settings.run_id)
    try:
        orders = Orders(store, clock, slot=settings.slot, epoch=settings.epoch)
        return Work(settings, store, clock, orders, engine).live()
    except StoreUnavailable as error:
        print(f"worker {settings.slot}: {error.message}", file=sys.stderr, flush=True)
        return ExitCode.STORE_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
