"""The options of `manage.py infra`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable

from portal.core.errors import Problem, RequestRejected

ACTIONS = {
    "deploy": "make or change the stacks of an environment, and tell the portal of it",
    "diff": "what deploying would change, and what it costs while idle; changes nothing",
    "status": "the state of the stacks and what is in them",
    "outputs": "what the stacks say about themselves",
    "delete": "end all workers, empty the buckets, delete the stacks; says what stays and why",
    "launch-url": "upload everything, and print a link that opens CloudFormation with the form filled in",
}
CHANGING = ("deploy", "diff", "launch-url")
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,19}")
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9]{0,254}")


def add_actions(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, about in ACTIONS.items():
        _common(action := actions.add_parser(name, help=about, description=about[0].upper() + about[1:] + "."))
        if name in CHANGING:
            action.add_argument("--preset", default="", metavar="NAME", help="dev, staging or prod; default: as --env, else dev")
            action.add_argument("--set", dest="assignments", action="append", default=[], metavar="NAME=VALUE",
                                help="for the main stack; repeatable; what was set before stays")  # fmt: skip
        if name in ("deploy", "delete"):
            action.add_argument("--yes", "-y", action="store_true", help="do not ask")
        if name == "deploy":
            action.add_argument("--as", dest="known_as", default="", metavar="NAME",
                                help="the portal's environment for it, made where missing; default: aws-ENV")  # fmt: skip
        if name == "delete":
            action.add_argument("--unprotect", action="store_true", help="also where the stack is protected from deletion")
        if name in ("status", "outputs"):
            action.add_argument("--json", action="store_true", help="print one JSON document")


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--env", required=True, metavar="NAME", help="which installation: its stack is knopfdruck-NAME")
    parser.add_argument("--region", default="", metavar="REGION", help="default: as boto3 finds it")
    parser.add_argument("--profile", default="", metavar="NAME", help="of the AWS configuration")
    parser.add_argument("--endpoint-url", default="", metavar="URL", help="an emulator, such as http://127.0.0.1:4566")


def check_environment(name: str) -> str:
    if not _ENVIRONMENT.fullmatch(name):
        raise RequestRejected.because("--env", f"{name!r} is not a name for an environment.",
                                      "Use up to 20 small letters, digits and dashes, a letter first.")  # fmt: skip
    return name


def read_settings(words: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Raises RequestRejected with every setting that cannot be read or that no parameter takes."""
    problems, found, names = [], {}, sorted(known)
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not _PARAMETER.fullmatch(name):
            problems.append(Problem("--set", f"{word!r} is no setting.", "Write it as Parameter=value."))
        elif name not in names:
            problems.append(Problem("--set", f"The main stack has no parameter {name}.", f"Known: {', '.join(names)}."))
        elif name in found:
            problems.append(Problem("--set", f"{name} is set twice."))
        else:
            found[name] = value
    if problems:
        raise RequestRejected(problems)
    return found
