"""Auto Scaling groups run their user data on instances of several zones, replace what is lost, and keep what is protected."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra_gen.emulator.process import Emulator
from tests.infra.emulator import templates
from tests.infra.emulator.conftest import Client, eventually, folder_of

pytestmark = pytest.mark.emulator


def group_of(aws: Client, name: str) -> dict[str, Any]:
    return dict(aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0])


def members(aws: Client, name: str) -> list[str]:
    return [member["InstanceId"] for member in group_of(aws, name)["Instances"]]


def metadata(emulator: Emulator, instance: str, path: str) -> str:
    url = next(each["metadata"] for each in emulator.instances() if each["instance"] == instance)
    ttl = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/latest/api/token", method="PUT", headers=ttl)) as answer:
        token = answer.read().decode()
    request = urllib.request.Request(f"{url}{path}", headers={"X-aws-ec2-metadata-token": token})
    with urllib.request.urlopen(request) as answer:
        return str(answer.read().decode())


def test_instances_are_spread_over_zones_on_demand_up_to_the_base_and_spot_above_it(aws: Client) -> None:
    made = templates.deploy(aws, templates.group(5))

    found = group_of(aws, made["Group"])["Instances"]
    assert sorted(Counter(member["AvailabilityZone"] for member in found).values()) == [1, 2, 2]
    assert {member["InstanceType"] for member in found} == {"c7g.large", "c6g.large"}
    reservations = aws("ec2").describe_instances(InstanceIds=[member["InstanceId"] for member in found])["Reservations"]
    instances = [instance for reservation in reservations for instance in reservation["Instances"]]
    assert Counter(instance.get("InstanceLifecycle", "on-demand") for instance in instances) == {"on-demand": 2, "spot": 3}
    tags = [{tag["Key"]: tag["Value"] for tag in instance["Tags"]} for instance in instances]
    assert {(each["knopfdruck:env"], each["aws:autoscaling:groupName"]) for each in tags} == {("dev", made["Group"])}


def test_user_data_starts_the_service_that_reads_its_environment_file(aws: Client, emulator: Emulator) -> None:
    made = templates.deploy(aws, templates.group(1))

    [instance] = members(aws, made["Group"])
    folder = folder_of(emulator, instance)
    assert eventually((folder / "user-data-done").exists), (folder / "console.log").read_text()
    assert eventually(lambda: (folder / "told").exists() and (folder / "told").read_text() == "dev-massive\n")


def test_a_service_that_ends_is_started_again_as_its_unit_says(aws: Client, emulator: Emulator) -> None:
    made = templates.deploy(aws, templates.group(1))
    [instance] = members(aws, made["Group"])
    state = folder_of(emulator, instance) / "units" / "probe.json"
    assert eventually(lambda: state.exists() and json.loads(state.read_text())["active"])
    first = json.loads(state.read_text())["pid"]

    os.kill(first, 9)

    again = eventually(lambda: (found := json.loads(state.read_text()))["starts"] == 2 and found)
    assert again["pid"] != first


def test_a_unit_that_ends_the_machine_when_it_ends_well_does_so(aws: Client, emulator: Emulator) -> None:
    command = """/bin/sh -c 'test -e "$KNOPFDRUCK_ROOT/may-end"'"""
    unit = f"[Unit]\nSuccessAction=poweroff\n[Service]\nExecStart={command}\nRestart=on-failure\n"
    name = templates.deploy(aws, templates.group(1, unit=unit))["Group"]
    [instance] = members(aws, name)
    state = folder_of(emulator, instance) / "units" / "probe.json"
    assert eventually(lambda: state.exists() and json.loads(state.read_text())["starts"] > 1)
    assert members(aws, name) == [instance], "when it fails, it is only started again"

    (folder_of(emulator, instance) / "may-end").touch()

    assert eventually(lambda: len(found := members(aws, name)) == 1 and found != [instance])


def test_an_instance_reads_itself_and_its_credentials_with_a_token_alone(aws: Client, emulator: Emulator) -> None:
    made = templates.deploy(aws, templates.group(1))
    [instance] = members(aws, made["Group"])

    assert metadata(emulator, instance, "/latest/meta-data/instance-id") == instance
    assert metadata(emulator, instance, "/latest/meta-data/placement/availability-zone").startswith("eu-central-1")
    identity = json.loads(metadata(emulator, instance, "/latest/dynamic/instance-identity/document"))
    assert (identity["instanceId"], identity["region"]) == (instance, "eu-central-1")
    role = metadata(emulator, instance, "/latest/meta-data/iam/security-credentials/")
    assert role == made["Role"]
    assert json.loads(metadata(emulator, instance, f"/latest/meta-data/iam/security-credentials/{role}"))["Code"] == "Success"
    [url] = [each["metadata"] for each in emulator.instances()]
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{url}/latest/meta-data/instance-id")


def test_a_spot_notice_is_read_first_and_the_instance_is_taken_and_replaced_then(aws: Client, emulator: Emulator) -> None:
    made = templates.deploy(aws, templates.group(1))
    [instance] = members(aws, made["Group"])
    with pytest.raises(urllib.error.HTTPError, match="404"):
        metadata(emulator, instance, "/latest/meta-data/spot/instance-action")

    emulator.spot_notice(instance, seconds=1.5)

    notice = json.loads(metadata(emulator, instance, "/latest/meta-data/spot/instance-action"))
    assert notice["action"] == "terminate"
    assert members(aws, made["Group"]) == [instance]
    assert eventually(lambda: instance not in members(aws, made["Group"]))
    assert len(members(aws, made["Group"])) == 1


def test_a_killed_instance_takes_its_processes_with_it_and_is_replaced(aws: Client, emulator: Emulator) -> None:
    made = templates.deploy(aws, templates.group(2))
    gone, kept = members(aws, made["Group"])
    state = folder_of(emulator, gone) / "units" / "probe.json"
    assert eventually(lambda: state.exists() and json.loads(state.read_text())["active"])
    pid = json.loads(state.read_text())["pid"]

    emulator.kill(gone)

    assert eventually(lambda: not os.path.exists(f"/proc/{pid}"))
    assert kept in members(aws, made["Group"])
    assert len(members(aws, made["Group"])) == 2
    activities = aws("autoscaling").describe_scaling_activities(AutoScalingGroupName=made["Group"])["Activities"]
    assert any(gone in activity["Description"] and "Terminating" in activity["Description"] for activity in activities)


def test_scaling_in_spares_the_protected_and_termination_by_id_does_not(aws: Client) -> None:
    scaling = aws("autoscaling")
    name = templates.deploy(aws, templates.group(3))["Group"]
    kept = members(aws, name)[1]
    scaling.set_instance_protection(AutoScalingGroupName=name, InstanceIds=[kept], ProtectedFromScaleIn=True)

    scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=0)

    assert members(aws, name) == [kept]
    scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=1)
    scaling.terminate_instance_in_auto_scaling_group(InstanceId=kept, ShouldDecrementDesiredCapacity=True)
    assert members(aws, name) == []


def test_capacity_outside_the_bounds_is_refused(aws: Client) -> None:
    name = templates.deploy(aws, templates.group(0))["Group"]

    with pytest.raises(ClientError, match="above max value 6"):
        aws("autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=7)


def test_a_launching_hook_holds_the_instance_until_its_action_is_completed(aws: Client) -> None:
    hook = {
        "LifecycleHookName": "ready",
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
        "HeartbeatTimeout": 60,
        "DefaultResult": "ABANDON",
    }
    name = templates.deploy(aws, templates.group(1, LifecycleHookSpecificationList=[hook]))["Group"]
    [instance] = members(aws, name)
    assert group_of(aws, name)["Instances"][0]["LifecycleState"] == "Pending:Wait"

    aws("autoscaling").complete_lifecycle_action(
        AutoScalingGroupName=name, LifecycleHookName="ready", InstanceId=instance, LifecycleActionResult="CONTINUE"
    )

    assert group_of(aws, name)["Instances"][0]["LifecycleState"] == "InService"


def test_a_terminating_hook_gives_the_instance_time_until_its_action_is_completed(aws: Client, emulator: Emulator) -> None:
    scaling = aws("autoscaling")
    name = templates.deploy(aws, templates.group(1))["Group"]
    scaling.put_lifecycle_hook(
        AutoScalingGroupName=name, LifecycleHookName="drain", LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING"
    )
    [instance] = members(aws, name)

    scaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=0)

    assert group_of(aws, name)["Instances"][0]["LifecycleState"] == "Terminating:Wait"
    assert [each["instance"] for each in emulator.instances()] == [instance]
    scaling.complete_lifecycle_action(
        AutoScalingGroupName=name, LifecycleHookName="drain", InstanceId=instance, LifecycleActionResult="CONTINUE"
    )
    assert members(aws, name) == []


def test_with_capacity_rebalance_the_replacement_comes_before_the_risky_instance_goes(aws: Client, emulator: Emulator) -> None:
    name = templates.deploy(aws, templates.group(1, CapacityRebalance=True))["Group"]
    [risky] = members(aws, name)

    emulator.rebalance(risky)

    assert eventually(lambda: len(found := members(aws, name)) == 1 and found != [risky])


def test_deleting_the_stack_ends_every_instance(aws: Client, emulator: Emulator) -> None:
    name = templates.deploy(aws, templates.group(3))["Group"]
    pids = [int(part) for instance in members(aws, name) for part in _pids(emulator, instance)]
    assert len(pids) == 3

    templates.delete(aws)

    assert emulator.instances() == []
    assert eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids))


def _pids(emulator: Emulator, instance: str) -> list[int]:
    state = folder_of(emulator, instance) / "units" / "probe.json"
    assert eventually(lambda: state.exists() and json.loads(state.read_text())["active"])
    return [json.loads(state.read_text())["pid"]]
