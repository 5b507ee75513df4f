"""JSON in a form, as people read and write it."""

from __future__ import annotations

import json
from typing import Any  # Any: a JSON field's value

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget


class PrettyJSONField(forms.JSONField):
    """JSON over several lines, so that people can read and edit it; nothing is shown as nothing, with an example in grey."""

    def __init__(self, *, rows: int, help_text: str, label: str = "", example: object = None) -> None:
        look = {"class": "kd-code", "rows": rows, "spellcheck": "false"}
        if example:
            look["placeholder"] = json.dumps(example, indent=2)
        super().__init__(required=False, label=label or None, help_text=help_text, widget=UnfoldAdminTextareaWidget(look))

    def prepare_value(self, value: Any) -> str:
        if value is None or value in ({}, []):
            return ""
        return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """An empty field and an empty value are the same: the audit log names what was changed."""
        return bool(initial or (data or "").strip() not in ("", "{}", "[]")) and super().has_changed(initial, data)
