"""Deleting ends workers first, empties what may go, says what stays, and takes the artefact bucket with the last stack."""

from __future__ import annotations

import pytest

from portal.aws.cloudformation import Resource, StackEvent
from portal.core.errors import Conflict, NotFound
from portal.usecases.delete_stack import delete_stack
from portal.usecases.stack_parts import StackCloud, StackFailed
from tests.infra.deploy.fakes import CHILD_ID, ROOT_ID, FakeBuckets, FakeDrain, FakeStacks, a_cloud, event, nested, state

DONE = "CREATE_COMPLETE"
SERVICE = "arn:aws:ecs:eu-central-1:1:service/runners/pool"
ARTEFACTS = "knopfdruck-artefacts-1-eu-central-1"


def silent(_: StackEvent) -> None: ...


def a_stack(**more: object) -> FakeStacks:
    return FakeStacks(
        standing=state(DONE, **more), known={ROOT_ID: []},
        resources_of={ROOT_ID: [nested()], CHILD_ID: [
            Resource("Results", "results", "AWS::S3::Bucket", DONE), Resource("Kept", "kept", "AWS::S3::Bucket", DONE),
            Resource("Cluster", "runners", "AWS::ECS::Cluster", DONE), Resource("Pool", SERVICE, "AWS::ECS::Service", DONE),
            Resource("Group", "workers", "AWS::AutoScaling::AutoScalingGroup", DONE),
        ]},
        templates={CHILD_ID: {"Resources": {"Kept": {"DeletionPolicy": "Retain"}}}},
    )  # fmt: skip


def delete(cloud: StackCloud, said: list[str], *, unprotect: bool = False) -> list[str]:
    return [one.physical for one in delete_stack("knopfdruck-dev", cloud, silent, said.append, unprotect=unprotect)]


def test_workers_end_before_buckets_are_emptied_and_what_is_retained_keeps_its_content() -> None:
    buckets = FakeBuckets(content={"results": {"a": b"1", "b": b"2"}, "kept": {"c": b"3"}, ARTEFACTS: {"t": b"4"}})
    drain, said = FakeDrain(tasks=3, machines=2), list[str]()
    stacks = a_stack()
    assert delete(a_cloud(stacks, buckets=buckets, drain=drain), said) == ["kept"]
    assert drain.told == [f"runners:{SERVICE}", "workers"]
    assert (drain.tasks, drain.machines) == (0, 0)
    assert buckets.content == {"results": {}, "kept": {"c": b"3"}}
    assert stacks.done == ["delete"]
    assert any("2 objects" in line for line in said)


def test_a_protected_stack_needs_a_second_word() -> None:
    stacks = a_stack(is_protected=True)
    with pytest.raises(Conflict, match="protected"):
        delete(a_cloud(stacks), [])
    assert stacks.done == []
    delete(a_cloud(stacks), [], unprotect=True)
    assert stacks.done == ["unprotect", "delete"]


def test_a_stack_that_is_not_there_or_moves_is_not_deleted() -> None:
    with pytest.raises(NotFound, match="no stack knopfdruck-dev"):
        delete(a_cloud(FakeStacks()), [])
    stacks = FakeStacks(standing=state("UPDATE_IN_PROGRESS"))
    with pytest.raises(Conflict, match="somebody else"):
        delete(a_cloud(stacks), [])
    assert stacks.done == []


def test_a_bucket_that_was_written_to_meanwhile_is_emptied_again() -> None:
    stacks = a_stack()
    stacks.after_delete = [state("DELETE_IN_PROGRESS"), state("DELETE_FAILED")]
    delete(a_cloud(stacks), [])
    assert stacks.done == ["delete", "delete"]


def test_what_cannot_be_deleted_is_named() -> None:
    class Stuck(FakeStacks):
        def delete(self, stack: str, *, retain: tuple[str, ...] = ()) -> None:
            self.done.append("delete")
            self.life = [state("DELETE_FAILED")]
            self.later = [(ROOT_ID, event(len(self.done), "Network", "DELETE_FAILED", reason="has a dependent object"))]

    stacks = Stuck(standing=state(DONE), known={ROOT_ID: []})
    with pytest.raises(StackFailed, match=r"Network.*dependent object"):
        delete(a_cloud(stacks), [])


def test_the_artefact_bucket_stays_while_another_environment_uses_it() -> None:
    class Two(FakeStacks):
        def stacks(self, prefix: str) -> tuple[object, ...]:  # type: ignore[override]
            return (state(DONE),)

    buckets = FakeBuckets(content={ARTEFACTS: {"t": b"4"}})
    kept = delete(a_cloud(Two(standing=state(DONE), known={ROOT_ID: []}), buckets=buckets), [])
    assert kept == [ARTEFACTS]
    assert buckets.content == {ARTEFACTS: {"t": b"4"}}
