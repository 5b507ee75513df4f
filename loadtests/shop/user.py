"""The user service: 200 built-in accounts, registration, log-in and the caller's own profile."""

import hmac
import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from loadtests.shop.bounded import BoundedDict
from loadtests.shop.replies import RefusedError, read_object, text_field
from loadtests.shop.service import MOST_BODY_BYTES, Service
from loadtests.shop.tokens import Tokens

#: (e-mail address, password) of every built-in account; the scenarios' data files hold the same rows.
BUILT_IN_ACCOUNTS = tuple((f"user{number:03d}@shop.example", f"demo-{number:03d}") for number in range(1, 201))

_MOST_REGISTERED = 20_000
_EMAIL = re.compile(r"[a-z0-9._+-]{1,64}@[a-z0-9.-]{1,190}")


@dataclass(frozen=True, slots=True)
class Account:
    email: str
    name: str
    password_digest: str


class UserService:
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._built_in = {email: self._account(email, password) for email, password in BUILT_IN_ACCOUNTS}
        self._registered: BoundedDict[str, Account] = BoundedDict(most=_MOST_REGISTERED)

    def service(self) -> Service:
        routes = (
            Route("/login", self.log_in, methods=["POST"], max_body_size=MOST_BODY_BYTES),
            Route("/register", self.register, methods=["POST"], max_body_size=MOST_BODY_BYTES),
            Route("/me", self.me),
        )
        return Service(name="user", routes=routes, reset=self._registered.clear)

    async def log_in(self, request: Request) -> Response:
        body = await read_object(request)
        email, password = text_field(body, "email"), text_field(body, "password")
        account = self._find(email)
        if account is None or not hmac.compare_digest(account.password_digest, self._digest(email, password)):
            raise RefusedError(401, "The e-mail address or the password is wrong.")
        return JSONResponse({"token": self._tokens.issue(email), "email": email})

    async def register(self, request: Request) -> Response:
        body = await read_object(request)
        email, password = text_field(body, "email"), text_field(body, "password")
        if not _EMAIL.fullmatch(email):
            raise RefusedError(400, '"email" must be a lower-case e-mail address.')
        if self._find(email) is not None:
            raise RefusedError(409, "This e-mail address is already registered.")
        self._registered[email] = self._account(email, password)
        return JSONResponse({"token": self._tokens.issue(email), "email": email}, status_code=201)

    async def me(self, request: Request) -> Response:
        account = self._find(self._tokens.owner(request))
        if account is None:
            # Evicted or reset since: the token is genuine, the account is not there any more.
            raise RefusedError(401, "The account of this token is gone; register or log in again.")
        return JSONResponse({"email": account.email, "name": account.name})

    def _find(self, email: str) -> Account | None:
        return self._built_in.get(email) or self._registered.get(email)

    def _account(self, email: str, password: str) -> Account:
        name = email.partition("@")[0]
        return Account(email=email, name=name, password_digest=self._digest(email, password))

    def _digest(self, email: str, password: str) -> str:
        # One keyed hash, not a slow password hash: log-in must not become what a load test measures.
        return self._tokens.digest(f"{email}\0{password}")
