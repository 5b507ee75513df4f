"""What is saved or deleted by hand in the admin is told in the audit log, within one transaction."""

from __future__ import annotations

from typing import Any, ClassVar  # Any: rows of whatever model

from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from portal.admin.actor import actor_of
from portal.models.audit import Deed
from portal.usecases.record_audit import record


class Audited(ModelAdmin):
    """`deeds`: created, changed, deleted. Of a change the fields are named; values only where `after` tells them."""

    deeds: ClassVar[tuple[Deed, Deed, Deed]]

    def after(self, row: Any) -> dict[str, Any]:
        """What of the saved row the log should keep; never a secret."""
        return {}

    def tell(self, request: HttpRequest, deed: Deed, row: Any, **detail: Any) -> None:
        record(actor_of(request), deed, subject=str(row), **detail)

    def save_related(self, request: HttpRequest, form: ModelForm, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if form.changed_data or not change or any(formset.has_changed() for formset in formsets):
            deed = self.deeds[1] if change else self.deeds[0]
            self.tell(request, deed, form.instance, changed=list(form.changed_data), **self.after(form.instance))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.tell(request, self.deeds[2], obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            for row in queryset:
                self.tell(request, self.deeds[2], row)
            super().delete_queryset(request, queryset)
