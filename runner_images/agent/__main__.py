"""`python -m runner_images.agent --store URL --run ID --slot N`: one worker, from lease to done."""

from __future__ import annotations

import sys

from portal.core.errors import StoreUnavailable
from portal.engines import open_engine
from portal.stores import open_store
from portal.stores.run_store import RunStore
from runner_images.agent.clock import SystemClock
from runner_images.agent.exit_codes import ExitCode
from runner_images.agent.orders import Orders
from runner_images.agent.settings import read_settings
from runner_images.agent.versions import asked
from runner_images.agent.work import Work


def main() -> int:
    settings = read_settings(sys.argv[1:])
    clock = SystemClock()
    store = RunStore(open_store(settings.store_url), settings.run_id)
    try:
        orders = Orders(store, clock, slot=settings.slot, epoch=settings.epoch)
        work = Work(settings, store, clock, orders, lambda name: open_engine(name, asked(name, settings.tools)))
        return work.live()
    except StoreUnavailable as error:
        print(f"worker {settings.slot}: {error.message}", file=sys.stderr, flush=True)
        return ExitCode.STORE_FAILED


if __name__ == "__main__":
    sys.exit(main())
