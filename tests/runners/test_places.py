"""What a waiting worker learns from its platform and asks of it: EC2 by IMDSv2 and its group, ECS by its agent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.stub import Stubber

from portal.aws.errors import AwsDenied, AwsMissing, AwsRefused
from portal.aws.scaling_group import OwnGroup
from runner_images.pool.metadata import Imds, NoMetadata
from runner_images.pool.places import Host, Instance, Task, open_place
from tests.runners.platforms import TASK, Platform, platform

REGION, ME = "eu-central-1", "i-0123456789abcdef0"
DETAILS = {"InstanceId": ME, "AutoScalingGroupName": "workers", "AvailabilityZone": "eu-central-1b",
           "LifecycleState": "InService", "HealthStatus": "HEALTHY", "ProtectedFromScaleIn": False}  # fmt: skip


@pytest.fixture
def its(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with platform() as found:
        yield found


def instance(its: Platform, **more: str) -> Instance:
    found = open_place({"KNOPFDRUCK_PLACE": "ec2", "AWS_EC2_METADATA_SERVICE_ENDPOINT": its.url, **more})
    assert isinstance(found, Instance)
    return found


def test_an_instance_knows_itself_and_no_warning(its: Platform) -> None:
    place = instance(its)
    assert (place.worker, place.az, place.warning()) == ("i-0123456789abcdef0", "eu-central-1b", "")
    assert its.tokens == ["token-0"]


def test_a_spot_notice_and_a_recommendation_are_warnings(its: Platform) -> None:
    place = instance(its)
    its.paths["events/recommendations/rebalance"] = '{"noticeTime": "2026-11-24T20:00:00Z"}'
    assert "recommends to leave" in place.warning()
    its.take_back()
    assert place.warning() == "EC2 takes this spot instance back: terminate at 2026-11-24T20:00:00Z."
    its.paths["spot/instance-action"] = "nonsense"
    assert place.warning() == "EC2 takes this spot instance back."


def test_a_token_that_is_not_taken_any_more_is_made_anew(its: Platform) -> None:
    place = instance(its)
    its.forget_tokens()
    its.take_back()
    assert "takes this spot instance back" in place.warning()
    assert its.tokens[-1] == "token-2"


def test_metadata_that_is_away_is_no_warning(its: Platform) -> None:
    place = instance(its)
    place._imds = Imds("http://127.0.0.1:9")
    assert place.warning() == ""
    with pytest.raises(NoMetadata, match=r"127\.0\.0\.1:9"):
        open_place({"KNOPFDRUCK_PLACE": "ec2", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:9"})


def test_an_instance_without_an_id_is_refused(its: Platform) -> None:
    del its.paths["instance-id"]
    with pytest.raises(NoMetadata, match="does not say its instance-id"):
        instance(its)


def test_a_task_knows_itself_and_protects_itself(its: Platform) -> None:
    place = open_place({"ECS_CONTAINER_METADATA_URI_V4": its.url, "ECS_AGENT_URI": its.url})
    assert isinstance(place, Task)
    assert (place.worker, place.az) == (TASK, "eu-central-1c")
    place.protect(True)
    place.protect(False)
    assert its.protection == [{"ProtectionEnabled": True, "ExpiresInMinutes": 120}, {"ProtectionEnabled": False}]


def test_elsewhere_it_is_a_host_of_a_name_of_its_own() -> None:
    place = open_place({"KNOPFDRUCK_WORKER": "bench-1", "KNOPFDRUCK_AZ": "here"})
    assert isinstance(place, Host)
    assert (place.worker, place.az, place.warning(), place.leave()) == ("bench-1", "here", "", True)


@pytest.mark.usefixtures("its")
def test_an_instance_protects_itself_and_leaves_its_group_smaller() -> None:
    own = OwnGroup(ME, region=REGION)
    with Stubber(own._scaling) as scaling:
        of_me = {"InstanceIds": [ME]}
        scaling.add_response("describe_auto_scaling_instances", {"AutoScalingInstances": [DETAILS]}, of_me)
        for on in (True, False):
            wanted = {"AutoScalingGroupName": "workers", "InstanceIds": [ME], "ProtectedFromScaleIn": on}
            scaling.add_response("set_instance_protection", {}, wanted)
            own.protect(on)
        leaving = {"InstanceId": ME, "ShouldDecrementDesiredCapacity": True}
        scaling.add_response("terminate_instance_in_auto_scaling_group", {}, leaving)
        own.leave()
        scaling.add_client_error("terminate_instance_in_auto_scaling_group", "ValidationError", "below min size", 400)
        with pytest.raises(AwsRefused, match="below min size"):
            own.leave()
        scaling.assert_no_pending_responses()


def test_its_hooks_hear_when_it_waits_for_calls_and_when_it_is_empty(its: Platform) -> None:
    its.paths["tags/instance/aws:autoscaling:groupName"] = "workers"
    place = instance(its)
    with Stubber(place._group._scaling) as scaling:
        for hook in ("boot", "drain"):
            wanted = {"AutoScalingGroupName": "workers", "LifecycleHookName": hook, "InstanceId": ME,
                      "LifecycleActionResult": "CONTINUE"}  # fmt: skip
            scaling.add_response("complete_lifecycle_action", {}, wanted)
        place.greet()
        place.part()
        scaling.assert_no_pending_responses()
        scaling.add_client_error("complete_lifecycle_action", "ValidationError", "No active Lifecycle Action found", 400)
        place.part()
        scaling.add_client_error("complete_lifecycle_action", "AccessDenied", "no", 403)
        with pytest.raises(AwsDenied):
            place.part()


def test_a_group_that_ends_it_is_a_warning(its: Platform) -> None:
    place = instance(its)
    its.paths["autoscaling/target-lifecycle-state"] = "InService"
    assert place.warning() == ""
    its.paths["autoscaling/target-lifecycle-state"] = "Terminated"
    assert place.warning() == "The Auto Scaling group ends this instance."


@pytest.mark.usefixtures("its")
def test_an_instance_of_no_group_says_so() -> None:
    own = OwnGroup(ME, region=REGION)
    with Stubber(own._scaling) as scaling:
        scaling.add_response("describe_auto_scaling_instances", {"AutoScalingInstances": []}, {"InstanceIds": [ME]})
        with pytest.raises(AwsMissing, match="is in no Auto Scaling group"):
            own.protect(True)


def test_at_the_groups_least_size_an_instance_stays(its: Platform, tmp_path: Path) -> None:
    place = instance(its, KNOPFDRUCK_SHUTDOWN=f"touch {tmp_path}/off")
    with Stubber(place._group._scaling) as scaling:
        scaling.add_client_error("terminate_instance_in_auto_scaling_group", "ValidationError", "below min size", 400)
        assert place.leave() is False
        assert not (tmp_path / "off").exists()
        scaling.add_client_error("terminate_instance_in_auto_scaling_group", "AccessDenied", "no", 403)
        assert place.leave() is True
        assert (tmp_path / "off").exists()
