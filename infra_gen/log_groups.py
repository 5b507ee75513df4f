"""Log groups: declared, so that they go with their stack, and with an end to how long they are kept."""

from __future__ import annotations

from typing import Any  # Any: troposphere has no types

from troposphere import Ref, logs

from infra_gen.names import log_group
from infra_gen.skips import SERVICE_KEY, skip


def kept_logs(title: str, kind: str, retention: Any) -> Any:
    """`kind` is the last word of the group's name, `retention` the parameter with the days."""
    return logs.LogGroup(title, LogGroupName=log_group(kind), RetentionInDays=Ref(retention), Metadata=skip(SERVICE_KEY))
