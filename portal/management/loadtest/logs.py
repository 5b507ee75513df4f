"""logs: where the workers' logs are, and with --slot what one of them said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TextIO  # Any: options, as argparse has them

from portal.management.loadtest.runs import print_json
from portal.usecases.identify_actor import command_line_actor
from portal.usecases.read_run import find_run, results_of
from portal.usecases.read_worker_log import read_worker_log
from portal.wiring import Parts


def logs(options: dict[str, Any], parts: Parts, out: TextIO) -> None:
    run = find_run(options["id"], by=command_line_actor())
    if options["slot"] is None:
        workers = results_of(run, public_url=parts.public_url)["workers"]
        if options["json"]:
            print_json({"id": run.id, "workers": workers}, out)
        else:
            out.writelines(f"{line}\n" for worker in workers for line in _about(worker))
        return
    found = read_worker_log(run, options["slot"], parts, epoch=options["epoch"], most=options["lines"])
    if options["json"]:
        print_json(found, out)
    else:
        out.writelines(f"{line}\n" for line in (*_about(found), *_said(found)))


def _about(worker: dict[str, Any]) -> Iterator[str]:
    epoch = f" (epoch {worker['epoch']})" if worker["epoch"] > 1 else ""
    yield f"Worker {worker['slot']}{epoch}: {worker['state']}. {worker['message']}".rstrip()
    if at := worker["log"]:
        yield f"  {at['group']}  {at['stream'] or '(stream not known yet)'}"
    if at and at["url"]:
        yield f"  {at['url']}"


def _said(found: dict[str, Any]) -> Iterator[str]:
    yield from (f"{line['at']}  {line['text']}" for line in found["lines"])
    if found["engine"]:
        yield "What the engine wrote:"
        yield from (f"  {line}" for line in found["engine"])
    if found["note"]:
        yield found["note"]
