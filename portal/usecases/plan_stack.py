"""Says what deploying a tree would change: uploads what it needs, and lets CloudFormation make a change set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any  # Any: templates, as plain JSON

from portal.aws.cloudformation import NESTED, Change, Proposal, StackState
from portal.usecases.stack_parts import MANAGED_TAG, StackBusy, StackCloud, StackFailed, StackTree
from portal.usecases.watch_stack import hint_for

DATA = frozenset({
    "AWS::S3::Bucket", "AWS::EFS::FileSystem", "AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::ECR::Repository",
    "AWS::SecretsManager::Secret", "AWS::SQS::Queue",
})  # fmt: skip
NOT_YET = ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE")
WAITING = ("CREATE_PENDING", "CREATE_IN_PROGRESS")


@dataclass(frozen=True, slots=True)
class StackPlan:
    tree: StackTree
    proposal: Proposal
    changes: tuple[Change, ...]
    is_new: bool

    @property
    def is_empty(self) -> bool:
        return self.proposal.is_empty

    @property
    def endangered(self) -> tuple[Change, ...]:
        """What holds data and would be removed, or replaced by something empty."""
        return tuple(
            change for change in self.changes
            if change.kind in DATA and (change.action == "Remove" or change.replacement in ("True", "Conditional"))
        )  # fmt: skip


def plan_stack(tree: StackTree, cloud: StackCloud) -> StackPlan:
    """Raises StackBusy, and StackFailed where CloudFormation does not take the template. Changes no resource."""
    upload(tree, cloud)
    before = cloud.stacks.find(tree.name)
    _must_be_still(before)
    is_new = before is None or before.status in NOT_YET
    old = {} if before is None or is_new else _templates_below(before.id, cloud)
    change_set = cloud.stacks.propose(
        tree.name, f"knopfdruck-{int(cloud.clock.now() * 1000)}", template_url=f"{cloud.template_base}/{tree.root}",
        parameters=tree.parameters, tags=tree.tags, is_new=is_new,
        kept=() if is_new else tree.kept, alarms=tree.alarms,
    )  # fmt: skip
    proposal = _when_ready(change_set, cloud)
    if proposal.status == "FAILED" and not proposal.is_empty:
        discard(proposal, cloud, is_new=is_new)
        raise StackFailed(f"CloudFormation refuses the templates: {proposal.reason}", hint=hint_for(proposal.reason),
                          reason=proposal.reason, status=proposal.status)  # fmt: skip
    return StackPlan(tree, proposal, _deepened(proposal.changes, old, tree), is_new)


def upload(tree: StackTree, cloud: StackCloud) -> None:
    """Keys hold a digest of the content, so what is there is right."""
    if not cloud.buckets.exists(cloud.artefacts):
        cloud.buckets.create(cloud.artefacts, tags={MANAGED_TAG: "true"})
    for key, content in tree.files.items():
        if not cloud.buckets.has(cloud.artefacts, key):
            cloud.buckets.upload(cloud.artefacts, key, content)


def discard(proposal: Proposal, cloud: StackCloud, *, is_new: bool) -> None:
    """A change set for a new stack leaves an empty stack behind."""
    cloud.stacks.drop(proposal.id)
    if is_new and proposal.stack_id:
        cloud.stacks.delete(proposal.stack_id)


def _must_be_still(state: StackState | None) -> None:
    if state is not None and state.is_moving:
        raise StackBusy(
            f"{state.name} is being changed by somebody else ({state.status}).", hint="Wait for `infra status`, then ask again."
        )


def _when_ready(change_set: str, cloud: StackCloud) -> Proposal:
    while True:
        proposal = cloud.stacks.proposal(change_set)
        if proposal.status not in WAITING:
            return proposal
        cloud.clock.sleep(cloud.look_every)


def _templates_below(stack: str, cloud: StackCloud) -> dict[str, dict[str, Any]]:
    """The deployed template of every nested stack, by its logical name."""
    nested = [found for found in cloud.stacks.resources(stack) if found.kind == NESTED and found.physical.startswith("arn:")]
    return {found.logical: cloud.stacks.template(found.physical) for found in nested}


def _deepened(changes: tuple[Change, ...], old: dict[str, dict[str, Any]], tree: StackTree) -> tuple[Change, ...]:
    """Where nested stacks got no change set their templates are compared; whether something is replaced they do not say."""
    deep = {change.stack for change in changes}
    root = _json(tree.files[tree.root])
    found = list(changes)
    for change in changes:
        if change.kind != NESTED or len(deep) > 1:
            continue
        new = _child(root, change.logical, tree)
        if new is not None and change.action != "Remove":
            found += compare_templates(change.logical, old.get(change.logical, {}), new)
    return tuple(found)


def _child(root: dict[str, Any], logical: str, tree: StackTree) -> dict[str, Any] | None:
    url = json.dumps(root.get("Resources", {}).get(logical, {}).get("Properties", {}).get("TemplateURL", ""))
    key = next((key for key in tree.files if key.endswith(".json") and key in url), None)
    return None if key is None else _json(tree.files[key])


def compare_templates(stack: str, old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    before, after = old.get("Resources", {}), new.get("Resources", {})
    found = []
    for logical in sorted({*before, *after}):
        if before.get(logical) == after.get(logical):
            continue
        action = "Add" if logical not in before else "Remove" if logical not in after else "Modify"
        kind = (after.get(logical) or before[logical])["Type"]
        found.append(Change(stack, action, logical, kind, replacement="Conditional" if action == "Modify" else ""))
    return found


def _json(content: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(content if isinstance(content, bytes) else content.read_bytes())
    return parsed
