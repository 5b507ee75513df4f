"""Lambda functions see what AWS would give them: their own packages, their layers' programs, and boto3."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from tests.infra.emulator.conftest import Client, eventually

pytestmark = pytest.mark.emulator
HANDLER = """
import importlib, shutil, subprocess
def handle(event, context):
    if "prints" in event:
        print(event["prints"])
        return context.log_stream_name
    if "module" in event:
        return importlib.import_module(event["module"]).__name__
    return subprocess.run([shutil.which("k6"), "version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True).stdout
"""


def zipped(files: dict[str, str], mode: int = 0o644) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, text)
    return written.getvalue()


@pytest.fixture
def function(aws: Client) -> Any:
    client = aws("lambda")
    layer = client.publish_layer_version(
        LayerName="k6", Content={"ZipFile": zipped({"bin/k6": "#!/bin/sh\necho k6 v9.9.9\n"}, mode=0o755)}
    )
    client.create_function(
        FunctionName="runner",
        Runtime="python3.11",
        Role="arn:aws:iam::000000000000:role/runner",
        Handler="entry.handle",
        Code={"ZipFile": zipped({"entry.py": HANDLER, "own/__init__.py": ""})},
        Layers=[layer["LayerVersionArn"]],
        Timeout=30,
    )
    assert eventually(lambda: client.get_function(FunctionName="runner")["Configuration"]["State"] == "Active")

    def call(**event: Any) -> Any:
        answer = client.invoke(FunctionName="runner", Payload=json.dumps(event).encode())
        return json.loads(answer["Payload"].read())

    return call


def test_a_program_of_a_layer_is_found_and_may_be_executed(function: Any) -> None:
    assert function() == "k6 v9.9.9\n"


def test_what_it_prints_stands_in_the_stream_it_was_told(function: Any, aws: Client) -> None:
    first, second = function(prints="hello"), function(prints="again")
    assert first == second, "one process, one stream"
    events = aws("logs").get_log_events(logGroupName="/aws/lambda/runner", logStreamName=first, startFromHead=True)["events"]
    lines = [event["message"] for event in events]
    assert [line for line in lines if line in ("hello", "again")] == ["hello", "again"]
    assert [line.split()[0] for line in lines] == ["START", "hello", "END", "REPORT", "START", "again", "END", "REPORT"]


def test_packages_of_the_zip_and_boto3_are_there_and_nothing_of_this_machine(function: Any) -> None:
    assert function(module="own") == "own"
    assert function(module="boto3") == "boto3"
    for missing in ("yaml", "ministack", "portal", "infra_gen"):
        assert "No module named" in function(module=missing)["errorMessage"]
