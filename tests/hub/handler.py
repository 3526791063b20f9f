"""One request to a server of the loopback Hub: noted, made to fail if a fault says so, then answered."""

from __future__ import annotations

import re
import socket
import time
from abc import abstractmethod
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qs, unquote, urlsplit

from hub.answers import Answer, Fault, Request

if TYPE_CHECKING:
    from hub.server import LoopbackHub


class Handler(BaseHTTPRequestHandler):
    """What the servers have in common.

    Args:
        server: the Hub.
        port: which of its servers this is.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, server: LoopbackHub, port: str, *args: Any) -> None:
        self.loop, self.port = server, port
        super().__init__(*args)

    @abstractmethod
    def route(self, path: str, token: str | None) -> NoReturn:
        """Raise the answer to the request."""

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        self.query = parse_qs(split.query)
        line = f"{self.command} {unquote(split.path)}"
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        self.loop.requests.append(Request(self.port, line, token))
        self.data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self._fault(line)
        try:
            if fault and fault.status:
                time.sleep(fault.delay)
                raise Answer(
                    fault.status, {"error": fault.message}, **{k.replace("-", "_"): v for k, v in fault.headers}
                )
            self.route(split.path, token)
        except Answer as answer:
            self._send(answer, fault)

    do_POST = do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815

    def _fault(self, line: str) -> Fault | None:
        for fault in self.loop.faults:
            if re.search(fault.match, line) and fault.times:
                if fault.after:
                    fault.after -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    def _send(self, answer: Answer, fault: Fault | None) -> None:
        body = answer.body
        if fault and fault.body is not None:
            body = fault.body
        if fault and not fault.status:
            answer.headers.update(fault.headers)
        if fault and fault.corrupt:
            body = bytes([body[0] ^ 1]) + body[1:]
        if fault and fault.cut is None and not fault.status:
            time.sleep(fault.delay)
        try:
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            if "Content-Length" not in answer.headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: fault.cut] if fault and fault.cut is not None else body)
            if fault and fault.cut is not None:
                self.wfile.flush()
                time.sleep(fault.delay)
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:  # the other side has gone
            self.close_connection = True
