"""A scenario's last verdict and p95 as a small picture for a README."""

from __future__ import annotations

from html import escape

from portal.core.run_state import RunState
from portal.core.words import milliseconds
from portal.models import Run
from portal.models.run import RunQuerySet
from portal.usecases.read_run import result_of

COLOURS = {"passed": "#15803d", "failed": "#dc2626", "inconclusive": "#b45309"}
UNKNOWN = "#6b7280"
LETTER = 6.6
"""Width of a letter in the picture's font, on average; text is stretched to the rest."""


def last_run(scenario: str, environment: str, among: RunQuerySet) -> Run | None:
    """The newest run that has ended; of any environment where none is named."""
    ended = among.filter(version__scenario__name=scenario, state=RunState.ENDED)
    if environment:
        ended = ended.filter(environment__name=environment)
    return ended.select_related("result").defer("result__timeline", "plan", "progress").order_by("-created").first()


def write_badge(scenario: str, run: Run | None) -> str:
    """An SVG that needs no font, script or address of its own."""
    return _drawn(scenario, _said(run), COLOURS.get(run.verdict, UNKNOWN) if run else UNKNOWN)


def _said(run: Run | None) -> str:
    if run is None:
        return "no runs"
    result = result_of(run)
    latency = result.summary.get("latency") if result else None
    verdict = run.verdict or "no verdict"
    return f"{verdict}, p95 {milliseconds(latency.get('p95'))}" if latency else verdict


def _drawn(left: str, right: str, colour: str) -> str:
    first, second = (round(len(text) * LETTER) + 12 for text in (left, right))
    whole = first + second
    title = escape(f"{left}: {right}")
    texts = "".join(
        f'<text x="{at + width / 2:g}" y="14" textLength="{width - 12}">{escape(text)}</text>'
        for text, at, width in ((left, 0, first), (right, first, second))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-label="{title}">'
        f'<title>{title}</title><clipPath id="r"><rect width="{whole}" height="20" rx="3"/></clipPath><g clip-path="url(#r)">'
        f'<rect width="{first}" height="20" fill="#374151"/><rect x="{first}" width="{second}" height="20" fill="{colour}"/></g>'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">{texts}</g></svg>'
    )
