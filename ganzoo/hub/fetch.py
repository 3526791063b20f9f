"""Files of the Hub, in the client's own cache, each checked against its hash."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from huggingface_hub import _CACHED_NO_EXIST, constants, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import RemoteEntryNotFoundError
from huggingface_hub.utils.sha import git_hash

from ganzoo._files import sha256
from ganzoo.errors import HubError
from ganzoo.hub.address import Address
from ganzoo.hub.client import api, explained, persist

_HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


class Fetched(NamedTuple):
    """A file in the cache that has been checked, and the address of its commit."""

    path: Path
    address: Address


def fetch(address: Address, file: str, *, sha256: str | None = None) -> Fetched:
    """Return a file of a repository, from the cache or freshly downloaded, after its hash was checked.

    A commit whose file is in the cache costs no request. Anything else is asked for once; where the Hub does not
    answer, the cached state of the revision is used. A file whose hash is not the Hub's, or not ``sha256``, is removed
    from the cache.
    """
    with explained(address, file=file):
        # A commit never changes. The client, asked to download it, may still send requests.
        cached = try_to_load_from_cache(address.repo, file, revision=address.revision) if address.pinned else None
        if not isinstance(cached, str):
            cached = persist(lambda: api().hf_hub_download(address.repo, file, revision=address.revision))
    path = Path(cached)
    fetched = Fetched(path, address._replace(revision=path.parents[len(PurePosixPath(file).parts) - 1].name))
    _check(fetched, file, sha256)
    return fetched


def fetch_optional(address: Address, file: str, *, sha256: str | None = None) -> Fetched | None:
    """Return a file as `fetch` does, or None where the repository has no file of that name."""
    if address.pinned and try_to_load_from_cache(address.repo, file, revision=address.revision) is _CACHED_NO_EXIST:
        return None
    try:
        return fetch(address, file, sha256=sha256)
    except HubError as error:
        if isinstance(error.__cause__, RemoteEntryNotFoundError):
            return None
        raise


def audit(address: Address, snapshot: Path) -> list[str]:
    """Compare the cached files of a commit with the hashes that the Hub has of them now; return their names."""
    with explained(address):
        found = persist(lambda: api().verify_repo_checksums(address.repo, revision=address.revision))
    for bad in found.mismatches:
        raise _damaged(snapshot / bad["path"], address, bad["path"], bad["actual"], bad["expected"])
    here = {path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file()}
    return sorted(here - set(found.extra_paths))


def _check(fetched: Fetched, file: str, expected: str | None) -> None:
    path, address = fetched
    etag = _etag(path, address, file, known=expected is not None)
    if not path.is_file():
        _remove(path)
        raise HubError(f"{address} {file}: the cache has no file there: fetch it again with `ganzoo pull {address}`")
    if etag is not None:
        if (found := hash_like(path, etag)) != etag:
            raise _damaged(path, address, file, found, etag)
    elif expected is None:
        _remove(path)
        raise HubError(f"{address} {file}: the Hub gives no hash for it, so it cannot be checked: do not use it")
    if expected is None or expected == etag:
        return
    if (found := sha256(path)) != expected:
        _remove(path)
        # The Hub sent what it has: fetching again would give the same.
        remedy = "it is not the file that was listed; do not use it, and report it to the author of the entry"
        if etag is None:
            remedy = f"it has been removed; fetch it again with `ganzoo pull {address}`"
        raise HubError(f"{address} {file} has sha256 {found} where {expected} is expected: {remedy}")


def _damaged(path: Path, address: Address, file: str, found: str, known: str) -> HubError:
    """Remove a file from the cache, and return the error about it."""
    _remove(path)
    kind = "sha256" if len(known) == 64 else "sha1"
    return HubError(
        f"{address} {file} has {kind} {found} where the Hub has {known}: it was damaged in transfer or on the disk, "
        f"and has been removed; fetch it again with `ganzoo pull {address}`"
    )


def _etag(path: Path, address: Address, file: str, *, known: bool) -> str | None:
    """Return the Hub's own hash of a file: SHA-256 for a large one, git's SHA-1 for a small one."""
    if path.is_symlink():  # the cache names a file's content by it
        name = path.readlink().name
        return name if _HASH.fullmatch(name) else None
    if known:  # no need to ask
        return None
    with explained(address):  # a cache without links, as on Windows
        etag = persist(lambda: get_hf_file_metadata(hf_hub_url(address.repo, file, revision=address.revision)).etag)
    return etag if etag and _HASH.fullmatch(etag) else None


def hash_like(path: Path, known: str) -> str:
    """Return a file's hash of the kind that ``known`` is: SHA-256, or the SHA-1 that git gives a file's content."""
    if len(known) == 64:
        return sha256(path)
    return git_hash(path.read_bytes())  # only small files have it


def _remove(path: Path) -> None:
    """Remove a file from the cache with the content it links to; nothing outside of the cache is touched."""
    cache, chain = Path(constants.HF_HUB_CACHE).resolve(), [path]
    while chain[-1].is_symlink():
        chain.append(chain[-1].parent / chain[-1].readlink())
    try:
        for part in chain:
            inside = cache in (part.parent.resolve() / part.name).parents
            if inside and (part.is_symlink() or part.is_file()):
                part.unlink(missing_ok=True)
    except OSError as error:
        raise HubError(f"{path} is damaged and cannot be removed ({error.strerror or error}): remove it") from error
