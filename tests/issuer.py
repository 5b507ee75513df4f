"""An issuer of id-tokens on this machine: own RSA keys, and the server its public ones are read from."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any  # Any: claims of whatever kind

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

AUDIENCE = "https://portal.example"
JOB = {"repository": "acme/shop", "ref": "refs/heads/main", "repository_owner": "acme"}


class Issuer:
    """Signs with its newest key and publishes all keys in `published`."""

    def __init__(self, url: str = "https://issuer.example") -> None:
        self.url, self.asked = url, 0
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.published: list[str] = []
        self.rotate()

    def rotate(self) -> None:
        name = f"key-{len(self.keys)}"
        self.keys[name] = rsa.generate_private_key(65537, 2048)
        self.published.append(name)

    def key_set(self) -> bytes:
        self.asked += 1
        rows = [jwt.algorithms.RSAAlgorithm.to_jwk(self.keys[name].public_key(), as_dict=True) for name in self.published]
        return json.dumps({"keys": [{**row, "kid": name} for row, name in zip(rows, self.published, strict=True)]}).encode()

    def claims(self) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": self.url, "aud": AUDIENCE, "iat": now, "nbf": now - 5, "exp": now + 300, **JOB}

    def token(self, *, key: str = "", signer: rsa.RSAPrivateKey | None = None, drop: str = "", **claims: Any) -> str:
        body = {**self.claims(), **claims}
        name = key or list(self.keys)[-1]
        body.pop(drop, None)
        return jwt.encode(body, signer or self.keys[name], algorithm="RS256", headers={"kid": name})


@contextmanager
def served() -> Iterator[Issuer]:
    """The issuer behind a loopback address that ends with the block."""

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = issuer.key_set() if self.path == "/.well-known/jwks" else b"{}"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
    issuer = Issuer(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
