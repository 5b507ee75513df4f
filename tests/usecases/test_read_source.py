from pathlib import Path

import pytest

from portal.core.errors import RequestRejected
from portal.usecases.read_source import engine_of, read_source


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_relative_imports_and_opened_files_come_along_also_those_of_imports(tmp_path: Path) -> None:
    write(
        tmp_path,
        main_dot_js="import http from 'k6/http'; import { a } from './lib/a.js'; const d = open('data/rows.csv'); open(name);",
        lib__a_dot_js='export { b } from "./b.js";',
        lib__b_dot_js="export const b = JSON.parse(open('../data/users.json'));",
        data__rows_dot_csv="a,b",
        data__users_dot_json="[]",
        unused_dot_js="x",
    )
    source = read_source(tmp_path / "main.js", "k6")
    assert source.file == "main.js"
    assert sorted(source.files) == ["data/rows.csv", "data/users.json", "lib/a.js", "lib/b.js"]


def test_a_file_beside_the_folder_moves_the_root_up(tmp_path: Path) -> None:
    write(tmp_path, scripts__main_dot_js="import '../lib/a.js';", lib__a_dot_js="")
    source = read_source(tmp_path / "scripts" / "main.js", "k6")
    assert (source.file, sorted(source.files)) == ("scripts/main.js", ["lib/a.js"])


def test_files_from_far_away_are_refused(tmp_path: Path) -> None:
    write(tmp_path, a__b__c__d__main_dot_js="import '../../../../lib.js';", lib_dot_js="")
    with pytest.raises(RequestRejected, match="outside"):
        read_source(tmp_path / "a/b/c/d/main.js", "k6")


def test_artillery_brings_processor_and_payloads(tmp_path: Path) -> None:
    write(
        tmp_path,
        journey_dot_yml="config: {processor: ./flow.js, payload: [{path: data/users.csv}, {path: data/missing.csv}]}",
        flow_dot_js="const h = require('./shared'); const fs = require('fs');",
        shared_dot_js="",
        data__users_dot_csv="a",
    )
    source = read_source(tmp_path / "journey.yml", "artillery")
    assert sorted(source.files) == ["data/users.csv", "flow.js", "shared.js"]


def test_named_files_come_along(tmp_path: Path) -> None:
    write(tmp_path, main_dot_js="", extra_dot_txt="x")
    assert list(read_source(tmp_path / "main.js", "k6", extra=[tmp_path / "extra.txt"]).files) == ["extra.txt"]


def test_a_missing_script_is_refused_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(RequestRejected, match=r"nope\.js cannot be read"):
        read_source(tmp_path / "nope.js", "k6")


def test_a_script_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.js").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RequestRejected, match="UTF-8"):
        read_source(tmp_path / "x.js", "k6")


@pytest.mark.parametrize(("name", "engine"), [("a.js", "k6"), ("a.ts", "k6"), ("a.yml", "artillery"), ("a.yaml", "artillery")])
def test_the_ending_says_the_engine(name: str, engine: str) -> None:
    assert engine_of(Path(name)) == engine
