"""The Hub's client, its errors in one line each, and retries while the Hub is busy."""

from __future__ import annotations

import errno
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from huggingface_hub import HfApi, constants, get_token
from huggingface_hub.errors import (
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from ganzoo._version import __version__
from ganzoo.errors import GanzooError, HubError, one_line, unsigned
from ganzoo.hub.patience import bounded, longer

T = TypeVar("T")
BUSY = (429, 500, 502, 503, 504)
TRIES = 5
_log = logging.getLogger(__name__)
# The client speaks through one HTTP library or another, according to its version.
_HTTP_ERRORS: tuple[type[Exception], ...] = tuple(
    base for base in HfHubHTTPError.__mro__ if base.__module__.startswith("httpx")
)
_EXPLAINED: tuple[type[Exception], ...] = (
    OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError, *_HTTP_ERRORS,
)  # fmt: skip
_LOGIN = "`hf auth login`, or HF_TOKEN"


def api() -> HfApi:
    """Return the client, with the token and the endpoint of the environment."""
    return HfApi(library_name="ganzoo", library_version=__version__)


def persist(call: Callable[[], T], *, tries: int = TRIES) -> T:
    """Call until the Hub is no longer busy, at most ``tries`` times; each wait is logged.

    For requests that may be made twice, and that the client itself makes only once.
    """
    for number in range(1, tries + 1):
        try:
            return call()
        except HfHubHTTPError as error:
            status = error.response.status_code
            if status not in BUSY or number == tries:
                raise
            asked = error.response.headers.get("Retry-After", "")
            seconds = min(float(asked), 60.0) if asked.isdigit() else 2.0 ** (number - 1)
            _log.warning("the Hub answers %d: trying again in %.0f s (%d of %d)", status, seconds, number, tries - 1)
            time.sleep(seconds)
    raise AssertionError


@contextmanager
def explained(what: object, doing: str = "fetch", file: str = "") -> Iterator[None]:
    """Turn the client's errors into a `HubError` of one line; ``doing`` is "fetch", "search" or "publish".

    What the client waits for is `bounded`, and how often it asks for a ``file``.
    """
    try:
        with bounded(what, file):
            yield
    except GanzooError:
        raise
    except _EXPLAINED as error:
        raise HubError(f"{what}: {_reason(error, doing, file)}") from error


def _reason(error: BaseException, doing: str, file: str) -> str:  # noqa: PLR0911, PLR0912 - a table of errors
    again = "run it again, what is already there is not sent twice" if doing == "publish" else "try again"
    if isinstance(error, LocalEntryNotFoundError | RuntimeError) and error.__cause__ is not None:
        return _reason(error.__cause__, doing, file)
    if isinstance(error, OfflineModeIsEnabled):
        cached = f" and {file or 'it'} is not in the cache" if doing == "fetch" else ""
        return f"HF_HUB_OFFLINE is set{cached}: unset it to ask the Hub"
    if isinstance(error, GatedRepoError):
        return f"access to it is restricted: ask for access on its page, then log in ({_LOGIN})"
    if isinstance(error, RevisionNotFoundError):
        return "the repository has no such revision: look up its branches, tags and commits"
    if isinstance(error, RemoteEntryNotFoundError):
        return f"the repository has no such file: {file}"
    if isinstance(error, RepositoryNotFoundError):
        seen = "your token may not see it" if get_token() else f"it is private and needs a token ({_LOGIN})"
        return f"the Hub has no such repository, or {seen}"
    if isinstance(error, HfHubHTTPError):
        return _answered(error, doing, again)
    if isinstance(error, HFValidationError | FileMetadataError):
        return plain(str(error))
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
        return f"{constants.HF_HUB_CACHE} is full: free some space, or set HF_HOME to another disk"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}: HF_HOME must name a folder that may be written"
    if isinstance(error, _HTTP_ERRORS):
        message = plain(str(error))
        if "Timeout" in type(error).__name__:
            return f"the Hub does not answer ({message}): check the network or its proxy, {again}; {longer()}"
        return f"the Hub cannot be reached ({message or type(error).__name__}): check the network, {again}"
    if isinstance(error, OSError | RuntimeError):
        return f"the transfer broke off ({plain(str(error))}): {again}"
    if isinstance(error, TypeError | LookupError | AttributeError | json.JSONDecodeError):
        return f"its answer cannot be parsed ({type(error).__name__}): is HF_ENDPOINT, where it is set, a Hub?"
    return f"the Hub refuses it: {plain(str(error))}"


def _answered(error: HfHubHTTPError, doing: str, again: str) -> str:
    status = error.response.status_code
    message = plain(error.server_message or "")
    if status == 401:
        return f"the Hub does not know the token: log in again ({_LOGIN}), or unset it"
    if status == 403:
        may = "write there" if doing == "publish" else "read it"
        return f"the token may not {may}{f' ({message})' if message else ''}: use one that may ({_LOGIN})"
    if status == 412:
        return "another commit was made in the meantime: run it again"
    if status in BUSY:
        return f"the Hub answers {status} (it is {'overloaded' if status == 429 else 'out of order'}): later, {again}"
    return f"the Hub answers {status}: {message or 'without a reason'}"


def plain(text: str) -> str:
    """Return foreign text as one printable line without the token and the queries of addresses."""
    if token := get_token():
        text = text.replace(token, "***")
    return one_line(unsigned(text))[:300]
