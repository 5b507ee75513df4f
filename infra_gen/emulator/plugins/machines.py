"""EC2 instances as processes of the host: each has a folder for `/` and its own metadata, and runs its user data."""

from __future__ import annotations

import base64
import gzip
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import ec2, iam

from infra_gen.emulator.place import PLACE
from infra_gen.emulator.plug import plug
from infra_gen.emulator.plugins import credentials
from infra_gen.emulator.plugins.host_process import HostProcess
from infra_gen.emulator.plugins.imds import Metadata, MetadataServer

SHUTDOWN_SECONDS = 20.0
SHIMS = {
    "systemctl": 'exec "{python}" -m infra_gen.emulator.host.systemctl "$@"\n',
    "shutdown": 'exec curl -fsS -X POST "{endpoint}/_knopfdruck/shutdown?instance={instance}"\n',
    "poweroff": "exec shutdown -h now\n",
    "sysctl": "exit 0\n",
    "nft": "exit 0\n",
}


@dataclass(frozen=True)
class Machine:
    """One running instance, and the account and region it belongs to."""

    instance: str
    scope: tuple[str, str]
    folder: Path
    process: HostProcess
    server: MetadataServer


RUNNING: dict[str, Machine] = {}


def install() -> None:
    plug(ec2, "_terminate_instances", _ending_processes)
    plug(ec2, "_instance_xml", _telling_lifecycle)
    plug(ec2, "reset", _forgetting)


def start(record: dict[str, Any], user_data: str, tags: Mapping[str, str]) -> None:
    """`record` is ministack's of the instance; called in the scope of its account and region."""
    instance = record["InstanceId"]
    folder = PLACE.instances / instance
    scope = get_account_id(), get_region()
    server = MetadataServer(_metadata(record, tags, scope))
    _lay_out(folder, instance, user_data)
    process = HostProcess(
        [sys.executable, "-m", "infra_gen.emulator.host.machine", str(folder)],
        folder=folder,
        env={
            "PATH": f"{folder / 'bin'}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "KNOPFDRUCK_ROOT": str(folder),
            "KNOPFDRUCK_INSTANCE": instance,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url,
            "AWS_ENDPOINT_URL": PLACE.endpoint,
            "AWS_REGION": record["Placement"]["AvailabilityZone"][:-1],
            "AWS_DEFAULT_REGION": record["Placement"]["AvailabilityZone"][:-1],
        },
        log=folder / "machine.log",
    )
    RUNNING[instance] = Machine(instance, scope, folder, process, server)


def lose(instance: str, abruptly: bool) -> None:
    """By power failure, or by a shutdown from within; either way the instance is terminated and its group notices."""
    machine = RUNNING[instance]
    if abruptly:
        machine.process.kill()
    with request_scope(*machine.scope):
        ec2._terminate_instances({"InstanceId.1": [instance]})


def listing() -> list[dict[str, Any]]:
    return [
        {
            "instance": machine.instance,
            "zone": machine.server.metadata.zone,
            "lifecycle": machine.server.metadata.lifecycle,
            "metadata": machine.server.url,
            "folder": str(machine.folder),
        }
        for machine in list(RUNNING.values())
    ]


def _ending_processes(terminate: Any) -> Any:
    def ended(request: Any) -> Any:
        answer = terminate(request)
        if answer[0] < 300:
            for instance in ec2._parse_member_list(request, "InstanceId"):
                _end(instance)
        return answer

    return ended


def _forgetting(reset: Any) -> Any:
    def forgotten() -> None:
        while RUNNING:
            _, machine = RUNNING.popitem()
            machine.server.close()
            machine.process.kill()
        reset()

    return forgotten


def _end(instance: str) -> None:
    machine = RUNNING.pop(instance, None)
    if machine is not None:
        machine.server.close()
        threading.Thread(target=machine.process.stop, args=(SHUTDOWN_SECONDS,), daemon=True).start()


def _telling_lifecycle(instance_xml: Any) -> Any:
    """ministack's answer has no `instanceLifecycle`, which is there for spot instances alone."""

    def told(record: dict[str, Any]) -> str:
        text = str(instance_xml(record))
        lifecycle = record.get("InstanceLifecycle")
        mark = "<instanceType>"
        return text.replace(mark, f"<instanceLifecycle>{lifecycle}</instanceLifecycle>{mark}", 1) if lifecycle else text

    return told


def _metadata(record: dict[str, Any], tags: Mapping[str, str], scope: tuple[str, str]) -> Metadata:
    role = _role_of(record.get("IamInstanceProfile"))

    def session() -> dict[str, str]:
        with request_scope(*scope):
            return credentials.of_role(role, record["InstanceId"])

    return Metadata(
        instance=record["InstanceId"],
        instance_type=record["InstanceType"],
        zone=record["Placement"]["AvailabilityZone"],
        image=record["ImageId"],
        address=record["PrivateIpAddress"],
        account=scope[0],
        lifecycle=record.get("InstanceLifecycle") or "on-demand",
        tags=dict(tags),
        role=role.rsplit("/", 1)[-1],
        credentials=session,
    )


def _role_of(profile: Mapping[str, Any] | None) -> str:
    """The ARN of the role of an instance profile; empty without one."""
    name = str((profile or {}).get("Arn", "")).rsplit("/", 1)[-1]
    found = iam._instance_profiles.get(name) or {}
    roles = found.get("Roles") or []
    first = roles[0] if roles else ""
    role = iam._roles.get(first) if isinstance(first, str) else first
    return str((role or {}).get("Arn", ""))


def _lay_out(folder: Path, instance: str, user_data: str) -> None:
    for name in ("bin", "units", "etc"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    text = base64.b64decode(user_data or "")
    (folder / "user-data").write_bytes(gzip.decompress(text) if text[:2] == b"\x1f\x8b" else text)
    for name, line in SHIMS.items():
        shim = folder / "bin" / name
        shim.write_text("#!/bin/sh\n" + line.format(python=sys.executable, endpoint=PLACE.endpoint, instance=instance))
        shim.chmod(0o755)
