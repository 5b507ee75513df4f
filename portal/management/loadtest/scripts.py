"""validate and import: a script file of this machine, checked by its engine and, with import, saved."""

from __future__ import annotations

from typing import Any, TextIO  # Any: options, as argparse has them

from portal.core.script import ScriptFacts, ScriptSource
from portal.management.loadtest.runs import print_json
from portal.usecases.describe_run import load_in_words
from portal.usecases.identify_actor import command_line_actor
from portal.usecases.list_templates import facts_of
from portal.usecases.read_source import engine_of, read_source
from portal.usecases.save_scenario import inspect_script, save_scenario
from portal.wiring import Parts


def validate(options: dict[str, Any], parts: Parts, out: TextIO) -> None:
    source = _source(options)
    facts = inspect_script(source, parts)
    if options["json"]:
        print_json({"file": source.file, **_facts(source, facts)}, out)
        return
    out.write(f"{source.file} is a valid {source.engine} script.\n")
    _say(source, facts, out)


def import_script(options: dict[str, Any], parts: Parts, out: TextIO) -> None:
    source = _source(options)
    version = save_scenario(
        options["name"], source, parts=parts, by=command_line_actor(), title=options["title"], description=options["description"]
    )
    facts = facts_of(version)
    if options["json"]:
        known = _facts(source, facts) if facts else {}
        print_json({"name": options["name"], "version": version.number, "digest": version.digest, **known}, out)
        return
    out.write(f"Saved {version} ({version.digest[:16]}).\n")
    if facts is not None:
        _say(source, facts, out)


def _source(options: dict[str, Any]) -> ScriptSource:
    path = options["file"]
    return read_source(path, options["engine"] or engine_of(path), extra=options["extra"])


def _facts(source: ScriptSource, facts: ScriptFacts) -> dict[str, Any]:
    return {
        "engine": source.engine,
        "files": sorted(source.files),
        "load": load_in_words(facts.load),
        "scenarios": list(facts.scenarios),
        "thresholds": [rule.text for rule in facts.thresholds],
        "warnings": list(facts.warnings),
    }


def _say(source: ScriptSource, facts: ScriptFacts, out: TextIO) -> None:
    known = _facts(source, facts)
    out.write(f"  Load: {known['load']}\n")
    for title in ("scenarios", "thresholds", "files", "warnings"):
        if known[title]:
            out.write(f"  {title.capitalize()}: {'; '.join(known[title])}\n")
