"""A folder onto the Hub: in one commit, and in none when nothing has changed."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, constants, get_token
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

from ganzoo.errors import HubError
from ganzoo.hub.address import Address
from ganzoo.hub.client import TRIES, api, explained, persist
from ganzoo.hub.fetch import hash_like
from ganzoo.hub.search import Described, describe


class Remote(NamedTuple):
    """A repository before the upload."""

    address: Address  # of the branch
    private: bool | None  # None where the repository does not exist
    state: Described | None  # of the branch, or of main where the branch is new
    new_branch: bool = False


class Uploaded(NamedTuple):
    """The result of an upload; when ``changed`` and ``removed`` are empty, there was nothing to commit."""

    url: str
    commit: str  # the new one, or where nothing had changed the branch's last
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    pull_request: str | None  # its web address
    revision: str  # of the pull request, or the branch


def look(address: Address) -> Remote:
    """Ask for a repository that may not exist yet."""
    with explained(address, "publish"):
        try:
            state = describe(address)
            return Remote(address, state.private, state)
        except RevisionNotFoundError:
            state = describe(Address(address.repo))
            return Remote(address, state.private, state, new_branch=True)
        except RepositoryNotFoundError:
            return Remote(address, None, None)


def need_token(address: Address) -> None:
    """Refuse to continue without a token."""
    if get_token() is None:
        raise HubError(f"{address}: publishing needs a token with write access: `hf auth login`, or set HF_TOKEN")


def compare(remote: Remote, folder: Path, *, drop: tuple[str, ...] = ()) -> dict[str, bool]:
    """Return which files differ from the repository's: True for one to add, False for one to remove."""
    there = remote.state.hashes if remote.state else {}
    changes = {
        path.name: True
        for path in sorted(folder.iterdir())
        if path.name not in there or there[path.name] != hash_like(path, there[path.name])
    }
    return {**changes, **{name: False for name in drop if name in there}}


def upload(
    remote: Remote, folder: Path, *, message: str, private: bool = False, create_pr: bool = False,
    drop: tuple[str, ...] = (),
) -> Uploaded:  # fmt: skip
    """Commit the files of ``folder``, and the removal of ``drop``, in one commit; create the repository if missing.

    Run again after an interruption it sends only what is missing.
    """
    address, hub = remote.address, api()
    if private and remote.private is False:
        raise HubError(f"{address} exists already and is public: make it private in its settings, or name another")
    with explained(address, "publish"):
        state = remote.state
        if state is None:
            persist(lambda: hub.create_repo(address.repo, private=private or None, exist_ok=True))
            state = describe(Address(address.repo))
            if set(state.sizes) - {".gitattributes"}:
                raise HubError(f"{address} was created by another process in the meantime: run it again")
        parent = state.address.revision
        if remote.new_branch or (remote.state is None and address.revision != "main"):
            persist(lambda: hub.create_branch(address.repo, branch=address.revision, revision=parent, exist_ok=True))
        if private and not describe(address).private:
            raise HubError(f"{address} is public by now: nothing was sent; make it private in its settings")
        changes = compare(Remote(address, private, state), folder, drop=drop)
        brought = tuple(name for name, bring in changes.items() if bring)
        removed = tuple(name for name, bring in changes.items() if not bring)
        if not changes:
            url = f"{constants.ENDPOINT}/{address.repo}/commit/{parent}"
            return Uploaded(url, parent, (), (), None, address.revision)
        adding = [CommitOperationAdd(name, folder / name) for name in brought]
        made = persist(
            lambda: hub.create_commit(
                address.repo, [*adding, *map(CommitOperationDelete, removed)], commit_message=message,
                revision=address.revision, create_pr=create_pr,
                # Another's commit in the meantime is not overwritten, and ours is not made twice.
                parent_commit=parent,
            ),
            tries=1 if create_pr else TRIES,
        )  # fmt: skip
    return Uploaded(made.commit_url, made.oid, brought, removed, made.pr_url, made.pr_revision or address.revision)
