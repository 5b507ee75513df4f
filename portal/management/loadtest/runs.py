"""run, estimate, status, results, stop and templates: each takes the options and prints; `run` gives the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TextIO  # Any: options, as argparse has them

from portal.core.errors import Problem, RequestRejected
from portal.core.request import LoadTestRequest, parse_request
from portal.core.run_state import RunState
from portal.management.loadtest.arguments import request_body
from portal.management.loadtest.exit_codes import ExitCode, exit_code
from portal.management.loadtest.follow import follow, progress_line
from portal.management.loadtest.report import estimated, report
from portal.usecases.describe_run import VERDICTS
from portal.usecases.estimate_run import estimate_run
from portal.usecases.identify_actor import command_line_actor
from portal.usecases.list_templates import list_templates
from portal.usecases.read_run import find_run, links, plan_of, results_of, status_of
from portal.usecases.request_run import request_run
from portal.usecases.stop_run import stop_run
from portal.wiring import Parts


def run(options: dict[str, Any], parts: Parts, out: TextIO, err: TextIO) -> ExitCode:
    """Starts a run; with --wait follows it. With --json progress goes to `err` and one document to `out`."""
    started = request_run(_request(options, options["idempotency_key"]), parts, by=command_line_actor())
    say = err if options["json"] else out
    say.write(f"Run {started.id} is queued: {links(started.id, parts.public_url)['page']}\n")
    plan = plan_of(started)
    for warning in plan.warnings if plan else ():
        say.write(f"Warning: {warning}\n")
    if not options["wait"]:
        if options["json"]:
            print_json(status_of(find_run(started.id, by=command_line_actor()), public_url=parts.public_url), out)
        return ExitCode.PASSED
    ended = follow(started.id, parts, say, by=command_line_actor())
    found = results_of(ended, public_url=parts.public_url)
    if options["json"]:
        print_json(found, out)
    else:
        out.write("\n" + report(found) + "\n")
    return exit_code(ended)


def _request(options: dict[str, Any], key: str = "") -> LoadTestRequest:
    """Raises RequestRejected with all that is wrong, in the pairs and in the rest."""
    problems: list[Problem] = []
    body = request_body(options, problems)
    try:
        request = parse_request(body, backend=options["backend"], idempotency_key=key)
    except RequestRejected as error:
        raise RequestRejected([*problems, *error.problems]) from error
    if problems:
        raise RequestRejected(problems)
    return request


def estimate(options: dict[str, Any], parts: Parts, out: TextIO) -> None:
    found = estimate_run(_request(options), parts, by=command_line_actor())
    if options["json"]:
        print_json(found, out)
    else:
        out.write("\n".join(estimated(found)) + "\n")


def status(options: dict[str, Any], parts: Parts, out: TextIO) -> None:
    found = status_of(find_run(options["id"], by=command_line_actor()), public_url=parts.public_url)
    if options["json"]:
        print_json(found, out)
        return
    out.write(f"{found['id']}  {found['scenario']} v{found['version']} on {found['environment']}, {found['backend']}\n")
    if found["state"] != RunState.ENDED:
        out.write(progress_line(found) + "\n")
    for sentence in _standing(found):
        out.write(sentence + "\n")


def _standing(found: dict[str, Any]) -> Iterator[str]:
    """Of a run that has ended, its end; of all, what is to be said about it."""
    if found["state"] == RunState.ENDED:
        reason = (found["end_reason"] or "ended").replace("_", " ")
        yield f"{VERDICTS.get(found['verdict'] or '', 'No verdict')} after {found['elapsed_seconds']} s ({reason})"
    if found["message"]:
        yield found["message"]


def results(options: dict[str, Any], parts: Parts, out: TextIO) -> None:
    found = results_of(find_run(options["id"], by=command_line_actor()), public_url=parts.public_url)
    if options["json"]:
        print_json(found, out)
    else:
        out.write(report(found) + "\n")


def stop(options: dict[str, Any], parts: Parts, out: TextIO) -> None:
    row = stop_run(options["id"], parts, hard=options["hard"], by=command_line_actor())
    if options["json"]:
        print_json(status_of(row, public_url=parts.public_url), out)
    else:
        out.write(f"Run {row.id} {'has ended' if row.is_over else 'is stopping; what was measured is kept'}.\n")


def templates(options: dict[str, Any], parts: Parts, out: TextIO) -> None:
    found = list_templates(parts, by=command_line_actor())
    if options["json"]:
        print_json(found, out)
        return
    out.write("Scenarios\n")
    for row in found["scenarios"]:
        out.write(f"  {row['name']} v{row['version']} ({row['engine']}; {', '.join(row['backends'])})  {row['title']}\n")
    out.write("Environments\n")
    for row in found["environments"]:
        out.write(f"  {row['name']}  {row['description']}".rstrip() + "\n")
    if not found["scenarios"]:
        out.write("  None yet: `manage.py catalog` brings the samples.\n")


def print_json(value: object, out: TextIO) -> None:
    json.dump(value, out, indent=2, ensure_ascii=False)
    out.write("\n")
