"""`manage.py loadtest`: start, watch, read and stop load tests, and bring scripts in, from the command line."""

from __future__ import annotations

import argparse
import sys
from typing import Any, TextIO  # Any: options, as Django hands them over

from django.core.management.base import BaseCommand
from django.db import DatabaseError

from portal.core.errors import Conflict, PortalError, RequestRejected
from portal.management.loadtest import audit, brakes, comparisons, lists, logs, runs, scripts, tokens
from portal.management.loadtest.arguments import add_subcommands
from portal.management.loadtest.exit_codes import TABLE, ExitCode
from portal.wiring import parts


class Command(BaseCommand):
    help = "Start, watch, read and stop load tests. 'manage.py loadtest run --help' tells all about one of the commands."
    requires_system_checks: list[str] = []  # noqa: RUF012  (Django's own convention; every call would check the engines)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        return super().create_parser(
            prog_name, subcommand, epilog=TABLE, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add_subcommands(parser, tuple(parts().limits))

    def handle(self, *args: Any, **options: Any) -> None:
        code = self._do(options)
        if code:
            sys.exit(int(code))

    def _do(self, options: dict[str, Any]) -> ExitCode:
        # Django's wrappers colour and end every line; a progress line needs the streams themselves.
        out, err = sys.stdout, sys.stderr
        try:
            return self._subcommand(options, out, err)
        except RequestRejected as error:
            for problem in error.problems:
                err.write(f"{problem}\n")
            return ExitCode.REFUSED
        except Conflict as error:
            err.write(f"{error.message} {error.hint}\n")
            return ExitCode.REFUSED
        except PortalError as error:
            err.write(f"{error.message} {error.hint}".strip() + "\n")
            return ExitCode.ERROR
        except DatabaseError as error:
            err.write(f"The database cannot be used ({error}). `manage.py migrate` sets it up.\n")
            return ExitCode.ERROR
        except KeyboardInterrupt:
            err.write("Left. The run goes on by itself; `manage.py loadtest status ID` looks again.\n")
            return ExitCode.LEFT

    def _subcommand(self, options: dict[str, Any], out: TextIO, err: TextIO) -> ExitCode:
        match options["subcommand"]:
            case "run":
                return runs.run(options, parts(), out, err)
            case "token":
                tokens.make_token(options, out)
            case "audit":
                audit.export(options, out)
            case name:
                known = {"list": lists.runs, "estimate": runs.estimate, "status": runs.status, "results": runs.results,
                         "logs": logs.logs, "stop": runs.stop, "templates": runs.templates, "validate": scripts.validate,
                         "import": scripts.import_script, "baseline": comparisons.baseline, "compare": comparisons.compare,
                         "approve": brakes.approve, "kill-switch": brakes.kill_switch}  # fmt: skip
                known[name](options, parts(), out)
        return ExitCode.PASSED
