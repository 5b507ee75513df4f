"""The form of a scenario: script and files in, a checked ScriptSource out; problems stand at the field they belong to."""

from __future__ import annotations

from typing import Any  # Any: Django's own arguments

from django import forms
from django.core.files.uploadedfile import UploadedFile
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from portal.admin.json_field import PrettyJSONField
from portal.core.errors import PortalError, Problem, RequestRejected
from portal.core.script import ScriptFacts, ScriptSource
from portal.models import Scenario, ScenarioVersion
from portal.usecases.save_scenario import check_name, inspect_script
from portal.wiring import parts

SCRIPT_NAMES = {"k6": "script.js", "artillery": "script.yml"}


class ManyFilesInput(forms.FileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Any number of uploaded files."""

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        return [super(ManyFilesField, self).clean(item, initial) for item in data or []]


class ScenarioForm(forms.ModelForm):
    file = forms.CharField(
        label="Main file", required=False, max_length=200, widget=UnfoldAdminTextInputWidget(),
        help_text="Its name. Empty: script.js or script.yml.",
    )  # fmt: skip
    script = forms.CharField(
        strip=False,
        widget=UnfoldAdminTextareaWidget({"class": "kd-code kd-editor", "rows": 28, "spellcheck": "false", "wrap": "off"}),
    )
    uploads = ManyFilesField(
        label="Add files", required=False, widget=ManyFilesInput({"multiple": True, "class": "kd-upload"}),
        help_text="Helpers and data the script reads, beside it. A file of the same name is replaced.",
    )  # fmt: skip
    thresholds = PrettyJSONField(
        rows=8,
        help_text="For every run of it, beside the script's own. Empty: none.",
        example={"http_req_duration": ["p(95)<300"], "checks": ["rate>0.99"]},
    )
    removed = forms.MultipleChoiceField(label="Remove files", required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget())

    class Meta:
        model = Scenario
        fields = ("name", "title", "description", "engine", "archived", "public")
        widgets = {"description": UnfoldAdminTextareaWidget({"rows": 3})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.latest: ScenarioVersion | None = self.instance.latest() if self.instance.pk else None
        self.source: ScriptSource | None = None
        self.facts: ScriptFacts | None = None
        self.is_told = False
        """Whether the audit log has the saving of this form already."""
        removable = self.fields["removed"]
        assert isinstance(removable, forms.MultipleChoiceField)
        removable.choices = [(name, name) for name in sorted(self.latest.files)] if self.latest else []
        if self.latest is not None:
            self.initial.update(file=self.latest.file, script=self.latest.script)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            self._check(self._source(cleaned), cleaned)
        except RequestRejected as error:
            for problem in error.problems:
                self._add(problem)
        except PortalError as error:
            self.add_error(None, f"{error.message} {error.hint}".strip())
        return cleaned

    def clean_thresholds(self) -> Any:
        return self.cleaned_data["thresholds"] or {}

    def _check(self, source: ScriptSource, cleaned: dict[str, Any]) -> None:
        check_name(cleaned.get("name") or self.instance.name, source)
        is_same = self.latest is not None and self.latest.digest == source.digest()
        self.facts = None if is_same else inspect_script(source, parts())
        self.source = source

    def _source(self, cleaned: dict[str, Any]) -> ScriptSource:
        engine = cleaned.get("engine") or self.instance.engine
        files = dict(self.latest.source().files) if self.latest else {}
        for name in cleaned["removed"]:
            files.pop(name, None)
        files |= {str(upload.name): upload.read() for upload in cleaned["uploads"]}
        # Browsers send line ends as CR LF; a script that was not touched must keep its digest.
        text = cleaned["script"].replace("\r\n", "\n")
        return ScriptSource(engine, cleaned["file"] or SCRIPT_NAMES[engine], text, files)

    def _add(self, problem: Problem) -> None:
        field = problem.field if problem.field in self.fields else {"files": "uploads"}.get(problem.field, "script")
        self.add_error(field, f"{problem.message} {problem.hint}".strip())
