"""Which addresses load may go to: public ones, and what an environment names. Everything else is refused, and blocked
inside the engine."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOPBACK = ("127.0.0.0/8", "::1/128")
METADATA = ("169.254.169.254/32", "169.254.170.2/32", "169.254.170.23/32", "fd00:ec2::/32")
_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("this machine's own", LOOPBACK),
    ("a cloud's metadata service", METADATA),
    ("link-local", ("169.254.0.0/16", "fe80::/10")),
    ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")),
    ("shared by carriers", ("100.64.0.0/10",)),
    ("multicast", ("224.0.0.0/4", "ff00::/8")),
    ("reserved", ("0.0.0.0/8", "192.0.0.0/24", "198.18.0.0/15", "240.0.0.0/4", "::/128")),
)
_FORBIDDEN = tuple((kind, tuple(ip_network(text) for text in texts)) for kind, texts in _KINDS)
_MAPPED = IPv6Network("::ffff:0:0/96")
_EMBEDDED = ((IPv6Network("64:ff9b::/96"), 0), (IPv6Network("::/96"), 0), (IPv6Network("2002::/16"), 80))
"""IPv6 ranges that carry an IPv4 address, and how many bits stand behind it."""


def read_network(text: str) -> Network:
    """Raises ValueError."""
    return ip_network(text, strict=False)


def forbidden_kind(address: str) -> str:
    """What kind of address load may not go to this is; empty for a public one. Raises ValueError for no address at all."""
    found = _plain(address)
    return next((kind for kind, networks in _FORBIDDEN if any(found in network for network in networks)), "")


def is_within(address: str, networks: Iterable[str]) -> bool:
    found = _plain(address)
    return any(found in read_network(text) for text in networks)


def block_list(allowed: Iterable[str]) -> tuple[str, ...]:
    """All addresses but these, as networks: for engines that can refuse addresses but not allow them."""
    # Engines look at an IPv4 address inside an IPv6 one as the IPv4 address; Node also the other way round, so that
    # blocking the range of such addresses would block all of IPv4.
    open_networks = [_MAPPED, *(read_network(text) for text in allowed)]
    blocked: list[Network] = []
    for whole in (ip_network("0.0.0.0/0"), ip_network("::/0")):
        blocked += _without(whole, [network for network in open_networks if network.version == whole.version])
    return tuple(str(network) for network in blocked)


def forbidden_networks(allowed: Iterable[str]) -> tuple[str, ...]:
    """Those load may never go to but for these, where more than known addresses is open."""
    open_networks = [read_network(text) for text in allowed]
    found: list[Network] = []
    for _, networks in _FORBIDDEN:
        for network in networks:
            found += _without(network, [hole for hole in open_networks if hole.version == network.version])
    return tuple(dict.fromkeys(str(network) for network in found))


def _without(whole: Network, holes: list[Network]) -> list[Network]:
    left = [whole]
    for hole in holes:
        left = [piece for network in left for piece in _cut(network, hole)]
    return left


def _cut(network: Network, hole: Network) -> list[Network]:
    if not network.overlaps(hole):
        return [network]
    if hole.supernet_of(network):  # type: ignore[arg-type]  # Both are of one version.
        return []
    return list(network.address_exclude(hole))  # type: ignore[arg-type]


def _plain(address: str) -> Address:
    """The IPv4 address inside an IPv6 one, where it only carries it."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return found.ipv4_mapped
        for network, behind in _EMBEDDED:
            if found in network and int(found) >> behind & 0xFFFFFFFF > 1:
                return IPv4Address(int(found) >> behind & 0xFFFFFFFF)
    return found
