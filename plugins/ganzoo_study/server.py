"""The study's page on this machine alone: 127.0.0.1, one secret address, and the key to who is who stays here."""

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
from ganzoo_report.markup import page, render
from ganzoo_study.contestants import Pixels
from ganzoo_study.study import SIDES, Side, Study, sentences

HOST = "127.0.0.1"
_LARGEST_BODY = 1024
_PATIENCE = 10.0  # seconds for a request: a browser opens connections that it does not use


class Answer(msgspec.Struct, forbid_unknown_fields=True):
    """What the page sends."""

    trial: Annotated[int, msgspec.Meta(ge=0)]
    side: Side
    seconds: float


class StudyServer(ThreadingHTTPServer):
    """Serves one study to one page, and ends when it is done.

    Args:
        study: its trials.
        pictures: left and right (H, W, C) of each trial.
        save: keeps the study, called after each answer.
        port: 0 for one that is free.

    Raises:
        RunError: the port is taken, or not to be had.
    """

    daemon_threads = True
    allow_reuse_address = False  # on Windows it would let another program listen as well

    def __init__(
        self, study: Study, pictures: Sequence[dict[Side, Pixels]], save: Callable[[Study], None], port: int = 0
    ) -> None:
        try:
            super().__init__((HOST, port), Handler)
        except OSError as error:
            raise RunError(
                f"port {port} of {HOST} cannot be had ({error.strerror or error}): name another, or leave out --port"
            ) from error
        self.study = study
        self.done = threading.Event()
        self.error: GanzooError | None = None
        self.lock = threading.Lock()
        self.told = False
        self._save = save
        self._pictures = pictures
        self._token = secrets.token_urlsafe(16)
        # An id says nothing: neither the trial, nor the side, nor whose picture it is.
        self._ids = [{side: secrets.token_hex(8) for side in SIDES} for _ in pictures]
        self._places = {name: (i, side) for i, ids in enumerate(self._ids) for side, name in ids.items()}
        self.page = page(
            "A study",
            render("ganzoo_study/study.html", question=study.question, total=len(study.trials)),
            styles=("ganzoo_report/base.css", "ganzoo_study/study.css"),
            scripts=("ganzoo_study/study.js",),
            fetches=True,
        )
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """That it listens on."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://{HOST}:{self.port}/{self._token}/"

    def hosts(self) -> frozenset[str]:
        """What a browser on this machine calls it: any other name was made to point here."""
        names = [HOST, "localhost"]
        return frozenset([f"{name}:{self.port}" for name in names] + (names if self.port == 80 else []))

    def inside(self, path: str) -> str | None:
        """Return the part of a path behind the secret one, or None for a path that is not ours."""
        first, _, rest = path.removeprefix("/").partition("/")
        ours = path.startswith(f"/{first}/") and secrets.compare_digest(first.encode(), self._token.encode())
        return rest if ours else None

    def picture(self, name: str) -> bytes | None:
        """Return a picture as PNG; uncompressed, so that all have the same length."""
        if name not in self._places:
            return None
        number, side = self._places[name]
        file = io.BytesIO()
        to_pil(self._pictures[number][side]).save(file, "PNG", compress_level=0)
        return file.getvalue()

    def state(self) -> dict[str, Any]:
        """Return what the page may know: the next trial's pictures, or at the end the result."""
        number = self.study.current
        if number is None:
            result = self.study.result
            return {
                "done": True, "sentences": sentences(self.study), "share": result.a / result.answered,
                "interval": list(result.interval),
            }  # fmt: skip
        return {"done": False, "trial": number, "total": len(self.study.trials), "pictures": self._ids[number]}

    def take(self, answer: Answer) -> None:
        """Take an answer and keep it; where it cannot be kept the study ends.

        Raises:
            ConfigError: another trial is due.
            GanzooError: the file cannot be written.
        """
        self.study.answer(answer.trial, answer.side, answer.seconds)
        self.keep()

    def keep(self) -> None:
        """Save the study.

        Raises:
            GanzooError: it cannot be written; the study is over, with what was written before.
        """
        try:
            self._save(self.study)
        except GanzooError as error:
            self.error = error
            self.told = True
            raise

    def shutdown_request(self, request: Any) -> None:
        """Close a connection; when the last word has been said, the study is over."""
        super().shutdown_request(request)
        if self.told:
            self.done.set()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over a browser that has gone in the middle of a word."""

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()
        self._thread.join()


class Handler(BaseHTTPRequestHandler):
    """Answers the page, and nobody else."""

    server: StudyServer
    timeout = _PATIENCE
    server_version, sys_version = "ganzoo", ""

    def do_GET(self) -> None:
        """Give the page, the state or a picture."""
        inside = self._inside()
        if inside is None:
            return
        name = inside.removeprefix("picture/")
        if inside == "":
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", self.server.page.encode())
        elif inside == "state":
            with self.server.lock:
                self._send_json(HTTPStatus.OK, self.server.state())
        elif inside != name and (picture := self.server.picture(name)) is not None:
            self._send(HTTPStatus.OK, "image/png", picture)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Take an answer, or take the last one back."""
        inside = self._inside()
        if inside is None:
            return
        refused = self._refused(inside)
        if refused is not None:
            self.send_error(refused)
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            status = self._act(inside, body)
            if status not in (HTTPStatus.OK, HTTPStatus.CONFLICT):
                self.send_error(status)
                return
            state = self.server.state()
            self._send_json(status, state)
            self.wfile.flush()
            self.server.told |= bool(state["done"])

    def _refused(self, inside: str) -> HTTPStatus | None:
        """Return why a request to change something is refused before it is read, or None."""
        length = self.headers.get("Content-Length", "")
        if self.headers.get("Origin") != f"http://{self.headers['Host']}":  # of another page, or of no page
            return HTTPStatus.FORBIDDEN
        if inside not in ("answer", "undo"):
            return HTTPStatus.NOT_FOUND
        if not (length.isascii() and length.isdecimal()):
            return HTTPStatus.LENGTH_REQUIRED
        if len(length) > 9 or int(length) > _LARGEST_BODY:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        # which no form of another page can send
        return None if self.headers.get_content_type() == "application/json" else HTTPStatus.UNSUPPORTED_MEDIA_TYPE

    def _act(self, inside: str, body: bytes) -> HTTPStatus:
        try:
            if inside == "answer":
                self.server.take(msgspec.json.decode(body, type=Answer))
            elif self.server.study.undo():
                self.server.keep()
        except (msgspec.DecodeError, UnicodeDecodeError):  # a value out of its range is one of them
            return HTTPStatus.BAD_REQUEST
        except ConfigError:  # a key pressed twice: the page is told where it stands
            return HTTPStatus.CONFLICT
        except GanzooError:  # the file cannot be written: the study is over
            return HTTPStatus.INTERNAL_SERVER_ERROR
        return HTTPStatus.OK

    def _inside(self) -> str | None:
        """Return the path behind the secret part; for any other address, or another name of this machine, refuse."""
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or hosts[0] not in self.server.hosts():
            self.send_error(HTTPStatus.FORBIDDEN)
            return None
        inside = self.server.inside(self.path)
        if inside is None:
            self.send_error(HTTPStatus.NOT_FOUND)
        return inside

    def _send_json(self, status: HTTPStatus, value: Any) -> None:
        self._send(status, "application/json", json.dumps(value).encode())

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
        """Refuse in two words."""
        status = HTTPStatus(code)
        self._send(status, "text/plain; charset=utf-8", f"{status.value} {status.phrase}\n".encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""
