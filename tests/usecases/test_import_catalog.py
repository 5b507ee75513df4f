from pathlib import Path

import pytest

from portal import wiring
from portal.core.errors import RequestRejected
from portal.models import ScenarioVersion
from portal.usecases.import_catalog import ensure_local_environment, import_catalog
from tests.builders import ADA, K6_SCRIPT

pytestmark = pytest.mark.django_db


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    (tmp_path / "k6").mkdir()
    (tmp_path / "k6" / "a.js").write_text(K6_SCRIPT)
    (tmp_path / "k6" / "data.json").write_text("[]")
    path = tmp_path / "catalog.yaml"
    path.write_text("- {name: a, engine: k6, title: A, description: First., file: k6/a.js, files: ['*.json']}")
    return path


@pytest.mark.engines
def test_importing_twice_makes_one_version(catalog: Path) -> None:
    first, second = import_catalog(catalog, wiring.parts(), by=ADA), import_catalog(catalog, wiring.parts(), by=ADA)
    assert [entry.is_new for entry in (*first, *second)] == [True, False]
    version = ScenarioVersion.objects.get()
    assert (version.scenario.title, list(version.files)) == ("A", ["data.json"])


@pytest.mark.engines
def test_a_changed_file_is_the_next_version(catalog: Path) -> None:
    import_catalog(catalog, wiring.parts(), by=ADA)
    (catalog.parent / "k6" / "a.js").write_text(K6_SCRIPT + "\n// more")
    (entry,) = import_catalog(catalog, wiring.parts(), by=ADA)
    assert (entry.is_new, entry.version.number) == (True, 2)


def test_a_missing_file_names_its_entry(catalog: Path) -> None:
    catalog.write_text("- {name: gone, file: k6/gone.js}")
    with pytest.raises(RequestRejected, match=r"gone\.file"):
        import_catalog(catalog, wiring.parts(), by=ADA)


@pytest.mark.parametrize("text", ["", "a: [", "- 5", "- {name: x}", "just words"])
def test_what_is_no_catalog_is_refused(catalog: Path, text: str) -> None:
    catalog.write_text(text)
    with pytest.raises(RequestRejected):
        import_catalog(catalog, wiring.parts(), by=ADA)


def test_the_local_environment_is_made_once_and_then_left_alone() -> None:
    environment, is_new = ensure_local_environment()
    assert is_new
    assert environment.targets["product"] == "http://127.0.0.1:18101"
    environment.targets = {}
    environment.save()
    again, is_new = ensure_local_environment()
    assert (again.targets, is_new) == ({}, False)
