"""The arguments of `manage.py loadtest`, and how those of `run` become a request."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any  # Any: options, as argparse has them

from portal.core.access import Scope
from portal.core.errors import Problem
from portal.core.run_state import RunState
from portal.core.verdict import Outcome
from portal.usecases.read_pairs import read_pairs, read_thresholds
from portal.usecases.read_worker_log import MOST_LINES, USUAL_LINES

ENGINES = ("k6", "artillery")


def add_subcommands(parser: argparse.ArgumentParser, backends: tuple[str, ...]) -> None:
    commands = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
    _run(commands.add_parser("run", help="start a run"), backends)
    _asked(commands.add_parser("estimate", help="what a run would take and cost; nothing starts"), backends)
    _list(commands.add_parser("list", help="the newest runs"))
    _about_run(commands.add_parser("status", help="where a run stands"))
    _about_run(commands.add_parser("results", help="what a run measured and how it was judged"))
    logs = _about_run(commands.add_parser("logs", help="where the workers' logs are, and what one of them said"))
    logs.add_argument("--slot", type=int, metavar="N", help="print what this worker said")
    logs.add_argument("--epoch", type=int, default=0, metavar="N", help="of those that followed each other; default: the last")
    logs.add_argument("--lines", type=_lines, default=USUAL_LINES, metavar="N", help=f"default: {USUAL_LINES}")
    stop = _about_run(commands.add_parser("stop", help="ask a run to stop"))
    stop.add_argument("--hard", action="store_true", help="leave the engines no time to finish")
    _about_run(commands.add_parser("baseline", help="accept a run: later ones of its kind are compared with it"))
    compare = _about_run(commands.add_parser("compare", help="what changed from another run to this one"))
    compare.add_argument("other", metavar="OTHER", help="the run before")
    _json(commands.add_parser("templates", help="list scenarios and environments"))
    _validate(commands.add_parser("validate", help="check a script without saving it"))
    _import(commands.add_parser("import", help="save a script as a scenario's next version"))
    _token(commands.add_parser("token", help="make an API token; it is shown once"))
    _audit(commands.add_parser("audit", help="print who did what"))
    _approve(commands.add_parser("approve", help="release a run that waits for a second person"))
    _kill_switch(commands.add_parser("kill-switch", help="stop everything and block new starts, or lift that"))


def _lines(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= MOST_LINES):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST_LINES}")
    return int(text)


def request_body(options: dict[str, Any], problems: list[Problem]) -> dict[str, object]:
    """The options of `run` as the API's start body; pairs that are none go to `problems`."""
    body: dict[str, object] = {
        name: options.get(name)
        for name in (
            "scenario",
            "environment",
            "vus",
            "duration",
            "rate",
            "max_vus",
            "on_worker_loss",
            "fail_on_regression",
            "sliced",
            "elastic",
        )
    }
    body |= {
        "workers": options.get("workers"),
        "note": options.get("note"),
        "version": options.get("scenario_version"),
        "stages": options.get("stage"),
        "parameters": read_pairs(options.get("param") or (), "--param", problems),
        "targets": read_pairs(options.get("target") or (), "--target", problems),
        "tags": read_pairs(options.get("tag") or (), "--tag", problems),
        "thresholds": read_thresholds(options.get("threshold") or (), "--threshold", problems),
    }
    return {name: value for name, value in body.items() if value not in (None, "", {}, [])}


def _run(parser: argparse.ArgumentParser, backends: tuple[str, ...]) -> None:
    _asked(parser, backends)
    parser.add_argument("--idempotency-key", default="", metavar="KEY", help="asking again with the same key starts nothing new")
    parser.add_argument(
        "--wait", "-w", action="store_true", help="show progress until the run has ended; the exit code is the verdict"
    )


def _list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scenario", default="", metavar="NAME")
    parser.add_argument("--environment", "-e", default="", metavar="NAME")
    parser.add_argument("--state", action="append", choices=[str(state) for state in RunState], default=[], help="repeatable")
    parser.add_argument("--verdict", action="append", choices=[str(word) for word in Outcome], default=[], help="repeatable")
    parser.add_argument("--search", default="", metavar="TEXT", help="in notes, ids and names of scenarios")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="how many, at most 200; default: 20")
    _json(parser)


def _asked(parser: argparse.ArgumentParser, backends: tuple[str, ...]) -> None:
    """What is asked for, whether it is to start or to be estimated."""
    parser.add_argument("scenario", metavar="SCENARIO", help="its name; 'loadtest templates' lists all")
    parser.add_argument("--environment", "-e", required=True, metavar="NAME", help="where the load goes")
    parser.add_argument("--backend", "-b", required=True, choices=backends, help="where workers run")
    load = parser.add_argument_group("load", "None of these: the script's own load. All are totals over all workers.")
    load.add_argument("--vus", metavar="N", help="virtual users that loop; with --duration")
    load.add_argument("--rate", metavar="N", help="arrivals per second, such as 5 or 30/m; with --duration")
    load.add_argument("--duration", metavar="TIME", help="such as 30s, 5m or 1h")
    load.add_argument("--max-vus", metavar="N", help="most virtual users a rate may use at once")
    load.add_argument(
        "--stage", action="append", metavar="TIME:N", help="such as 10s:50 (users) or 10s:50/s (arrivals); repeatable"
    )
    load.add_argument("--workers", metavar="N", help="how many workers share the load")
    parser.add_argument("--param", action="append", metavar="NAME=VALUE", help="a variable the script reads; repeatable")
    parser.add_argument("--target", action="append", metavar="SERVICE=URL", help="replaces the environment's; repeatable")
    parser.add_argument("--threshold", action="append", metavar="METRIC=RULE", help="'http_req_duration=p(95)<300'; repeatable")
    parser.add_argument(
        "--fail-on-regression", action="store_const", const=True, help="a run clearly worse than the baseline or the usual fails"
    )
    parser.add_argument("--tag", action="append", metavar="NAME=VALUE", help="for finding the run again; repeatable")
    parser.add_argument("--on-worker-loss", metavar="POLICY", help="continue (the default), replace or abort")
    parser.add_argument(
        "--sliced", action="store_const", const=True, help="Lambda: workers follow each other where one may not live so long"
    )
    parser.add_argument(
        "--elastic",
        action="store_const",
        const=True,
        help="Fargate: a pool makes the load, parts of it move to workers that join",
    )
    parser.add_argument("--note", metavar="TEXT", help="why this run; lists are searched for it")
    parser.add_argument("--scenario-version", metavar="N", help="a version of the scenario other than the newest")
    _json(parser)


def _about_run(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("id", metavar="ID", help="of the run; 'loadtest list' shows the newest")
    return _json(parser)


def _validate(parser: argparse.ArgumentParser) -> None:
    _script(parser)
    _json(parser)


def _import(parser: argparse.ArgumentParser) -> None:
    _script(parser)
    parser.add_argument("--name", required=True, metavar="NAME")
    parser.add_argument("--title", default="", metavar="TEXT")
    parser.add_argument("--description", default="", metavar="TEXT")
    _json(parser)


def _script(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--engine", choices=ENGINES, help="default: artillery for .yml, else k6")
    parser.add_argument("--with", dest="extra", action="append", type=Path, default=[], metavar="FILE",
                        help="a further file the script needs; relative imports and payloads are found alone")  # fmt: skip


def _token(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="who or what will use it")
    parser.add_argument("--user", metavar="USERNAME", help="whose token it is; default: the first superuser")
    parser.add_argument("--scope", action="append", choices=[str(scope) for scope in Scope], default=[],
                        help="what it may do; repeatable; default: read, run and stop")  # fmt: skip
    parser.add_argument("--environment", "-e", action="append", metavar="NAME", default=[],
                        help="where it works; repeatable; default: everywhere")  # fmt: skip
    parser.add_argument("--days", type=int, metavar="N", help="how many days it works; the same as --expires Nd")
    parser.add_argument("--expires", metavar="TIME", help="how long it works, such as 12h or 30d; default: until revoked")
    _json(parser)


def _approve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="of the run")
    parser.add_argument("--digest", default="", metavar="SHA256", help="of the plan; without it the plan is shown")


def _kill_switch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("to", choices=("on", "off"))
    parser.add_argument("--reason", default="", metavar="TEXT", help="shown to everybody whose run is refused")


def _audit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", metavar="WHEN", help="a date such as 2026-11-24, or how long ago, such as 12h or 30d")
    parser.add_argument("--format", choices=("csv", "json"), default="csv", help="default: csv; json prints a line per entry")


def _json(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser
