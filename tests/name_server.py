"""A real name server on loopback with a zone of TXT records, over UDP and TCP; for what does not fit, UDP says so."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset

MOST_OVER_UDP = 512


@dataclass
class Zone:
    """TXT records by name, each a tuple of strings; names in `refused` get that answer, names in `silent` none at all."""

    records: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    refused: dict[str, dns.rcode.Rcode] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    ports: list[str] = field(default_factory=list)
    port: int = 0

    def answer(self, data: bytes, *, over: str) -> bytes | None:
        question = dns.message.from_wire(data)
        name = question.question[0].name.to_text(omit_final_dot=True).lower()
        self.asked.append(name)
        self.ports.append(over)
        if name in self.silent:
            return None
        reply = dns.message.make_response(question)
        reply.flags |= dns.flags.RA
        if name in self.aliases:
            reply.answer.append(dns.rrset.from_text(name + ".", 60, "IN", "CNAME", self.aliases[name] + "."))
            name = self.aliases[name]
        rows = self.records.get(name, [])
        if rows and question.question[0].rdtype == dns.rdatatype.TXT:
            texts = [" ".join(f'"{part}"' for part in row) for row in rows]
            reply.answer.append(dns.rrset.from_text(name + ".", 60, "IN", "TXT", *texts))
        reply.set_rcode(self.refused.get(name, dns.rcode.NOERROR if rows else dns.rcode.NXDOMAIN))
        wire = reply.to_wire()
        if over == "udp" and len(wire) > MOST_OVER_UDP:
            reply.answer.clear()
            reply.flags |= dns.flags.TC
            wire = reply.to_wire()
        return wire

    def resolver(self, seconds: float = 2.0) -> dns.resolver.Resolver:
        """Asks this server and no other; `seconds` it waits for one answer."""
        found = dns.resolver.Resolver(configure=False)
        found.nameservers, found.port, found.timeout = ["127.0.0.1"], self.port, seconds
        return found


class _Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, sock = self.request
        if reply := self.server.zone.answer(data, over="udp"):  # type: ignore[attr-defined]
            sock.sendto(reply, self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        size = struct.unpack("!H", self.rfile.read(2))[0]
        if reply := self.server.zone.answer(self.rfile.read(size), over="tcp"):  # type: ignore[attr-defined]
            self.wfile.write(struct.pack("!H", len(reply)) + reply)


def _on_one_port() -> tuple[socketserver.ThreadingUDPServer, socketserver.ThreadingTCPServer]:
    """A port that is free for UDP may be taken for TCP: then another is tried."""
    for _ in range(20):
        udp = socketserver.ThreadingUDPServer(("127.0.0.1", 0), _Udp)
        tcp = socketserver.ThreadingTCPServer(("127.0.0.1", udp.server_address[1]), _Tcp, bind_and_activate=False)
        tcp.allow_reuse_address = True
        try:
            tcp.server_bind()
        except OSError:
            udp.server_close()
            tcp.server_close()
            continue
        tcp.server_activate()
        return udp, tcp
    raise RuntimeError("No port is free for both UDP and TCP.")


@contextmanager
def name_server() -> Iterator[Zone]:
    zone = Zone()
    servers = _on_one_port()
    zone.port = servers[0].server_address[1]
    for server in servers:
        server.zone = zone  # type: ignore[union-attr]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield zone
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()
