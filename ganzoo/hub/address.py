"""Where a model lies on the Hub: ``hf:owner/name`` or ``hf:owner/name@revision``."""

from __future__ import annotations

import re
from typing import NamedTuple

from ganzoo.errors import HubError

PREFIX = "hf:"
_REPO = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9][\w.-]*/[A-Za-z0-9_][\w.-]*", re.ASCII)
_REVISION = re.compile(r"(?!.*(?:\.\.|//|\.lock(?:/|$)))(?!HEAD$)[\w][\w./+-]{0,200}", re.ASCII)
_COMMIT = re.compile("[0-9a-f]{40}")


class Address(NamedTuple):
    """A repository and a revision of it."""

    repo: str
    revision: str = "main"  # a branch, a tag, a pull request (refs/pr/1) or a commit

    @property
    def pinned(self) -> bool:
        """Whether the revision is a commit, whose files never change."""
        return _COMMIT.fullmatch(self.revision) is not None

    def __str__(self) -> str:
        return f"{PREFIX}{self.repo}" + ("" if self.revision == "main" else f"@{self.revision}")


def is_address(text: str) -> bool:
    """Whether this is meant to be an address."""
    return text.startswith(PREFIX)


def parse(text: str) -> Address:
    """Parse ``hf:owner/name`` or ``hf:owner/name@revision``."""
    repo, at, revision = text.removeprefix(PREFIX).partition("@")
    check_repo(repo, text)
    if not at:
        return Address(repo)
    check_revision(revision, text)
    return Address(repo, revision)


def check_repo(repo: str, text: str | None = None) -> None:
    """Check a repository's name."""
    if len(repo) > 96 or not _REPO.fullmatch(repo) or repo.endswith((".git", ".", "-")):
        raise HubError(f"'{text or repo}' is not the name of a Hub model: use owner/name, as in hf:owner/name@revision")


def check_revision(revision: str, text: str | None = None) -> None:
    """Check a revision's name."""
    if not _REVISION.fullmatch(revision):
        raise HubError(f"'{text or revision}' is not a revision: give a branch, a tag or a commit after the @")
