"""baseline and compare: accept a run as the measure of later ones, and set two runs side by side."""

from __future__ import annotations

from typing import Any, TextIO  # Any: options, as argparse has them

from portal.management.loadtest.report import compared
from portal.management.loadtest.runs import print_json
from portal.usecases.accept_baseline import accept_baseline
from portal.usecases.compare_runs import compare_runs
from portal.usecases.identify_actor import command_line_actor
from portal.usecases.read_run import moment
from portal.wiring import Parts


def baseline(options: dict[str, Any], parts: Parts, out: TextIO) -> None:
    row = accept_baseline(options["id"], command_line_actor())
    if options["json"]:
        print_json({"run": row.run_id, "scenario": row.scenario.name, "environment": row.environment.name,
                    "backend": row.backend, "accepted_by": row.accepted_by, "accepted": moment(row.accepted)}, out)  # fmt: skip
    else:
        out.write(f"Run {row.run_id} is the baseline of {row.scenario} on {row.environment}, {row.backend}.\n")


def compare(options: dict[str, Any], parts: Parts, out: TextIO) -> None:
    found = compare_runs(options["id"], options["other"], by=command_line_actor())
    if options["json"]:
        print_json(found, out)
    else:
        out.write(f"Run {found['run']} beside {found['basis']}\n" + "\n".join(compared(found)) + "\n")
