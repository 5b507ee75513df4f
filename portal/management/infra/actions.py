"""deploy, diff, status, outputs, delete and launch-url: each takes the options and prints; nothing is returned."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, TextIO  # Any: options, as argparse has them
from urllib.parse import quote

from infra_gen.parameters import Preset
from portal.aws.cloudformation import NESTED, Resource, StackEvent, StackState
from portal.core.errors import Conflict, NotFound
from portal.management.infra.clouds import open_cloud
from portal.management.infra.printing import danger_lines, event_line, plan_lines, retained_lines, status_lines
from portal.management.infra.telling import tell_portal
from portal.management.infra.tree import build_tree, idle_cost_lines, preset_for
from portal.usecases.delete_stack import delete_stack
from portal.usecases.deploy_stack import deploy_stack, make_ready
from portal.usecases.plan_stack import StackPlan, discard, plan_stack, upload
from portal.usecases.stack_parts import STACK_PREFIX, StackCloud, StackTree
from portal.wiring import data_dir

CONSOLES = {"aws": "console.aws.amazon.com", "aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


class Screen:
    """Lines to a terminal or a log, and questions only where somebody can answer."""

    def __init__(self, out: TextIO, into: TextIO) -> None:
        self._out, self._into = out, into

    def say(self, *lines: str) -> None:
        self._out.writelines(line + "\n" for line in lines)
        self._out.flush()

    def tell(self, event: StackEvent) -> None:
        self.say(event_line(event))

    def must_confirm(self, question: str) -> None:
        """Raises Conflict unless the answer is yes."""
        if not self._into.isatty():
            raise Conflict("Nothing was changed: this asks first.", hint="Say --yes where nobody can answer.")
        self._out.write(f"{question} [y/N] ")
        self._out.flush()
        if self._into.readline().strip().lower() not in ("y", "yes"):
            raise Conflict("Nothing was changed.")


def deploy(options: dict[str, Any], screen: Screen) -> None:
    cloud, _ = open_cloud(options)
    make_ready(STACK_PREFIX + options["env"], cloud, screen.tell)
    tree, _ = _tree(options, cloud, screen)
    plan = plan_stack(tree, cloud)
    screen.say(*plan_lines(plan))
    if plan.is_empty:
        discard(plan.proposal, cloud, is_new=False)
        state = _found(tree.name, cloud)
    else:
        _ask(plan, options, cloud, screen)
        state = deploy_stack(plan, cloud, screen.tell)
    screen.say(f"{state.name} is {state.status}.", *_output_lines(state))
    tell_portal(state, options, cloud, screen.say)


def diff(options: dict[str, Any], screen: Screen) -> None:
    cloud, _ = open_cloud(options)
    tree, preset = _tree(options, cloud, screen)
    plan = plan_stack(tree, cloud)
    screen.say(*plan_lines(plan), *danger_lines(plan.endangered), *idle_cost_lines(preset, tree.parameters, cloud.region))
    discard(plan.proposal, cloud, is_new=plan.is_new)


def status(options: dict[str, Any], screen: Screen) -> None:
    cloud, _ = open_cloud(options)
    state = _found(STACK_PREFIX + options["env"], cloud)
    resources = _resources(state.id, state.name, cloud)
    if options["json"]:
        found = [{"stack": stack, **asdict(resource)} for stack, resource in resources]
        screen.say(json.dumps({"name": state.name, "status": state.status, "reason": state.reason, "resources": found}, indent=2))
    else:
        screen.say(*status_lines(state, resources))


def outputs(options: dict[str, Any], screen: Screen) -> None:
    cloud, _ = open_cloud(options)
    state = _found(STACK_PREFIX + options["env"], cloud)
    screen.say(json.dumps(dict(state.outputs), indent=2) if options["json"] else "\n".join(_output_lines(state)))


def delete(options: dict[str, Any], screen: Screen) -> None:
    cloud, account = open_cloud(options)
    name = STACK_PREFIX + options["env"]
    if not options["yes"]:
        screen.must_confirm(
            f"Delete {name} in {cloud.region} of account {account.id}, with all results that its preset does not retain?"
        )
    kept = delete_stack(name, cloud, screen.tell, screen.say, unprotect=options["unprotect"])
    screen.say(f"{name} was deleted.", *retained_lines(kept))


def launch_url(options: dict[str, Any], screen: Screen) -> None:
    cloud, account = open_cloud(options)
    tree, _ = _tree(options, cloud, screen)
    upload(tree, cloud)
    screen.say(quick_create(tree, cloud, account.partition))


def quick_create(tree: StackTree, cloud: StackCloud, partition: str) -> str:
    """Opens CloudFormation's form for a new stack, filled in. Whoever opens it must be in the account of the bucket."""
    template = quote(f"{cloud.template_base}/{tree.root}", safe="")
    parameters = "".join(f"&param_{name}={quote(value, safe='')}" for name, value in sorted(tree.parameters.items()))
    host = CONSOLES.get(partition, CONSOLES["aws"])
    return (
        f"https://{host}/cloudformation/home?region={cloud.region}#/stacks/quickcreate"
        f"?templateURL={template}&stackName={tree.name}{parameters}"
    )


def _tree(options: dict[str, Any], cloud: StackCloud, screen: Screen) -> tuple[StackTree, Preset]:
    screen.say("Rendering the templates and packing what they run ...")
    preset = preset_for(options["env"], options["preset"])
    tree = build_tree(options["env"], preset, options["assignments"], cloud, endpoint_url=options["endpoint_url"],
                      cache=data_dir() / "packages")  # fmt: skip
    return tree, preset


def _ask(plan: StackPlan, options: dict[str, Any], cloud: StackCloud, screen: Screen) -> None:
    """Before data is lost, and before anything is changed where somebody sits at a terminal."""
    if options["yes"]:
        return
    screen.say(*danger_lines(plan.endangered))
    question = "Really replace or remove what holds data?" if plan.endangered else "Deploy this?"
    try:
        screen.must_confirm(question)
    except Conflict:
        discard(plan.proposal, cloud, is_new=plan.is_new)
        raise


def _found(name: str, cloud: StackCloud) -> StackState:
    state = cloud.stacks.find(name)
    if state is None:
        raise NotFound(f"There is no stack {name} in {cloud.region} of account {cloud.account}.", hint="`infra deploy` makes it.")
    return state


def _resources(stack: str, name: str, cloud: StackCloud) -> list[tuple[str, Resource]]:
    found: list[tuple[str, Resource]] = []
    for resource in cloud.stacks.resources(stack):
        found.append((name, resource))
        if resource.kind == NESTED and resource.physical.startswith("arn:"):
            found += _resources(resource.physical, resource.logical, cloud)
    return found


def _output_lines(state: StackState) -> list[str]:
    return [f"  {name} = {value}" for name, value in sorted(state.outputs.items())]
