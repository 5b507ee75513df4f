"""ECS tasks really run: output, exit codes, draining, file systems, credentials, health, protection."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from infra_gen.emulator.process import Emulator
from tests.infra.emulator.conftest import Client, eventually

pytestmark = pytest.mark.emulator
ROLE = "arn:aws:iam::000000000000:role/knopfdruck/dev/task"


def shell(line: str, **settings: Any) -> dict[str, Any]:
    return {"name": "agent", "image": "example/artillery:1", "command": ["/bin/sh", "-c", line], "essential": True, **settings}


def register(aws: Client, container: dict[str, Any], **settings: Any) -> str:
    aws("ecs").create_cluster(clusterName="load")
    definition = aws("ecs").register_task_definition(
        family="worker",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        taskRoleArn=ROLE,
        containerDefinitions=[container],
        **settings,
    )
    return str(definition["taskDefinition"]["taskDefinitionArn"])


def start(aws: Client, definition: str, **settings: Any) -> str:
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}}
    answer = aws("ecs").run_task(
        cluster="load", taskDefinition=definition, launchType="FARGATE", networkConfiguration=network, **settings
    )
    return str(answer["tasks"][0]["taskArn"])


def task(aws: Client, arn: str) -> dict[str, Any]:
    return dict(aws("ecs").describe_tasks(cluster="load", tasks=[arn])["tasks"][0])


def ended(aws: Client, arn: str) -> dict[str, Any]:
    return dict(eventually(lambda: (found := task(aws, arn))["lastStatus"] == "STOPPED" and found))


def test_a_task_ends_with_the_exit_code_of_its_process_and_its_output_is_in_the_log(aws: Client) -> None:
    aws("logs").create_log_group(logGroupName="/knopfdruck/dev/fargate")
    options = {"awslogs-group": "/knopfdruck/dev/fargate", "awslogs-stream-prefix": "run", "awslogs-region": "eu-central-1"}
    container = shell("echo slot $SLOT; exit 7", logConfiguration={"logDriver": "awslogs", "options": options})
    environment = [{"name": "SLOT", "value": "3"}]
    overrides = {"containerOverrides": [{"name": "agent", "environment": environment}]}

    arn = start(aws, register(aws, container), overrides=overrides)

    found = ended(aws, arn)
    assert (found["containers"][0]["exitCode"], found["stopCode"]) == (7, "EssentialContainerExited")
    stream = f"run/agent/{arn.rsplit('/', 1)[-1]}"
    read = partial(aws("logs").get_log_events, logGroupName="/knopfdruck/dev/fargate", logStreamName=stream)
    assert [event["message"] for event in eventually(lambda: read()["events"])] == ["slot 3"]


def test_a_stopped_task_drains_first_and_keeps_its_own_exit_code(aws: Client, emulator: Emulator) -> None:
    line = "trap 'sleep 0.6; exit 5' TERM; touch up; while true; do sleep 0.1; done"
    arn = start(aws, register(aws, shell(line, stopTimeout=30)))
    up = emulator.dir / "tasks" / arn.rsplit("/", 1)[-1] / "agent" / "up"
    assert eventually(up.exists)

    stopped = aws("ecs").stop_task(cluster="load", task=arn, reason="enough")["task"]

    assert (stopped["desiredStatus"], stopped["lastStatus"]) == ("STOPPED", "STOPPING")
    found = ended(aws, arn)
    assert (found["containers"][0]["exitCode"], found["stopCode"], found["stoppedReason"]) == (5, "UserInitiated", "enough")


def test_what_does_not_end_in_its_stop_timeout_is_killed(aws: Client, emulator: Emulator) -> None:
    arn = start(aws, register(aws, shell("trap '' TERM; touch up; while true; do sleep 0.1; done", stopTimeout=2)))
    up = emulator.dir / "tasks" / arn.rsplit("/", 1)[-1] / "agent" / "up"
    assert eventually(up.exists)

    aws("ecs").stop_task(cluster="load", task=arn)

    assert ended(aws, arn)["containers"][0]["exitCode"] == 137


def test_an_access_point_is_a_folder_that_outlives_the_task(aws: Client, emulator: Emulator) -> None:
    efs = aws("efs")
    system = efs.create_file_system(CreationToken="results")["FileSystemId"]
    point = efs.create_access_point(FileSystemId=system, RootDirectory={"Path": "/results"})["AccessPointId"]
    access = {"accessPointId": point, "iam": "ENABLED"}
    settings = {"fileSystemId": system, "transitEncryption": "ENABLED", "authorizationConfig": access}
    container = shell(
        'echo measured > "$KNOPFDRUCK_RESULTS_DIR/summary"',
        environment=[{"name": "KNOPFDRUCK_RESULTS_DIR", "value": "/results/run-1"}],
        mountPoints=[{"sourceVolume": "results", "containerPath": "/results"}],
    )
    (emulator.dir / "efs" / system / "results" / "run-1").mkdir(parents=True)

    arn = start(aws, register(aws, container, volumes=[{"name": "results", "efsVolumeConfiguration": settings}]))

    assert ended(aws, arn)["containers"][0]["exitCode"] == 0
    assert (emulator.dir / "efs" / system / "results" / "run-1" / "summary").read_text() == "measured\n"


def test_a_task_gets_credentials_of_its_role(aws: Client, emulator: Emulator) -> None:
    arn = start(aws, register(aws, shell('curl -s "$AWS_CONTAINER_CREDENTIALS_FULL_URI" > document; sleep 0.2')))

    ended(aws, arn)

    document = (emulator.dir / "tasks" / arn.rsplit("/", 1)[-1] / "agent" / "document").read_text()
    assert f'"RoleArn": "{ROLE}"' in document


def test_an_image_this_machine_cannot_run_fails_to_start_with_a_sentence(aws: Client) -> None:
    container = {"name": "agent", "image": "example/nginx:1", "essential": True}

    found = ended(aws, start(aws, register(aws, container)))

    assert found["stopCode"] == "TaskFailedToStart"
    assert "example/nginx:1" in found["stoppedReason"]


def test_the_health_check_of_the_definition_is_really_run(aws: Client) -> None:
    check = {"command": ["CMD-SHELL", "test -e up"], "interval": 5, "timeout": 2, "retries": 1}
    arn = start(aws, register(aws, shell("touch up; sleep 20", healthCheck=check)))

    assert eventually(lambda: task(aws, arn)["healthStatus"] == "HEALTHY")


def test_a_service_that_scales_in_spares_the_task_that_protected_itself(aws: Client, emulator: Emulator) -> None:
    line = 'curl -s -X PUT "$ECS_AGENT_URI/task-protection/v1/state" -d \'{"ProtectionEnabled": true}\' > said; sleep 30'
    ecs = aws("ecs")
    definition = register(aws, shell(line, stopTimeout=2))
    network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
    ecs.create_service(
        cluster="load",
        serviceName="pool",
        taskDefinition=definition,
        desiredCount=1,
        launchType="FARGATE",
        networkConfiguration=network,
    )
    [kept] = eventually(lambda: ecs.list_tasks(cluster="load", serviceName="pool")["taskArns"])
    said = emulator.dir / "tasks" / kept.rsplit("/", 1)[-1] / "agent" / "said"
    assert eventually(lambda: said.exists() and "true" in said.read_text().lower())

    ecs.update_service(cluster="load", service="pool", desiredCount=0)

    assert task(aws, kept)["desiredStatus"] == "RUNNING"
    ecs.update_task_protection(cluster="load", tasks=[kept], protectionEnabled=False)
    ecs.update_service(cluster="load", service="pool", desiredCount=0)
    assert ended(aws, kept)["stoppedReason"] == "Service scaling down"


def test_a_task_of_no_service_cannot_be_protected(aws: Client) -> None:
    arn = start(aws, register(aws, shell("sleep 5", stopTimeout=2)))

    answer = aws("ecs").update_task_protection(cluster="load", tasks=[arn], protectionEnabled=True)

    assert [failure["reason"] for failure in answer["failures"]] == ["TASK_NOT_VALID"]
