from pathlib import Path

from portal.checks import engine_problems, exposure_problems, store_problems
from portal.config import load


def ids(found: object) -> list[str]:
    return [message.id for message in found]  # type: ignore[attr-defined]


def test_a_missing_engine_is_a_warning_that_says_how_to_get_it(tmp_path: Path) -> None:
    config = load({"KNOPFDRUCK_DATA_DIR": str(tmp_path), "K6_BIN": "/no/k6", "NODE_BIN": "/no/node"})
    found = list(engine_problems(config))
    assert ids(found) == ["portal.W001", "portal.W002"]
    assert all("make setup" in str(message.hint) for message in found)


def test_a_store_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    config = load({"KNOPFDRUCK_DATA_DIR": str(tmp_path), "KNOPFDRUCK_STORE": f"file://{tmp_path}/file/store"})
    assert ids(store_problems(config)) == ["portal.E001"]


def test_a_store_that_is_not_there_yet_is_fine(tmp_path: Path) -> None:
    assert not list(store_problems(load({"KNOPFDRUCK_DATA_DIR": str(tmp_path)})))


def test_a_public_portal_is_held_to_more(tmp_path: Path) -> None:
    config = load({
        "KNOPFDRUCK_DATA_DIR": str(tmp_path), "KNOPFDRUCK_PUBLIC_URL": "https://load.example.org", "KNOPFDRUCK_DEBUG": "1",
        "KNOPFDRUCK_ALLOWED_HOSTS": "*",
    })  # fmt: skip
    assert ids(exposure_problems(config)) == ["portal.E002", "portal.W003", "portal.E003"]
