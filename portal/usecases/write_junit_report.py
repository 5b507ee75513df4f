"""A run as a JUnit suite for CI systems: a case for whether the run is valid, and one for each threshold. Never empty.

A failed threshold is a failure; a run that is not valid, or a threshold nothing was measured for, is an error: the test
did not work, which is not the same as a slow target.
"""

from __future__ import annotations

import re
from typing import Any  # Any: the results, as JSON
from xml.etree import ElementTree

from portal.core.words import observed

VALID = "the run is valid"
# Characters XML 1.0 has no way to write (https://www.w3.org/TR/xml/#charsets).
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit_report(results: dict[str, Any], *, script_digest: str) -> bytes:
    """Takes what `read_run.results_of` gives."""
    name = f"{results['scenario']} v{results['version']} on {results['environment']}, {results['backend']}"
    suite = ElementTree.Element("testsuite", name=_text(name), timestamp=_text((results["started"] or "").removesuffix("Z")))
    _properties(suite, results, script_digest)
    seconds = (results["summary"] or {}).get("seconds") or 0
    classname = _text(f"{results['scenario']}.{results['environment']}")
    _validity(_case(suite, VALID, classname, seconds), results)
    for item in results["thresholds"]:
        _threshold(_case(suite, item["text"], classname, seconds), item)
    for kind in ("failure", "error", "skipped"):
        suite.set({"failure": "failures", "error": "errors"}.get(kind, kind), str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("time", f"{seconds:g}")
    suites = ElementTree.Element("testsuites", {key: value for key, value in suite.attrib.items() if key != "timestamp"})
    suites.append(suite)
    ElementTree.indent(suites)
    document: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _properties(suite: ElementTree.Element, results: dict[str, Any], script_digest: str) -> None:
    summary = results["summary"] or {}
    named = {
        "run": results["id"], "run_url": results["urls"]["page"], "script_digest": script_digest, "engine": results["engine"],
        "state": results["state"], "end_reason": results["end_reason"], "verdict": results["verdict"],
        "requested_by": results["requested_by"], "requests": summary.get("requests"), "coverage": summary.get("coverage"),
    }  # fmt: skip
    found = ElementTree.SubElement(suite, "properties")
    for name, value in named.items():
        if value is not None:
            ElementTree.SubElement(found, "property", name=name, value=_text(value))


def _case(suite: ElementTree.Element, name: str, classname: str, seconds: float) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", name=_text(name), classname=classname, time=f"{seconds:g}")


def _validity(case: ElementTree.Element, results: dict[str, Any]) -> None:
    if results["partial"] and results["state"] != "ended":
        _tell(case, "error", "unfinished", "The run has not ended yet.")
    elif results["verdict"] not in ("passed", "failed"):
        said = "\n".join(results["reasons"]) or results["message"] or "The run ended without a result."
        _tell(case, "error", results["verdict"] or "no_result", said)
    elif results["verdict"] == "failed" and all(item["passed"] for item in results["thresholds"]):
        # Failed for another reason than a threshold: it must not look green.
        said = "\n".join(results["reasons"])
        _tell(case, "failure", "failed", said)


def _threshold(case: ElementTree.Element, item: dict[str, Any]) -> None:
    said = f"{item['text']}: observed {observed(item['text'], item['observed'])}"
    if item["passed"] is None:
        _tell(case, "error", "no_data", f"{item['text']}: nothing was measured for it.")
    elif not item["passed"]:
        _tell(case, "failure", "threshold", f"{said}{_window(item)}")
    else:
        ElementTree.SubElement(case, "system-out").text = _text(said)


def _tell(case: ElementTree.Element, kind: str, what: str, said: str) -> None:
    """The first line is what lists of a CI system show."""
    ElementTree.SubElement(case, kind, message=_text(said.partition("\n")[0]), type=what).text = _text(said)


def _window(item: dict[str, Any]) -> str:
    until = item.get("until")
    return f" from {item.get('since') or 0:g} s to {until:g} s" if until else ""


def _text(value: object) -> str:
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", str(value))
