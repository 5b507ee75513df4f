"""Bodies and answers of approvals and the kill switch."""

from __future__ import annotations

from rest_framework import serializers

from portal.api.schema.runs import moment


class ApproveBody(serializers.Serializer):
    digest = serializers.RegexField(r"^[0-9a-f]{64}$")


class SwitchBody(serializers.Serializer):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)


class Switch(serializers.Serializer):
    on = serializers.BooleanField()
    by = serializers.CharField(allow_null=True)
    at = moment()
    reason = serializers.CharField(allow_blank=True)


class Switched(Switch):
    stopping = serializers.IntegerField()
