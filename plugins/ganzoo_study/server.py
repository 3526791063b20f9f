"""The server of a study's page: on 127.0.0.1 alone, at a secret address, and without a hint which model made what."""

from __future__ import annotations

import io
import json
import secrets
import threading
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Any

import msgspec

from ganzoo.errors import ConfigError, GanzooError, RunError
from ganzoo.media.grids import to_pil
from ganzoo_report.pages import render
from ganzoo_study.candidates import Pixels
from ganzoo_study.study import SIDES, Side, Study, sentences

HOST = "127.0.0.1"
_LARGEST_BODY = 1024
_TIMEOUT = 10.0  # seconds for a request: a browser opens connections that it does not use


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an answer."""

    trial: Annotated[int, msgspec.Meta(ge=0)]
    side: Side
    seconds: float


class StudyServer(ThreadingHTTPServer):
    """Serves one study to one page.

    Args:
        study: its trials.
        pictures: left and right (H, W, C) of each trial.
        save: called after each answer; where it fails, ``error`` says why, and the study is over.
        port: 0 for a free one.
    """

    daemon_threads = True
    request_queue_size = 1024  # connections that wait to be accepted: with five, a burst is dropped
    allow_reuse_address = False  # on Windows it would let another program listen as well

    def __init__(
        self, study: Study, pictures: Sequence[dict[Side, Pixels]], save: Callable[[], None], port: int = 0
    ) -> None:
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            raise RunError(
                f"port {port} of {HOST} is not available ({error.strerror or error}): name another, or leave out --port"
            ) from error
        self.study, self.save = study, save
        self.done, self.lock = threading.Event(), threading.Lock()
        self.error: GanzooError | None = None
        self.root = f"/{secrets.token_urlsafe(16)}/"
        # A random id reveals neither the trial nor the side nor the model.
        self.ids = [{side: secrets.token_hex(8) for side in SIDES} for _ in pictures]
        self.pictures = {
            f"picture/{ids[side]}": pair[side] for ids, pair in zip(self.ids, pictures, strict=True) for side in SIDES
        }
        self.page = render("ganzoo_study/study.html", question=study.question, total=len(study.trials)).encode()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{HOST}:{self.server_port}{self.root}"

    def state(self) -> dict[str, Any]:
        """Return what the page may know: the pictures of the next trial, or at the end the result."""
        number = self.study.current
        if number is not None:
            return {"done": False, "trial": number, "total": len(self.study.trials), "pictures": self.ids[number]}
        result = self.study.result
        share = result.a / result.answered
        return {"done": True, "sentences": sentences(self.study), "share": share, "interval": result.interval}

    def shutdown_request(self, request: Any) -> None:
        """Close a connection; the study ends when its last response has been sent."""
        super().shutdown_request(request)
        with self.lock:  # held while an answer is saved and its response is sent
            if self.study.current is None or self.error is not None:
                self.done.set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a browser that has closed its connection."""

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()
        self._thread.join()


class Handler(BaseHTTPRequestHandler):
    """Answers requests of the study's own page only."""

    server: StudyServer
    timeout = _TIMEOUT
    server_version, sys_version = "ganzoo", ""

    def do_GET(self) -> None:
        """Send the page, the state or a picture."""
        path = self._path()
        if path == "":
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", self.server.page)
        elif path == "state":
            with self.server.lock:
                self._send_state(HTTPStatus.OK)
        elif path in self.server.pictures:
            file = io.BytesIO()  # uncompressed, so that all have the same length
            to_pil(self.server.pictures[path]).save(file, "PNG", compress_level=0)
            self._send(HTTPStatus.OK, "image/png", file.getvalue())
        elif path is not None:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Take an answer, or undo the last one."""
        path = self._path()
        if path is None:
            return
        if refused := self._refused(path):
            self.send_error(refused)
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            status = self._act(path, body)
            if status in (HTTPStatus.OK, HTTPStatus.CONFLICT):
                self._send_state(status)
            else:
                self.send_error(status)

    def _path(self) -> str | None:
        """Return the path below the secret address; refuse any other address, and any other name of this machine."""
        names = [HOST, "localhost"]
        hosts = [f"{name}:{self.server.server_port}" for name in names] + (
            names if self.server.server_port == 80 else []
        )
        given = self.headers.get_all("Host", [])
        root = self.server.root
        if len(given) != 1 or given[0] not in hosts:  # another name was made to point here
            self.send_error(HTTPStatus.FORBIDDEN)
        elif not secrets.compare_digest(self.path[: len(root)].encode(), root.encode()):
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            return self.path[len(root) :]
        return None

    def _refused(self, path: str) -> HTTPStatus | None:
        """Return why a request is refused before its body is read."""
        length = self.headers.get("Content-Length", "")
        if self.headers.get("Origin") != f"http://{self.headers['Host']}":  # of another page, or of no page
            return HTTPStatus.FORBIDDEN
        if path not in ("answer", "undo"):
            return HTTPStatus.NOT_FOUND
        if not (length.isascii() and length.isdecimal()):
            return HTTPStatus.LENGTH_REQUIRED
        if len(length) > 9 or int(length) > _LARGEST_BODY:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        # which no form of another page can send
        return None if self.headers.get_content_type() == "application/json" else HTTPStatus.UNSUPPORTED_MEDIA_TYPE

    def _act(self, path: str, body: bytes) -> HTTPStatus:
        try:
            if path == "answer":
                answer = msgspec.json.decode(body, type=Answer)
                self.server.study.answer(answer.trial, answer.side, answer.seconds)
            elif not self.server.study.undo():
                return HTTPStatus.OK
        except (msgspec.DecodeError, UnicodeDecodeError):
            return HTTPStatus.BAD_REQUEST
        except ConfigError:  # a key pressed twice
            return HTTPStatus.CONFLICT
        try:
            self.server.save()
        except GanzooError as error:
            self.server.error = error
            return HTTPStatus.INTERNAL_SERVER_ERROR
        return HTTPStatus.OK

    def _send_state(self, status: HTTPStatus) -> None:
        self._send(status, "application/json", json.dumps(self.server.state()).encode())

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.end_headers()
        self.wfile.write(content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send a status without a page."""
        status = HTTPStatus(code)
        self._send(status, "text/plain; charset=utf-8", f"{status.value} {status.phrase}\n".encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Log nothing."""
