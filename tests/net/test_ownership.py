"""Proofs of ownership over real loopback sockets: at the checked address, whatever the name says, and behind no redirect."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from portal.net.fetch import MOST_BYTES, FetchFailed, fetch
from portal.net.ownership import HEADER, file_path, find_proof
from portal.net.resolve import resolve

TOKEN = "0123456789abcdef0123456789abcdef"
HOST = "shop.invalid"


class Site(BaseHTTPRequestHandler):
    """`pages` by path: status, headers, body."""

    pages: dict[str, tuple[int, dict[str, str], bytes]]
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.headers["Host"])
        status, headers, body = self.pages.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def site(pages: dict[str, tuple[int, dict[str, str], bytes]]) -> Iterator[tuple[str, list[str]]]:
    """The address of the start page by a name that leads nowhere, and the hosts that were asked for."""
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Made", (Site,), {"pages": pages, "asked": asked}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("pages", "way"),
    [
        ({file_path(TOKEN): (200, {}, TOKEN.encode() + b"\n")}, "file"),
        ({"/": (200, {HEADER: TOKEN}, b"hello")}, "header"),
        ({file_path(TOKEN): (200, {}, b"something else")}, ""),
        ({file_path(TOKEN): (200, {}, b"<html>" + TOKEN.encode())}, ""),
        ({"/": (200, {HEADER: TOKEN[:-1]}, b"")}, ""),
        ({"/": (302, {"Location": "/there", HEADER: TOKEN}, b""), "/there": (200, {HEADER: TOKEN}, b"")}, ""),
        ({file_path(TOKEN): (302, {"Location": "/t"}, b""), "/t": (200, {}, TOKEN.encode())}, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_only_the_token_itself_at_its_place_is_a_proof(pages: dict[str, tuple[int, dict[str, str], bytes]], way: str) -> None:
    with site(pages) as (url, asked):
        assert find_proof(url, HOST, "127.0.0.1", TOKEN) == way
    assert all(host.startswith(HOST) for host in asked)


def test_an_answer_that_is_too_large_is_not_read() -> None:
    with site({"/": (200, {}, b"x" * (MOST_BYTES + 1))}) as (url, _), pytest.raises(FetchFailed):
        fetch(url + "/", address="127.0.0.1")


def test_an_address_is_its_own_and_a_name_that_is_none_has_no_address() -> None:
    assert resolve("127.0.0.1") == ("127.0.0.1",)
    assert "127.0.0.1" in resolve("localhost")
    assert resolve("nothing.invalid") == ()
    assert resolve("x" * 300) == ()
