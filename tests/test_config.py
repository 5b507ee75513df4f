"""The settings are read once, and every mistake names its variable."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.config import AccessConfig, ConfigInvalid, PortalConfig, load
from portal.stores import open_store


def read(folder: Path, **variables: str) -> PortalConfig:
    return load({"KNOPFDRUCK_DATA_DIR": str(folder), **variables})


def test_without_any_setting_everything_lies_in_the_data_folder(tmp_path: Path) -> None:
    config = read(tmp_path / "data")
    assert config.data_dir == tmp_path / "data"
    assert config.database_url == f"sqlite:///{tmp_path}/data/portal.sqlite3"
    assert config.store_url == f"file://{tmp_path}/data/store"
    assert (config.bind, config.public_url, config.debug) == ("127.0.0.1:8000", "http://127.0.0.1:8000", False)
    assert (config.allowed_hosts, config.queue_workers, config.k6) == (("127.0.0.1", "localhost"), 2, "")


def test_what_is_set_is_taken(tmp_path: Path) -> None:
    config = read(
        tmp_path, DATABASE_URL="postgres://db/x", KNOPFDRUCK_STORE="s3://bucket/prefix", SECRET_KEY="s" * 50,
        KNOPFDRUCK_DEBUG="yes", KNOPFDRUCK_ALLOWED_HOSTS="portal.example, 10.0.0.1 ,", KNOPFDRUCK_BIND="[::1]:9000",
        KNOPFDRUCK_QUEUE_WORKERS="5", KNOPFDRUCK_PROXIES="1",
        KNOPFDRUCK_PUBLIC_URL="https://portal.example/", K6_BIN="/k6", NODE_BIN="/node", ARTILLERY_BIN="/artillery",
        KNOPFDRUCK_K6_MEASURE="csv", KNOPFDRUCK_LAMBDA_SECONDS="300",
    )  # fmt: skip
    assert config == PortalConfig(
        tmp_path, "postgres://db/x", "s3://bucket/prefix", "s" * 50, True, ("portal.example", "10.0.0.1"), "[::1]:9000",
        "https://portal.example", 5, "/k6", "/node", "/artillery", "csv", AccessConfig(proxies=1),
        tmp_path / "static", 300,
    )  # fmt: skip


def test_empty_variables_are_as_good_as_none(tmp_path: Path) -> None:
    names = ("DATABASE_URL", "KNOPFDRUCK_STORE", "SECRET_KEY", "KNOPFDRUCK_DEBUG", "KNOPFDRUCK_ALLOWED_HOSTS", "KNOPFDRUCK_BIND",
             "KNOPFDRUCK_PUBLIC_URL", "KNOPFDRUCK_QUEUE_WORKERS", "K6_BIN")  # fmt: skip
    assert read(tmp_path, **dict.fromkeys(names, "")) == read(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KNOPFDRUCK_STORE", "/var/store"), ("KNOPFDRUCK_STORE", "file://store"), ("KNOPFDRUCK_STORE", "memory:"),
        ("KNOPFDRUCK_BIND", "8000"), ("KNOPFDRUCK_BIND", ":8000"), ("KNOPFDRUCK_BIND", "localhost:"),
        ("KNOPFDRUCK_BIND", "localhost:0"), ("KNOPFDRUCK_BIND", "localhost:65536"), ("KNOPFDRUCK_BIND", "localhost:8²"),
        ("KNOPFDRUCK_DEBUG", "perhaps"), ("KNOPFDRUCK_QUEUE_WORKERS", "0"), ("KNOPFDRUCK_QUEUE_WORKERS", "65"),
        ("KNOPFDRUCK_QUEUE_WORKERS", "two"), ("KNOPFDRUCK_QUEUE_WORKERS", "²"), ("KNOPFDRUCK_QUEUE_WORKERS", "-1"),
        ("SECRET_KEY_FILE", "/nowhere/key"), ("KNOPFDRUCK_PROXIES", "many"),
        ("KNOPFDRUCK_OIDC_ISSUER", "http://issuer.example"), ("KNOPFDRUCK_K6_MEASURE", "json"),
        ("KNOPFDRUCK_LAMBDA_SECONDS", "9"), ("KNOPFDRUCK_LAMBDA_SECONDS", "841"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_variable(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigInvalid, match=name) as error:
        read(tmp_path, **{name: value})
    assert repr(value) in str(error.value)


NAMES = ("KNOPFDRUCK_STORE", "KNOPFDRUCK_BIND", "KNOPFDRUCK_DEBUG", "KNOPFDRUCK_QUEUE_WORKERS", "KNOPFDRUCK_ALLOWED_HOSTS")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(NAMES), value=st.text(max_size=12))
def test_any_text_is_either_taken_or_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    said = name
    try:
        read(tmp_path, **{name: value})
    except ConfigInvalid as error:
        said = str(error)
    assert name in said


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in ("file", "file/below"):
        with pytest.raises(ConfigInvalid, match="KNOPFDRUCK_DATA_DIR"):
            read(tmp_path / folder)


@pytest.mark.parametrize("name", ["with space", "per%20cent", "sharp#1", "question?", "ünï"])
def test_the_store_lies_in_the_data_folder_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    store = open_store(read(tmp_path / name).store_url)
    store.put("a", b"x")
    assert (tmp_path / name / "store" / "a").read_bytes() == b"x"


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from the file\n")
    assert read(tmp_path, SECRET_KEY_FILE=str(tmp_path / "key"), SECRET_KEY="other").secret_key == "from the file"


def test_the_own_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    first = read(tmp_path).secret_key
    assert len(first) > 50
    assert read(tmp_path).secret_key == first
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert read(tmp_path / "other").secret_key != first


def test_processes_that_start_together_agree_on_the_key(tmp_path: Path) -> None:
    barrier, keys = threading.Barrier(8), list[str]()

    def begin() -> None:
        barrier.wait(60)
        keys.append(read(tmp_path).secret_key)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(keys), len(set(keys))) == (8, 1)
    assert os.listdir(tmp_path) == ["secret_key"]


def test_a_short_secret_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="KNOPFDRUCK_GATEWAY_SECRET") as error:
        read(tmp_path, KNOPFDRUCK_GATEWAY_SECRET="0123abcd")
    assert "0123abcd" not in str(error.value)
