"""API tokens: everybody sees and makes their own, whoever rules over the portal all of them."""

from __future__ import annotations

from typing import Any  # Any: Django's own arguments

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from portal.admin.audited import Audited
from portal.core.access import Action, Scope
from portal.models import ApiToken
from portal.models.audit import Deed
from portal.models.roles import PERMISSIONS

CHOICES = [(str(scope), str(scope)) for scope in Scope]


class TokenForm(ModelForm):
    scopes = forms.MultipleChoiceField(
        choices=CHOICES, initial=["read", "run", "stop"], widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="What it may do, as far as its user's roles allow it. Admin holds all others.",
    )  # fmt: skip

    class Meta:
        model = ApiToken
        fields = ("name", "user", "scopes", "everywhere", "environments", "expires", "revoked")
        widgets = {"environments": UnfoldAdminCheckboxSelectMultipleWidget()}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not cleaned.get("everywhere") and not cleaned.get("environments") and not self.errors:
            self.add_error("environments", "Choose environments, or let it work in all of them.")
        return cleaned


@admin.register(ApiToken)
class ApiTokenAdmin(Audited):
    """The token itself is in one message after saving and nowhere else."""

    form = TokenForm
    deeds = (Deed.TOKEN_CREATED, Deed.TOKEN_CHANGED, Deed.TOKEN_DELETED)
    list_display = ("name", "user", "can", "works", "created", "expires", "last_used")
    when_empty = "Programs that start runs over the API need one."
    list_filter = ("revoked",)
    search_fields = ("name", "user__username", "public_id")
    list_select_related = ("user",)
    fields = ("name", "user", "scopes", "everywhere", "environments", "expires", "revoked")

    @admin.display(description="Scopes")
    def can(self, row: ApiToken) -> str:
        return ", ".join(row.scopes)

    @display(description="Works", label={"yes": "success", "no": "danger"})
    def works(self, row: ApiToken) -> str:
        return "yes" if row.is_valid() else "no"

    def after(self, row: ApiToken) -> dict[str, Any]:
        names = row.environment_names()
        return {"scopes": row.scopes, "environments": names and list(names), "revoked": row.revoked}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        rows = super().get_queryset(request)
        return rows if _rules(request) else rows.filter(user_id=request.user.pk)

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        # Another owner would give a known secret other rights.
        return ("user",) if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"user": request.user.pk}

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        hidden = () if obj else ("revoked",) if _rules(request) else ("revoked", "user")
        return tuple(name for name in self.fields if name not in hidden)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: ModelForm, change: bool) -> None:
        if not change and not _rules(request) and request.user.is_authenticated:
            obj.user = request.user
        token = "" if change else obj.renew()
        super().save_model(request, obj, form, change)
        if token:
            messages.warning(request, f"The token, shown only now: {token}")


def _rules(request: HttpRequest) -> bool:
    return request.user.has_perm(PERMISSIONS[Action.ADMIN])
