"""What may not be reached is refused in every spelling, and blocking all but some addresses leaves exactly those."""

from ipaddress import IPv4Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.addresses import block_list, forbidden_kind, forbidden_networks, is_within

V4 = st.ip_addresses(v=4).map(str)
V6 = st.ip_addresses(v=6).map(str)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "::1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "169.254.170.2",
     "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "100.64.0.1", "224.0.0.1", "0.0.0.0", "::", "255.255.255.255", "fc00::1",
     "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "::10.0.0.1"],
)  # fmt: skip
def test_what_is_not_public_is_known_in_every_spelling(address: str) -> None:
    assert forbidden_kind(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "192.0.2.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808", "100.128.0.1"])
def test_what_is_public_is(address: str) -> None:
    assert forbidden_kind(address) == ""


@given(st.lists(V4 | V6, max_size=6), st.lists(V4 | V6, max_size=6))
def test_the_block_list_leaves_the_allowed_addresses_and_no_other(allowed: list[str], others: list[str]) -> None:
    blocked = [ip_network(text) for text in block_list(allowed)]
    for address in {*allowed, *others}:
        if getattr(ip_address(address), "ipv4_mapped", None):
            continue  # Looked at as IPv4.
        is_blocked = any(ip_address(address) in network for network in blocked)
        assert is_blocked == (ip_address(address) not in {ip_address(text) for text in allowed})


@given(st.lists(st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "127.0.0.0/8", "fd00::/8"]), max_size=3), V4)
def test_with_holes_what_is_forbidden_stays_so_outside_of_them(holes: list[str], address: str) -> None:
    blocked = any(IPv4Address(address) in ip_network(text) for text in forbidden_networks(holes) if ":" not in text)
    assert blocked == (bool(forbidden_kind(address)) and not is_within(address, holes))
