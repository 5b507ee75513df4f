"""Saves a scenario: checks its script with the engine and makes the next immutable version of it.

Takes a script as the user wrote it; gives the version that holds it. A script that did not change makes no new version.
"""

from __future__ import annotations

import base64
import re

from django.db import IntegrityError, transaction

from portal.core.access import Action, Actor
from portal.core.errors import RequestRejected
from portal.core.script import ScriptFacts, ScriptSource
from portal.core.wire import to_plain
from portal.models import Scenario, ScenarioVersion
from portal.models.audit import Deed
from portal.models.scenario import NAME, EngineName
from portal.usecases.record_audit import record
from portal.wiring import Parts

MOST_BYTES = 20 * 1024 * 1024
ATTEMPTS = 5
STAND_IN = "http://target.invalid"
_TARGET = re.compile(r"\bTARGET_[A-Z][A-Z0-9_]{0,40}")


def save_scenario(
    name: str, source: ScriptSource, *, parts: Parts, by: Actor, title: str = "", description: str = "",
    facts: ScriptFacts | None = None,
) -> ScenarioVersion:  # fmt: skip
    """The newest version, which is `source`. Raises Forbidden, or ScriptInvalid with the engine's words: nothing is saved.

    `facts` are those of `inspect_script`, where the caller has asked the engine already.
    """
    by.must(Action.AUTHOR)
    check_name(name, source)
    facts = facts or inspect_script(source, parts)
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                scenario = _scenario(name, source, title=title, description=description)
                return _version(scenario, source, facts, by)
        except IntegrityError:
            # Another process saved the same scenario in this moment and took the number.
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def inspect_script(source: ScriptSource, parts: Parts) -> ScriptFacts:
    """What the engine says about the script as it stands. Targets are an environment's, so stand-ins take their places."""
    texts = (source.text, *(data.decode("utf-8", "replace") for data in source.files.values()))
    stand_ins = dict.fromkeys((name for text in texts for name in _TARGET.findall(text)), STAND_IN)
    return parts.engine(source.engine).inspect(source, None, stand_ins, parts.sandbox)


def check_name(name: str, source: ScriptSource) -> None:
    """Raises RequestRejected for a name or an engine no scenario can have, or one that is another engine's."""
    if re.fullmatch(NAME.regex, name) is None:
        raise RequestRejected.because("name", f"{name[:60]!r} is not a scenario name.", str(NAME.message))
    if source.engine not in EngineName.values:
        raise RequestRejected.because("engine", f"There is no engine {source.engine!r}.", "Engines are k6 and artillery.")
    if len(source.text) + sum(map(len, source.files.values())) > MOST_BYTES:
        raise RequestRejected.because("files", "A scenario with its files may have up to 20 MiB.")
    taken = Scenario.objects.filter(name=name).exclude(engine=source.engine).first()
    if taken is not None:
        raise RequestRejected.because(
            "engine", f"{name} is a scenario for {taken.engine}; its versions stay with that engine.", "Choose another name."
        )


def _scenario(name: str, source: ScriptSource, *, title: str, description: str) -> Scenario:
    scenario, is_new = Scenario.objects.get_or_create(
        name=name, defaults={"engine": source.engine, "title": title, "description": description}
    )
    said = {field: text for field, text in (("title", title), ("description", description)) if text}
    if not is_new and any(getattr(scenario, field) != text for field, text in said.items()):
        for field, text in said.items():
            setattr(scenario, field, text)
        scenario.save(update_fields=[*said, "updated"])
    return scenario


def _version(scenario: Scenario, source: ScriptSource, facts: ScriptFacts, by: Actor) -> ScenarioVersion:
    latest = scenario.latest()
    digest = source.digest()
    if latest is not None and latest.digest == digest and latest.file == source.file:
        return latest
    files = {path: base64.b64encode(data).decode() for path, data in source.files.items()}
    version = ScenarioVersion.objects.create(
        scenario=scenario, number=1 if latest is None else latest.number + 1, file=source.file, script=source.text,
        files=files, digest=digest, facts=to_plain(facts), author=by.name,
    )  # fmt: skip
    record(by, Deed.SCENARIO_SAVED, scenario=str(version), digest=digest)
    return version
