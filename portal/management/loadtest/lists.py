"""list: the newest runs, a line each."""

from __future__ import annotations

from typing import Any, TextIO  # Any: options, as argparse has them

from portal.core.errors import RequestRejected
from portal.management.loadtest.report import listed
from portal.management.loadtest.runs import print_json
from portal.models import Run
from portal.usecases.identify_actor import command_line_actor
from portal.usecases.list_runs import RunFilter, list_runs
from portal.wiring import Parts

MOST = 200


def runs(options: dict[str, Any], parts: Parts, out: TextIO) -> None:
    if not 1 <= options["limit"] <= MOST:
        raise RequestRejected.because("--limit", f"{options['limit']} is out of range.", f"Give 1 to {MOST}.")
    wanted = RunFilter(
        scenario=options["scenario"], environment=options["environment"], state=tuple(options["state"]),
        verdict=tuple(options["verdict"]), search=options["search"],
    )  # fmt: skip
    rows = list_runs(Run.objects.seen_by(command_line_actor()), wanted, limit=options["limit"]).rows
    if options["json"]:
        print_json(list(rows), out)
    elif rows:
        out.write("\n".join(listed(rows)) + "\n")
    else:
        out.write("There is no such run.\n" if wanted != RunFilter() else "There is no run yet.\n")
