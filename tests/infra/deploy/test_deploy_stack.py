"""A change is planned, made and watched; what fails is named, and a failed first deployment leaves nothing."""

from __future__ import annotations

import json

import pytest

from portal.aws.cloudformation import NESTED, Change, StackEvent
from portal.core.errors import Conflict
from portal.usecases.deploy_stack import deploy_stack, make_ready
from portal.usecases.plan_stack import plan_stack
from portal.usecases.stack_parts import StackBusy, StackFailed, StackTree
from tests.infra.deploy.fakes import CHILD_ID, ROOT_ID, FakeBuckets, FakeStacks, a_cloud, a_proposal, event, nested, state

CHILD = {"Resources": {"Results": {"Type": "AWS::S3::Bucket"}, "Queue": {"Type": "AWS::SQS::Queue"}}}
ROOT = {
    "Resources": {
        "Storage": {"Type": NESTED, "Properties": {"TemplateURL": {"Fn::Sub": "${TemplateBase}/templates/2/storage.json"}}}
    }
}
ADDED = a_proposal(Change("knopfdruck-dev", "Add", "Queue", "AWS::SQS::Queue"))


def a_tree(**more: object) -> StackTree:
    files = {"templates/1/main.json": json.dumps(ROOT).encode(), "templates/2/storage.json": json.dumps(CHILD).encode()}
    return StackTree("dev", "templates/1/main.json", files, {"Environment": "dev"}, **more)  # type: ignore[arg-type]


def silent(_: StackEvent) -> None: ...


def test_only_what_is_not_there_is_uploaded() -> None:
    buckets = FakeBuckets(content={"knopfdruck-artefacts-1-eu-central-1": {"templates/2/storage.json": b"there"}})
    plan_stack(a_tree(), a_cloud(FakeStacks(proposals=[ADDED]), buckets=buckets))
    assert buckets.content["knopfdruck-artefacts-1-eu-central-1"]["templates/2/storage.json"] == b"there"
    assert "templates/1/main.json" in buckets.content["knopfdruck-artefacts-1-eu-central-1"]


def test_the_change_set_is_waited_for_and_names_template_parameters_and_tags() -> None:
    stacks = FakeStacks(proposals=[a_proposal(status="CREATE_IN_PROGRESS"), ADDED])
    plan = plan_stack(a_tree(), a_cloud(stacks))
    assert (plan.is_new, plan.is_empty, len(plan.changes)) == (True, False, 1)
    base = "https://s3.eu-central-1.amazonaws.com/knopfdruck-artefacts-1-eu-central-1"
    assert stacks.proposed["template_url"] == f"{base}/templates/1/main.json"
    assert stacks.proposed["tags"] == {"knopfdruck:env": "dev", "knopfdruck:managed": "true"}


def test_a_stack_that_somebody_changes_is_left_alone() -> None:
    stacks = FakeStacks(standing=state("UPDATE_IN_PROGRESS"), proposals=[ADDED])
    with pytest.raises(StackBusy, match="somebody else"):
        plan_stack(a_tree(), a_cloud(stacks))
    assert not stacks.proposed


def test_nothing_to_change_is_no_failure_and_a_refused_template_is_one() -> None:
    standing = state("CREATE_COMPLETE")
    nothing = a_proposal(status="FAILED", reason="The submitted information didn't contain changes.")
    assert plan_stack(a_tree(), a_cloud(FakeStacks(standing=standing, proposals=[nothing]))).is_empty
    stacks = FakeStacks(proposals=[a_proposal(status="FAILED", reason="Template error: S3 error: Access Denied")])
    with pytest.raises(StackFailed, match="Access Denied"):
        plan_stack(a_tree(), a_cloud(stacks))
    assert stacks.done == ["drop", "delete"], "the empty stack of the change set goes too"


def test_what_holds_data_and_would_be_replaced_or_removed_is_found() -> None:
    changes = [
        Change("s", "Modify", "Results", "AWS::S3::Bucket", replacement="True"),
        Change("s", "Modify", "Files", "AWS::EFS::FileSystem", replacement="Conditional"),
        Change("s", "Remove", "Database", "AWS::RDS::DBInstance"),
        Change("s", "Modify", "Other", "AWS::S3::Bucket", replacement="False"),
        Change("s", "Add", "New", "AWS::S3::Bucket"),
        Change("s", "Modify", "Topic", "AWS::SNS::Topic", replacement="True"),
    ]
    plan = plan_stack(a_tree(), a_cloud(FakeStacks(standing=state("CREATE_COMPLETE"), proposals=[a_proposal(*changes)])))
    assert [change.logical for change in plan.endangered] == ["Results", "Files", "Database"]


def test_without_change_sets_for_nested_stacks_their_templates_are_compared() -> None:
    old = {
        "Resources": {
            "Results": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "old"}},
            "Gone": {"Type": "AWS::SNS::Topic"},
        }
    }
    stacks = FakeStacks(
        standing=state("CREATE_COMPLETE"), proposals=[a_proposal(Change("knopfdruck-dev", "Modify", "Storage", NESTED))],
        resources_of={ROOT_ID: [nested()]}, templates={CHILD_ID: old},
    )  # fmt: skip
    plan = plan_stack(a_tree(), a_cloud(stacks))
    assert [(change.action, change.logical) for change in plan.changes[1:]] == [
        ("Remove", "Gone"),
        ("Add", "Queue"),
        ("Modify", "Results"),
    ]
    assert [change.logical for change in plan.endangered] == ["Results"]


def test_events_of_all_stacks_are_told_once_and_the_stack_is_protected_where_asked() -> None:
    stacks = FakeStacks(
        proposals=[ADDED], life=[state("CREATE_IN_PROGRESS")] * 3 + [state("CREATE_COMPLETE", outputs={"Region": "x"})],
        known={ROOT_ID: [event(0, "knopfdruck-dev", "REVIEW_IN_PROGRESS")], CHILD_ID: []},
        later=[
            (ROOT_ID, event(1, "Storage", "CREATE_IN_PROGRESS", kind=NESTED, physical=CHILD_ID)),
            (CHILD_ID, event(2, "Queue", "CREATE_COMPLETE", stack="child")),
            (ROOT_ID, event(3, "Storage", "CREATE_COMPLETE", kind=NESTED, physical=CHILD_ID)),
        ],
    )  # fmt: skip
    cloud, told = a_cloud(stacks), list[StackEvent]()
    found = deploy_stack(plan_stack(a_tree(is_protected=True), cloud), cloud, told.append)
    assert found.outputs == {"Region": "x"}
    assert [(one.stack, one.logical, one.status) for one in told] == [
        ("knopfdruck-dev", "Storage", "CREATE_IN_PROGRESS"), ("child", "Queue", "CREATE_COMPLETE"),
        ("knopfdruck-dev", "Storage", "CREATE_COMPLETE"),
    ]  # fmt: skip
    assert stacks.done == ["accept", "protect"]


def test_the_first_cause_is_named_and_a_failed_first_deployment_is_removed() -> None:
    stacks = FakeStacks(
        proposals=[ADDED],
        life=[state(f"{word}_IN_PROGRESS") for word in ("CREATE", "ROLLBACK", "ROLLBACK")] + [state("ROLLBACK_COMPLETE")],
        known={
            ROOT_ID: [],
            CHILD_ID: [event(3, "Queue", "CREATE_FAILED", stack="child", reason="You have exceeded your quota of queues.")],
        },
        later=[
            (ROOT_ID, event(2, "Topic", "CREATE_FAILED", reason="Resource creation cancelled")),
            (ROOT_ID, event(4, "Storage", "CREATE_FAILED", kind=NESTED, reason="Embedded stack failed", physical=CHILD_ID)),
        ],
    )  # fmt: skip
    cloud = a_cloud(stacks)
    with pytest.raises(StackFailed) as failed:
        deploy_stack(plan_stack(a_tree(), cloud), cloud, silent)
    assert failed.value.resource == "child/Queue"
    assert "exceeded your quota" in failed.value.message
    assert "ROLLBACK_COMPLETE" in failed.value.message
    assert "Service Quotas" in failed.value.hint
    assert stacks.done == ["accept", "delete"]
    assert stacks.standing == state("DELETE_COMPLETE")


def test_a_failed_change_is_rolled_back_and_the_stack_stays() -> None:
    stacks = FakeStacks(
        standing=state("CREATE_COMPLETE"), proposals=[ADDED], known={ROOT_ID: []},
        life=[state("UPDATE_IN_PROGRESS"), state("UPDATE_ROLLBACK_IN_PROGRESS"), state("UPDATE_ROLLBACK_COMPLETE")],
        later=[(ROOT_ID, event(1, "Role", "UPDATE_FAILED", reason="User is not authorized to perform iam:PassRole"))],
    )  # fmt: skip
    cloud = a_cloud(stacks)
    with pytest.raises(StackFailed, match="PassRole") as failed:
        deploy_stack(plan_stack(a_tree(), cloud), cloud, silent)
    assert failed.value.status == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.done == ["accept"]


def test_what_an_earlier_failure_left_is_removed_before_the_next_deployment() -> None:
    stacks = FakeStacks(standing=state("ROLLBACK_COMPLETE"), known={ROOT_ID: []})
    make_ready("knopfdruck-dev", a_cloud(stacks), silent)
    assert stacks.done == ["delete"]


def test_a_rollback_that_was_stuck_goes_on_or_says_what_holds_it() -> None:
    stuck = state("UPDATE_ROLLBACK_FAILED")
    stacks = FakeStacks(
        standing=stuck, known={ROOT_ID: []}, life=[state("UPDATE_ROLLBACK_IN_PROGRESS"), state("UPDATE_ROLLBACK_COMPLETE")]
    )
    make_ready("knopfdruck-dev", a_cloud(stacks), silent)
    assert stacks.done == ["resume"]
    held = FakeStacks(
        standing=stuck,
        known={ROOT_ID: []},
        life=[stuck],
        later=[(ROOT_ID, event(1, "Files", "UPDATE_FAILED", reason="is in use"))],
    )
    with pytest.raises(Conflict, match="Files"):
        make_ready("knopfdruck-dev", a_cloud(held), silent)
