"""`python -m runner_images.pool --group NAME`: a worker that waits for work, until its machine is given up."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence

from portal.stores import open_store
from portal.stores.pool import PoolStore
from runner_images.agent.exit_codes import ExitCode
from runner_images.agent.privileges import hide
from runner_images.health_port import signs_of_life
from runner_images.pool.metadata import NoMetadata
from runner_images.pool.places import Place, open_place
from runner_images.pool.settings import read_settings
from runner_images.pool.worker import PoolWorker

PATIENCE_SECONDS = 60.0
"""Metadata may come up after the worker."""


def main(arguments: Sequence[str]) -> int:
    hide()
    os.environ.setdefault("KNOPFDRUCK_LOG", "json")
    settings = read_settings(arguments)
    try:
        pool = PoolStore(open_store(settings.store_url), settings.group)
        with signs_of_life(os.environ):
            return PoolWorker(settings, pool, _place(os.environ)).live()
    except (ValueError, NoMetadata) as error:
        print(f"worker: {error}", file=sys.stderr, flush=True)
        return ExitCode.BAD_ARGUMENTS


def _place(environ: Mapping[str, str]) -> Place:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return open_place(environ)
        except NoMetadata:
            if time.monotonic() > until:
                raise
            time.sleep(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
