"""One emulator per module, and clients of it. Whoever has no `.venv-emulator` is told how to make one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra_gen.emulator.process import HOW_TO_GET_IT, Emulator, is_installed

REGION = "eu-central-1"
Client = Callable[..., Any]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    if not is_installed():
        pytest.skip(f"no emulator here: {HOW_TO_GET_IT}")
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def aws(emulator: Emulator) -> Iterator[Client]:
    """`aws("ecs")` is a client; everything is forgotten after the test."""
    yield clients_of(emulator)
    emulator.reset()


def clients_of(emulator: Emulator, key: str = "test", secret: str = "test", token: str | None = None) -> Client:
    make: Any = boto3.client  # typed by service name, which is not known here

    def client(service: str) -> Any:
        return make(
            service,
            endpoint_url=emulator.endpoint,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
        )

    return client


def eventually(seen: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What `seen` gives once it is true; the last thing it gave when that never comes."""
    ends = time.monotonic() + seconds
    while not (found := seen()) and time.monotonic() < ends:
        time.sleep(0.05)
    return found


def folder_of(emulator: Emulator, instance: str) -> Path:
    return emulator.dir / "instances" / instance
