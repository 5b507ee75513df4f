"""Ends what is left over: workers whose run is over, that nobody hears, or that are older than any run may be.

It knows nothing of the portal: it is there for when the portal is not. CloudFormation takes this file as it is.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any  # Any: AWS's answers

import boto3

Env = Mapping[str, str]
Orphan = tuple[Callable[[], Any], str, str]
CALM = timedelta(minutes=15)  # The portal itself ends workers before that.
BOOT = timedelta(minutes=30)


def handle(event: object, context: object) -> int:
    env, now, found = os.environ, datetime.now(UTC), 0
    for stop, what, why in (*tasks(env, now), *instances(env, now)):
        print(f"orphan: {what}: {why}")
        found += 1
        if env["ACTS"] == "true":
            stop()
    about = [{"Name": "Environment", "Value": env["ENVIRONMENT"]}]
    said = {"MetricName": "Orphans", "Value": found, "Unit": "Count", "Dimensions": about}
    client("cloudwatch").put_metric_data(Namespace=env["NAMESPACE"], MetricData=[said])
    return found


def client(service: str) -> Any:
    return boto3.client(service)  # type: ignore[call-overload]


def written(env: Env, key: str) -> datetime | None:
    """When the run store's object was written."""
    s3 = client("s3")
    try:
        at: datetime = s3.head_object(Bucket=env["BUCKET"], Key=f"{env['PREFIX']}/{key}")["LastModified"]
    except s3.exceptions.ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
            return None
        raise
    return at


def tasks(env: Env, now: datetime) -> Iterator[Orphan]:
    cluster, ecs = env["CLUSTER"], client("ecs")
    for page in ecs.get_paginator("list_tasks").paginate(cluster=cluster) if cluster else ():
        arns = page["taskArns"]
        for task in ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else ():
            run, arn = task.get("startedBy", ""), task["taskArn"]
            # The pool's service looks after its own tasks.
            why = "" if run.startswith("ecs-svc/") else old(env, task["createdAt"], now) or over(env, run, now)
            if why:
                yield partial(ecs.stop_task, cluster=cluster, task=arn, reason="orphan"), arn, why


def over(env: Env, run: str, now: datetime) -> str:
    for name in ("summary.json", "stop.json") if run else ():
        at = written(env, f"runs/{run}/{name}")
        if at and now - at > CALM:
            return f"run {run} ended {now - at} ago"
    return ""


def old(env: Env, since: datetime, now: datetime) -> str:
    return f"it is {now - since} old" if now - since > timedelta(hours=int(env["MOST_HOURS"])) else ""


def instances(env: Env, now: datetime) -> Iterator[Orphan]:
    scaling = client("autoscaling")
    names = [env["GROUP"]] if env["GROUP"] else []
    groups = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=names)["AutoScalingGroups"] if names else ()
    ids = [each["InstanceId"] for group in groups for each in group["Instances"]]
    for held in client("ec2").describe_instances(InstanceIds=ids)["Reservations"] if ids else ():
        for one in held["Instances"]:
            name, since = one["InstanceId"], one["LaunchTime"]
            why = old(env, since, now) or (silent(env, name, now) if now - since > BOOT else "")
            if why:
                end = scaling.terminate_instance_in_auto_scaling_group
                yield partial(end, InstanceId=name, ShouldDecrementDesiredCapacity=True), name, why


def silent(env: Env, name: str, now: datetime) -> str:
    at = written(env, f"pool/{env['POOL']}/workers/{name}.json")
    return "" if at and now - at < CALM else f"its worker was last heard {at or 'never'}"
