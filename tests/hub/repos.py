"""What a loopback Hub remembers: repositories of commits, branches and files. It knows nothing of HTTP."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

import yaml


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@dataclass(frozen=True)
class Blob:
    """A file's content; a large one is kept and named by its SHA-256."""

    content: bytes
    lfs: bool

    @property
    def etag(self) -> str:
        return sha256(self.content) if self.lfs else git_sha1(self.content)

    def describe(self, path: str) -> dict[str, Any]:
        large = {"lfs": {"sha256": self.etag, "oid": self.etag, "size": len(self.content), "pointerSize": 134}}
        entry = {"path": path, "rfilename": path, "type": "file", "size": len(self.content)}
        return {**entry, "oid": git_sha1(self.content), "blobId": git_sha1(self.content), **(large if self.lfs else {})}


@dataclass(frozen=True)
class Commit:
    """A state of all files."""

    title: str
    files: dict[str, Blob]
    parent: str | None

    @property
    def oid(self) -> str:
        names = {path: blob.etag for path, blob in sorted(self.files.items())}
        return hashlib.sha1(json.dumps([self.title, names, self.parent]).encode()).hexdigest()


@dataclass
class Repo:
    """A model repository."""

    id: str
    private: bool = False
    gated: bool = False
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        first = Commit("initial commit", {".gitattributes": Blob(b"*.safetensors filter=lfs\n", lfs=False)}, None)
        self.add("main", first)

    @property
    def owner(self) -> str:
        return self.id.partition("/")[0]

    def add(self, ref: str, commit: Commit) -> str:
        self.commits[commit.oid] = commit
        self.refs[ref] = commit.oid
        return commit.oid

    def resolve(self, revision: str) -> str | None:
        """Return the commit that a branch, a tag, a pull request or a full hash means."""
        return self.refs.get(revision) or (revision if revision in self.commits else None)

    def at(self, revision: str) -> Commit:
        oid = self.resolve(revision)
        assert oid is not None
        return self.commits[oid]

    def card(self, revision: str = "main") -> dict[str, Any]:
        readme = self.at(revision).files.get("README.md")
        match = re.match(r"---\n(.*?)\n---", readme.content.decode(errors="replace") if readme else "", re.DOTALL)
        try:
            return (yaml.safe_load(match[1]) or {}) if match else {}
        except yaml.YAMLError:
            return {}

    def info(self, revision: str = "main", *, blobs: bool = True) -> dict[str, Any]:
        card, commit = self.card(revision), self.at(revision)
        tags = [*card.get("tags", []), *(f"dataset:{d}" for d in card.get("datasets", []))]
        tags += [str(card[key]) for key in ("library_name", "pipeline_tag") if key in card]
        siblings = [blob.describe(path) for path, blob in sorted(commit.files.items())]
        return {
            "_id": self.id, "id": self.id, "modelId": self.id, "sha": commit.oid, "author": self.owner,
            "private": self.private, "gated": "manual" if self.gated else False, "disabled": False,
            "lastModified": "2026-01-02T03:04:05.000Z", "createdAt": "2026-01-01T00:00:00.000Z",
            "downloads": 0, "likes": 0, "tags": tags, "cardData": card,
            "library_name": card.get("library_name"), "pipeline_tag": card.get("pipeline_tag"),
            "siblings": siblings if blobs else [{"rfilename": s["rfilename"]} for s in siblings],
        }  # fmt: skip


@dataclass
class Hub:
    """All repositories, the people with their tokens, and the uploaded large files."""

    tokens: dict[str, tuple[str, str]] = field(default_factory=dict)
    """token -> (user, "write" or "read")"""
    repos: dict[str, Repo] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)

    def user(self, token: str | None) -> str | None:
        return self.tokens[token][0] if token else None

    def may_read(self, repo: Repo, token: str | None) -> bool:
        return not repo.private or self.user(token) == repo.owner

    def may_write(self, owner: str, token: str | None) -> bool:
        return token is not None and self.tokens[token] == (owner, "write")

    def commit(self, repo: Repo, ref: str, lines: list[dict[str, Any]]) -> str | None:
        """Apply the lines of a commit; None when its parent is no longer the head."""
        header, *changes = lines
        assert header["key"] == "header", header
        base = repo.at(ref)
        parent = header["value"].get("parentCommit")
        if parent is not None and parent != base.oid:
            return None
        files = dict(base.files)
        for change in changes:
            key, value = change["key"], change["value"]
            if key == "file":
                import base64

                files[value["path"]] = Blob(base64.b64decode(value["content"]), lfs=False)
            elif key == "lfsFile":
                files[value["path"]] = Blob(self.large[value["oid"]], lfs=True)
            elif key == "deletedFile":
                del files[value["path"]]
            else:
                raise AssertionError(key)
        return repo.add(ref, Commit(header["value"]["summary"], files, base.oid))
