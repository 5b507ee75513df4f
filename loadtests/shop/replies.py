"""What the services share at the HTTP border: strict reading of input; a refusal is a status and a sentence."""

from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response


class RefusedError(Exception):
    """The request cannot be served as asked; answered with this status and `{"error": sentence}`."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


async def refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return JSONResponse({"error": error.sentence}, status_code=error.status)


# Any: whatever JSON the client sent; callers check its shape before use.
async def read_json(request: Request) -> Any:
    try:
        return await request.json()
    # A RecursionError is what json raises for "[[[[..."; both are the client's fault.
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, "The body is not valid JSON.") from error
    except ClientDisconnect as error:
        # Nobody is left to read this; it keeps a client that gave up from looking like a fault of ours.
        raise RefusedError(400, "The client went away before its request was complete.") from error


async def read_object(request: Request) -> dict[str, Any]:
    body = await read_json(request)
    if not isinstance(body, dict):
        raise RefusedError(400, "The body must be a JSON object.")
    return body


def text_field(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise RefusedError(400, f'"{name}" must be a non-empty string.')
    return value


def int_field(body: dict[str, Any], name: str, *, least: int, most: int, default: int | None = None) -> int:
    value = body.get(name, default)
    # bool is a subclass of int, and true is not a quantity.
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise RefusedError(400, f'"{name}" must be an integer from {least} to {most}.')
    return value


def int_query(request: Request, name: str, *, least: int, most: int, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    # isdecimal also accepts other scripts' digits, which int() reads; the length keeps int() cheap.
    value = int(text) if text.isdecimal() and len(text) <= 9 else None
    if value is None or not least <= value <= most:
        raise RefusedError(400, f"{name} must be an integer from {least} to {most}.")
    return value
