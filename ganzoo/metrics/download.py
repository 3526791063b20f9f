"""Download one file over https: complete, with the SHA-256 that is expected, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import filelock
from huggingface_hub import constants
from tqdm import tqdm

from ganzoo._files import replacing
from ganzoo._files import sha256 as sha256_of
from ganzoo._version import __version__
from ganzoo.errors import WeightsError, one_line

SCHEMES = ("https",)
_BLOCK = 2**18
_SECONDS = 30  # of silence until a server counts as unreachable
# Not torch.hub.download_url_to_file: it has no timeout, follows redirects out of https, and does not say what fails.


def download(url: str, path: Path, sha256: str) -> None:
    """Download a file; of several processes that want the same one, one downloads it and the others wait.

    Args:
        url: an https address.
        path: of the new file; it never holds a part of the file.
        sha256: that the file must have.

    Raises:
        WeightsError: the file cannot be downloaded or written, or has another hash.
    """
    _check(url)
    if constants.HF_HUB_OFFLINE:  # the one switch that keeps off the network all that ganzoo fetches
        raise WeightsError(f"{url} is not asked for while HF_HUB_OFFLINE is set")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{path}.lock"):
            if not path.exists():
                with replacing(path) as partial:
                    _fetch(url, partial)
                    if (found := sha256_of(partial)) != sha256:
                        raise WeightsError(f"{url} gave a file with sha256 {found} where {sha256} is expected")
    except OSError as error:
        raise WeightsError(f"{path} cannot be written: {error.strerror or error}") from error


def _fetch(url: str, partial: Path) -> None:
    request = Request(url, headers={"User-Agent": f"ganzoo/{__version__}"})  # noqa: S310 - see _check
    with _explained(url):
        answer = build_opener(_Redirects).open(request, timeout=_SECONDS)

    def read() -> bytes:
        with _explained(url):
            return answer.read(_BLOCK)  # type: ignore[no-any-return]

    with answer, partial.open("wb") as file:
        name, length = urlsplit(url).path.rpartition("/")[2], answer.headers.get("Content-Length") or ""
        total = int(length) if length.isdigit() else None
        with tqdm(total=total, desc=name, unit="B", unit_scale=True, disable=None) as bar:
            for block in iter(read, b""):
                bar.update(file.write(block))


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn an error of the server or the network into one line; errors of the disk are not raised inside."""
    try:
        yield
    except HTTPError as error:
        with error:
            raise WeightsError(f"{url}: the server answers {error.code}") from error
    except (HTTPException, OSError) as error:
        raise WeightsError(f"{url} cannot be reached ({one_line(str(error))[:200]})") from error


class _Redirects(HTTPRedirectHandler):
    """Follows redirects, but not out of https."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        _check(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check(url: str) -> None:
    if urlsplit(url).scheme not in SCHEMES:
        raise WeightsError(f"{url} is not asked for: only https is")
