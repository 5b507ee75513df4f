"""Thresholds that stand for every run of a scenario or in an environment, as they lie in a row."""

from __future__ import annotations

from django.core.exceptions import ValidationError

from portal.core.errors import RequestRejected
from portal.core.thresholds import Threshold, parse_thresholds


def standing_thresholds(value: object, source: str) -> tuple[Threshold, ...]:
    """Raises RequestRejected where somebody wrote into the database what a form would have refused."""
    return parse_thresholds(value or {}, source=source)


def clean_thresholds(value: object) -> None:
    """For a model's own check, with a sentence for each mistake."""
    try:
        standing_thresholds(value, "")
    except RequestRejected as error:
        raise ValidationError({"thresholds": [f"{item.message} {item.hint}".strip() for item in error.problems]}) from error
