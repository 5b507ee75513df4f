"""The count with real processes' connections: none is lost."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from portal.usecases.count_call import count_call


@pytest.mark.django_db(transaction=True)
def test_callers_at_the_same_time_are_counted_each_once() -> None:
    def call(_: int) -> int | None:
        try:
            return count_call("x", most=30, now=60.0)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        waits = list(pool.map(call, range(40)))
    assert waits.count(None) == 30
