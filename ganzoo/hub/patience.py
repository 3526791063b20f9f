"""How long the Hub's client waits, how often it tries again, and what it says meanwhile."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from huggingface_hub import constants, get_session

from ganzoo.errors import HubError, one_line

ATTEMPTS = 4
"""Times that a file is asked for without getting on."""
_ON = 2**20  # bytes that count as getting on: a proxy may send a few at each attempt
_SLOWER = 12  # so much longer may the Hub take over what it is sent
_log = logging.getLogger(__name__)


def seconds(method: str) -> float:
    """Return how long an answer, or the next part of it, is waited for: the client's own variables set it."""
    if method == "HEAD":
        return constants.HF_HUB_ETAG_TIMEOUT
    return constants.HF_HUB_DOWNLOAD_TIMEOUT * (1 if method == "GET" else _SLOWER)


def longer(method: str = "GET") -> str:
    """Return the setting that waits longer."""
    name = "ETAG" if method == "HEAD" else "DOWNLOAD"
    return f"HF_HUB_{name}_TIMEOUT={max(60, round(6 * seconds(method)))} waits longer than {seconds(method):g} s"


class _Bounds:
    """The client calls it before each request, and with each answer."""

    def __init__(self, what: object, file: str) -> None:
        self.what, self.file, self.thread = what, file, threading.get_ident()
        self.tried: dict[tuple[str, str], tuple[int, int]] = {}  # times, and the first byte that was asked for

    def before(self, request: Any) -> None:
        """Bound the waiting, and for a file the attempts."""
        if threading.get_ident() != self.thread:
            return  # another's
        most, given = seconds(request.method), request.extensions.get("timeout") or {}
        bounded = {key: min(given.get(key) or most, most) for key in ("connect", "read", "write", "pool")}
        request.extensions = {**request.extensions, "timeout": bounded}
        if not self.file:
            return
        key = (request.method, request.url.path)
        first = int(request.headers.get("Range", "").removeprefix("bytes=").partition("-")[0] or 0)
        times, since = self.tried.get(key, (0, first))
        times, since = (times + 1, since) if first < since + _ON else (1, first)
        self.tried[key] = (times, since)
        if times > ATTEMPTS:
            raise HubError(
                f"{self.what}: the transfer of {self.file} stopped {ATTEMPTS} times: check the network or its proxy, "
                f"try again; {longer(request.method)}"
            )
        if times > 1:
            _log.warning(
                "%s: the transfer of %s stopped: trying again (%d of %d)", self.what, self.file, times, ATTEMPTS
            )

    def after(self, response: Any) -> None:
        """Forget an attempt that came to its end: the rest of a file may yet stop."""
        request = response.request
        if threading.get_ident() == self.thread and (request.method == "HEAD" or response.status_code >= 400):
            self.tried.pop((request.method, request.url.path), None)

    def shows(self, record: logging.LogRecord) -> bool:
        """Whether a line of the client's log is shown, and of an address in it, which may be signed, the host alone."""
        text = record.getMessage()
        if record.levelno < logging.WARNING or "://" not in text:
            return True
        record.msg, record.args = one_line(re.sub(r"https?://([^/\s]*)\S*", r"\1", text)), ()
        return not self.file  # of which `before` tells


@contextmanager
def bounded(what: object, file: str = "") -> Iterator[None]:
    """Bound what the client waits for in this thread, and leave addresses out of its log.

    Raises:
        HubError: ``file`` was asked for too often.
    """
    bounds, hooks = _Bounds(what, file), get_session().event_hooks
    known = logging.root.manager.loggerDict
    loggers = [logging.getLogger(name) for name in known if name.partition(".")[0] == "huggingface_hub"]
    hooks["request"].append(bounds.before)
    hooks["response"].append(bounds.after)
    for logger in loggers:
        logger.addFilter(bounds.shows)
    try:
        yield
    finally:
        hooks["request"].remove(bounds.before)
        hooks["response"].remove(bounds.after)
        for logger in loggers:
            logger.removeFilter(bounds.shows)
