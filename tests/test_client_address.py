from dataclasses import replace

import pytest
from django.conf import LazySettings
from django.test import RequestFactory

from portal.client_address import client_address


@pytest.mark.parametrize(
    ("proxies", "forwarded", "found"),
    [
        (0, "198.51.100.1", "10.0.0.1"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        (2, "203.0.113.9, 198.51.100.1, 10.0.0.5", "198.51.100.1"),
        (2, "198.51.100.1", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "not an address", ""),
    ],
)
def test_only_what_our_own_proxies_appended_counts(settings: LazySettings, proxies: int, forwarded: str, found: str) -> None:
    settings.CONFIG = replace(settings.CONFIG, access=replace(settings.CONFIG.access, proxies=proxies))
    request = RequestFactory(REMOTE_ADDR="10.0.0.1").get("/", headers={"X-Forwarded-For": forwarded})
    assert client_address(request) == found
