"""One service in this process, started by __main__: `python -m loadtests.shop.serve NAME --fd N --parent N`.

The listening socket is inherited: the port is ours before this process exists, and no request is refused
while it starts. The key that signs log-in tokens comes in SHOP_TOKEN_KEY, which no process listing shows.
"""

import argparse
import os
import socket
from collections.abc import Callable

import uvicorn

from loadtests.shop import SERVICES
from loadtests.shop.analytics import AnalyticsService
from loadtests.shop.checkout import CheckoutService
from loadtests.shop.instrument import InstrumentedService
from loadtests.shop.lifeline import die_with
from loadtests.shop.product import product_service
from loadtests.shop.service import Service
from loadtests.shop.tokens import Tokens
from loadtests.shop.user import UserService

#: Longer than any think time: closing a connection just as its client reuses it makes an error in the report.
_KEEP_ALIVE_SECONDS = 600
_BACKLOG = 4096

_BUILDERS: dict[str, Callable[[Tokens], Service]] = {
    "product": lambda tokens: product_service(),
    "user": lambda tokens: UserService(tokens).service(),
    "checkout": lambda tokens: CheckoutService(tokens).service(),
    "analytics": lambda tokens: AnalyticsService().service(),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loadtests.shop.serve")
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--fd", type=int, required=True, help="inherited listening socket")
    parser.add_argument("--parent", type=int, required=True, help="process id to die with")
    arguments = parser.parse_args()
    die_with(arguments.parent)
    tokens = Tokens(os.environ["SHOP_TOKEN_KEY"].encode())
    serve(_BUILDERS[arguments.service](tokens), socket.socket(fileno=arguments.fd))


def serve(service: Service, listener: socket.socket) -> None:
    config = uvicorn.Config(
        InstrumentedService(service),
        access_log=False,
        log_level="warning",
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=1,
    )
    # loop and http stay "auto": uvloop and httptools where they are installed.
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
