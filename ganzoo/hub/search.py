"""Searching the Hub: models by tag, and the files of one repository."""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

from huggingface_hub.hf_api import ModelInfo

from ganzoo.hub.address import Address
from ganzoo.hub.client import api, explained, persist

TAG = "ganzoo"


class Listed(NamedTuple):
    """A published model as a search shows it."""

    repo: str
    card: dict[str, Any]  # its metadata
    updated: str  # the day of its last commit, as "2026-01-31", or an empty string
    private: bool


def search(
    *, author: str | None = None, text: str | None = None, tags: tuple[str, ...] = (), limit: int
) -> list[Listed]:
    """Return published models whose name contains ``text``, those that were changed last first."""

    def ask() -> list[ModelInfo]:
        found = api().list_models(
            filter=[TAG, *tags], author=author, search=text, sort="last_modified", limit=limit, full=True, cardData=True
        )
        return list(islice(found, limit))

    with explained("the search", "search"):
        return [_listed(info) for info in persist(ask)]


def _listed(info: ModelInfo) -> Listed:
    changed = info.last_modified
    card: dict[str, Any] = info.card_data.to_dict() if info.card_data is not None else {}  # type: ignore[no-untyped-call]
    return Listed(info.id, card, changed.date().isoformat() if changed else "", bool(info.private))


class Described(NamedTuple):
    """A repository at a commit."""

    address: Address
    private: bool
    sizes: dict[str, int]  # in bytes
    hashes: dict[str, str]  # SHA-256 of a large file, git's SHA-1 of a small one


def describe(address: Address) -> Described:
    """Ask what a repository holds, without fetching any of it. The client's errors are left as they are."""
    info = persist(lambda: api().model_info(address.repo, revision=address.revision, files_metadata=True))
    files = info.siblings or []
    return Described(
        Address(address.repo, str(info.sha)),
        bool(info.private),
        {f.rfilename: f.size or 0 for f in files},
        {f.rfilename: f.lfs.sha256 if f.lfs else str(f.blob_id) for f in files},
    )
