"""The templates are those that somebody looked at, and the documents beside them say what they say."""

from __future__ import annotations

from pathlib import Path

from infra_gen import golden, tables


def test_the_templates_are_the_ones_that_were_looked_at() -> None:
    assert golden.differences() == (), "look at the change, then run: python -m infra_gen golden"


def test_a_change_is_seen_and_mended(tmp_path: Path) -> None:
    golden.write(tmp_path)
    assert golden.differences(tmp_path) == ()
    (tmp_path / "dev" / "walls.json").write_text("{}")
    (tmp_path / "prod" / "iam.json").write_text("{}")
    (tmp_path / "staging" / "main.json").unlink()
    assert golden.write(tmp_path) == ("dev/walls.json", "prod/iam.json", "staging/main.json")
    assert golden.differences(tmp_path) == ()
    assert not (tmp_path / "prod" / "iam.json").exists()


def test_the_readme_has_the_tables_as_they_are() -> None:
    text = tables.README.read_text()
    assert tables.filled(text) == text, "run: python -m infra_gen readme"
