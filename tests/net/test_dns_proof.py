"""Proofs of ownership by DNS, asked from a real name server on loopback."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import dns.rcode
import pytest

from portal.core.errors import PlanRejected
from portal.models import HostProof
from portal.net.ownership import find_proof
from portal.usecases.check_targets import proof_token
from portal.usecases.request_run import request_run
from tests.builders import ADA, a_request, a_scenario, an_environment
from tests.name_server import Zone, name_server
from tests.usecases.parts import Scene

HOST, NAME = "shop.example", "_knopfdruck.shop.example"
TOKEN = "0123456789abcdef0123456789abcdef"
NOWHERE = "http://shop.example:1"
"""Port 1 of the loopback: the ways by the web find nobody."""


@pytest.fixture
def zone() -> Iterator[Zone]:
    with name_server() as found:
        yield found


def proof(zone: Zone, token: str = TOKEN, host: str = HOST, seconds: float = 2.0) -> str:
    return find_proof(NOWHERE, host, "127.0.0.1", token, resolver=zone.resolver(seconds))


@pytest.mark.parametrize(
    ("rows", "way"),
    [
        ([(TOKEN,)], "dns"),
        ([("v=spf1 -all",), ("something else",), (TOKEN,)], "dns"),
        ([(TOKEN[:10], TOKEN[10:])], "dns"),
        ([(" " + TOKEN + " ",)], "dns"),
        ([], ""),
        ([(TOKEN[:-1],)], ""),
        ([(TOKEN + "0",)], ""),
        ([(TOKEN.upper(),)], ""),
        ([("token=" + TOKEN,)], ""),
        ([(TOKEN[:10],), (TOKEN[10:],)], ""),
        ([("\\255\\254" + TOKEN,)], ""),
    ],
)
def test_only_a_record_that_is_the_token_is_a_proof(zone: Zone, rows: list[tuple[str, ...]], way: str) -> None:
    zone.records[NAME] = rows
    assert proof(zone) == way
    assert zone.asked == [NAME]


def test_records_of_the_host_itself_or_of_another_name_say_nothing(zone: Zone) -> None:
    zone.records |= {HOST: [(TOKEN,)], "_knopfdruck.example": [(TOKEN,)], "_knopfdruck.www.shop.example": [(TOKEN,)]}
    assert proof(zone) == ""


def test_an_alias_is_followed(zone: Zone) -> None:
    zone.aliases[NAME], zone.records["proofs.shop.example"] = "proofs.shop.example", [(TOKEN,)]
    assert proof(zone) == "dns"


def test_an_answer_too_large_for_a_datagram_is_asked_for_again_over_tcp(zone: Zone) -> None:
    zone.records[NAME] = [*((letter * 200,) for letter in "abcdef"), (TOKEN,)]
    assert proof(zone) == "dns"
    assert zone.ports == ["udp", "tcp"]


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NXDOMAIN])
def test_a_server_that_fails_proves_nothing(zone: Zone, code: dns.rcode.Rcode) -> None:
    zone.records[NAME], zone.refused[NAME] = [(TOKEN,)], code
    assert proof(zone) == ""


def test_a_server_that_does_not_answer_is_not_waited_for_long(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.net.ownership.SECONDS", 0.3)
    zone.silent.add(NAME)
    assert proof(zone, seconds=0.1) == ""
    assert zone.asked


@pytest.mark.parametrize("host", ["x" * 300, "a..b", "a" * 64 + ".example", "münchen.example"])
def test_a_name_that_cannot_be_asked_for_proves_nothing(zone: Zone, host: str) -> None:
    assert proof(zone, host=host) == ""


@pytest.mark.django_db
def test_a_host_is_refused_until_what_the_refusal_said_is_published(zone: Zone) -> None:
    a_scenario()
    an_environment("shop", targets={"product": "https://shop.example:1"})
    scene = Scene(names={HOST: ("203.0.113.7",)})
    parts = replace(scene.parts, find_proof=partial(find_proof_at_loopback, resolver=zone.resolver()))
    with pytest.raises(PlanRejected) as error:
        request_run(a_request(environment="shop"), parts, by=ADA)
    assert (NAME, proof_token("shop", HOST)) == (zone.asked[0], str(error.value).split("Publish ")[1].split(" ")[0])
    zone.records[NAME] = [(proof_token("other", HOST),)]
    with pytest.raises(PlanRejected):
        request_run(a_request(environment="shop"), parts, by=ADA)
    zone.records[NAME].append((proof_token("shop", HOST),))
    request_run(a_request(environment="shop"), parts, by=ADA)
    assert HostProof.objects.values_list("host", "way").get() == (HOST, "dns")


def find_proof_at_loopback(url: str, host: str, address: str, token: str, **by: object) -> str:
    """As the portal asks, but the web is asked here: the documentation's addresses answer nobody, slowly."""
    return find_proof(url, host, "127.0.0.1", token, **by)  # type: ignore[arg-type]
