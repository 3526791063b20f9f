"""What goes over the wire of the loopback Hub: requests as they are noted, answers, and faults that spoil them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass
class Fault:
    """Something that goes wrong with the requests whose "METHOD /path" matches.

    Args:
        match: a regular expression, searched in for instance ``"GET /alice/digits/resolve/main/config.json"``.
        times: how often; then all is well again.
        after: so many matching requests are served well first.
        status: answer with this instead.
        headers: of the answer, in place of the default ones.
        body: the answer's instead.
        message: the error that the answer gives.
        cut: send so many bytes of the body and hang up.
        delay: seconds to wait before the answer, or, with ``cut``, before hanging up.
        corrupt: flip a bit of the body.
    """

    match: str
    times: int = 10**9
    after: int = 0
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    message: str = "a fault"
    body: bytes | None = None
    cut: int | None = None
    delay: float = 0
    corrupt: bool = False


@dataclass(frozen=True)
class Request:
    """A request that came in."""

    port: str
    line: str
    token: str | None


class Answer(Exception):  # noqa: N818 - the end of a request, good or bad
    """What a request is answered with."""

    def __init__(self, status: int, body: Any = b"", **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def error(status: int, message: str, code: str = "") -> Answer:
    named = {"X_Error_Code": code} if code else {}
    return Answer(status, {"error": message}, X_Error_Message=message, **named)
