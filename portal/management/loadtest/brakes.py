"""kill-switch and approve: stop everything, lift that, or release one run that waits for a second person."""

from __future__ import annotations

from typing import Any, TextIO  # Any: options, as argparse has them

from portal.core.recheck import plan_digest
from portal.usecases.approve_run import approve_run
from portal.usecases.describe_run import load_in_words
from portal.usecases.flip_kill_switch import lift_kill_switch, stop_everything
from portal.usecases.identify_actor import command_line_actor
from portal.usecases.read_run import find_run
from portal.wiring import Parts


def kill_switch(options: dict[str, Any], parts: Parts, out: TextIO) -> None:
    by = command_line_actor()
    if options["to"] == "on":
        stopping = stop_everything(parts, by=by, reason=options["reason"])
        runs = "one run is" if stopping == 1 else f"{stopping} runs are"
        out.write(f"The kill switch is on: {runs} stopping, and none is started.\n")
    else:
        out.write("The kill switch is lifted.\n" if lift_kill_switch(by=by) else "The kill switch was off.\n")


def approve(options: dict[str, Any], parts: Parts, out: TextIO) -> None:
    """Without --digest it says what would be approved."""
    by = command_line_actor()
    if options["digest"]:
        run = approve_run(options["id"], options["digest"], by=by)
        out.write(f"Run {run.id} is released.\n")
        return
    run = find_run(options["id"], by=by)
    plan = run.load_plan()
    many = "worker" if plan.workers == 1 else "workers"
    out.write(f"Run {run.id}: {run.version} on {run.environment}, {load_in_words(plan.load)}, {plan.workers} {many}, ")
    out.write(f"asked for by {run.requested_by}.\n")
    out.write(f"To release it: manage.py loadtest approve {run.id} --digest {plan_digest(plan)}\n")
