"""Log-in tokens that any service can verify by itself: an e-mail address and its signature.

Tokens do not expire, so a soak test may log in once. The key is made anew at every start of the shop.
"""

import hashlib
import hmac

from starlette.requests import Request

from loadtests.shop.replies import RefusedError


class Tokens:
    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, email: str) -> str:
        return f"{email}:{self.digest(email)}"

    def digest(self, text: str) -> str:
        # JSON can spell lone surrogates, which plain UTF-8 refuses.
        return hmac.new(self._key, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()

    def owner(self, request: Request) -> str:
        """The e-mail address whose token the request carries; 401 when there is no valid one."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        email, _, signature = token.rpartition(":")
        # As bytes: compare_digest refuses str with non-ASCII characters, and a header may hold some.
        genuine = hmac.compare_digest(signature.encode(), self.digest(email).encode())
        if scheme.lower() != "bearer" or not genuine:
            raise RefusedError(401, "Send a valid token: Authorization: Bearer <token from POST /login>.")
        return email
