"""The API of the loopback Hub: repositories, their files and commits, and who may do what."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn
from urllib.parse import quote, unquote

import yaml

from hub.answers import Answer, error
from hub.handler import Handler
from hub.repos import Commit, Repo


class Api(Handler):
    """Each route is answered by the method that `ROUTES` names."""

    def route(self, path: str, token: str | None) -> NoReturn:
        if token is not None and token not in self.loop.hub.tokens:
            raise error(401, "Invalid credentials in Authorization header")
        for method, pattern, name in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and method == self.command.replace("HEAD", "GET"):
                words = {key: unquote(value) for key, value in match.groupdict().items() if value is not None}
                if "id" in words:
                    words = {**words, "id": self._repo(words["id"], token)}
                answer: Callable[..., Answer] = getattr(self, name)
                raise answer(token=token, **words)
        raise error(404, f"no route for {self.command} {path}")

    def _repo(self, name: str, token: str | None) -> Repo:
        repo = self.loop.hub.repos.get(name)
        if repo is None or not self.loop.hub.may_read(repo, token):
            raise error(404 if token else 401, "Repository not found", "RepoNotFound")
        return repo

    def _commit(self, repo: Repo, revision: str) -> Commit:
        if repo.resolve(revision) is None:
            raise error(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return repo.at(revision)

    def _writable(self, repo: Repo, token: str | None) -> None:
        if not self.loop.hub.may_write(repo.owner, token):
            raise error(403, "You don't have the rights to write to this repository")

    def whoami(self, token: str | None) -> Answer:
        if token is None:
            return error(401, "Invalid username or password.")
        name, role = self.loop.hub.tokens[token]
        return Answer(200, {"type": "user", "name": name, "orgs": [], "auth": {"accessToken": {"role": role}}})

    def create(self, token: str | None) -> Answer:
        asked = json.loads(self.data)
        owner = asked.get("organization") or self.loop.hub.user(token)
        name = f"{owner}/{asked['name']}"
        if token is None:
            return error(401, "Invalid username or password.")
        if not self.loop.hub.may_write(owner, token):
            return error(403, f"You don't have the rights to create a model under the namespace {owner}")
        url = {"url": f"{self.loop.url}/{name}", "name": name}
        if name in self.loop.hub.repos:
            return Answer(409, {**url, "error": "You already created this model repo"})
        private = asked.get("visibility") == "private" or bool(asked.get("private"))
        self.loop.hub.repos[name] = Repo(name, private)
        return Answer(200, url)

    def validate(self, token: str | None) -> Answer:
        readme = json.loads(self.data)["content"]
        match = re.match(r"---\r?\n(.*?)\r?\n---", readme, re.DOTALL)
        try:
            good = isinstance(yaml.safe_load(match[1]) if match else {}, dict)
        except yaml.YAMLError:
            good = False
        errors = [] if good else [{"message": "the metadata is no YAML mapping"}]
        return Answer(200 if good else 400, {"errors": errors, "warnings": []})

    def preupload(self, id: Repo, rev: str, token: str | None) -> Answer:  # noqa: A002
        if "create_pr" not in self.query:
            self._writable(id, token)
        there = self._commit(id, rev).files
        return Answer(200, {"files": [
            {
                "path": f["path"], "shouldIgnore": False,
                "uploadMode": "lfs" if f["path"].endswith(".safetensors") or f["size"] > 10**7 else "regular",
                **({"oid": there[f["path"]].etag} if f["path"] in there else {}),
            }
            for f in json.loads(self.data)["files"]
        ]})  # fmt: skip

    def batch(self, id: Repo, token: str | None) -> Answer:  # noqa: A002
        return Answer(200, {"transfer": "basic", "objects": [
            {"oid": o["oid"], "size": o["size"], **self._actions(id, o["oid"], o["size"])}
            for o in json.loads(self.data)["objects"]
        ]})  # fmt: skip

    def _actions(self, repo: Repo, oid: str, size: int) -> dict[str, Any]:
        if oid in self.loop.hub.large:
            return {}
        chunk, storage = self.loop.chunk, self.loop.storage
        upload: dict[str, Any] = {"href": f"{storage}/object/{oid}"}
        if chunk and size > chunk:
            parts = {f"{i + 1:05d}": f"{storage}/part/{oid}/{i + 1}" for i in range(-(-size // chunk))}
            upload = {"href": f"{storage}/complete/{oid}", "header": {"chunk_size": str(chunk), **parts}}
        return {"actions": {"upload": upload, "verify": {"href": f"{self.loop.url}/{repo.id}/verify"}}}

    def verify(self, id: Repo, token: str | None) -> Answer:  # noqa: A002
        asked = json.loads(self.data)
        content = self.loop.hub.large.get(asked["oid"])
        return Answer(200) if content is not None and len(content) == asked["size"] else error(400, "no such object")

    def commit(self, id: Repo, rev: str, token: str | None) -> Answer:  # noqa: A002
        self._commit(id, rev)
        wants_pr = "create_pr" in self.query
        ref, number = rev, sum(name.startswith("refs/pr/") for name in id.refs) + 1
        if wants_pr:
            if token is None:
                return error(401, "Invalid username or password.")
            ref = f"refs/pr/{number}"
            id.refs[ref] = id.refs[rev]
        else:
            self._writable(id, token)
            if ref not in id.refs:
                return error(400, "a commit is no branch")
        oid = self.loop.hub.commit(id, ref, [json.loads(line) for line in self.data.splitlines() if line.strip()])
        if oid is None:
            return error(412, "A commit has happened since. Please refresh and try again.")
        pull = {"pullRequestUrl": f"{self.loop.url}/{id.id}/discussions/{number}"} if wants_pr else {}
        return Answer(200, {"commitUrl": f"{self.loop.url}/{id.id}/commit/{oid}", "commitOid": oid, **pull})

    def info(self, id: Repo, token: str | None, rev: str = "main") -> Answer:  # noqa: A002
        self._commit(id, rev)
        return Answer(200, id.info(rev, blobs="blobs" in self.query))

    def models(self, token: str | None) -> Answer:
        def asked(key: str) -> str:
            return self.query.get(key, [""])[0]

        found = [
            repo.info()
            for name, repo in sorted(self.loop.hub.repos.items())
            if self.loop.hub.may_read(repo, token)
            and asked("author") in ("", repo.owner)
            and asked("search").lower() in name.lower()
            and set(self.query.get("filter", [])) <= set(repo.info()["tags"])
        ]
        first = int(asked("from") or 0)
        last = first + min(self.loop.page, int(asked("limit") or 1000))
        for entry in found:
            if "cardData" not in self.query:
                del entry["cardData"]
        more = {}
        if last < len(found):
            words = "&".join(f"{k}={quote(v)}" for k, vs in self.query.items() if k != "from" for v in vs)
            more = {"Link": f'<{self.loop.url}/api/models?{words}&from={last}>; rel="next"'}
        return Answer(200, found[first:last], **more)

    def branch(self, id: Repo, rev: str, token: str | None) -> Answer:  # noqa: A002
        self._writable(id, token)
        if rev in id.refs:
            return error(409, "this reference exists")
        id.refs[rev] = id.refs["main"]
        return Answer(200)

    def refs(self, id: Repo, token: str | None) -> Answer:  # noqa: A002
        found = [{"name": name, "ref": f"refs/heads/{name}", "targetCommit": oid} for name, oid in id.refs.items()]
        pulls = [one for one in found if one["name"].startswith("refs/pr/")]
        heads = [one for one in found if one not in pulls]
        return Answer(200, {"branches": heads, "tags": [], "converts": [], "pullRequests": pulls})

    def tree(self, id: Repo, rev: str, token: str | None) -> Answer:  # noqa: A002
        return Answer(200, [blob.describe(path) for path, blob in self._commit(id, rev).files.items()])

    def resolve(self, id: Repo, rev: str, path: str, token: str | None) -> Answer:  # noqa: A002
        if id.gated and self.loop.hub.user(token) != id.owner:
            return error(403 if token else 401, "Access to this model is restricted", "GatedRepo")
        commit = self._commit(id, rev)
        blob = commit.files.get(path)
        if blob is None:
            missing = error(404, "Entry not found", "EntryNotFound")
            missing.headers["X-Repo-Commit"] = commit.oid
            return missing
        headers = {"X_Repo_Commit": commit.oid, "ETag": f'"{blob.etag}"'}
        if not blob.lfs:
            return Answer(200, blob.content, **headers)
        self.loop.hub.large.setdefault(blob.etag, blob.content)
        linked = {"X_Linked_Etag": f'"{blob.etag}"', "X_Linked_Size": str(len(blob.content))}
        return Answer(302, **headers, **linked, Location=f"{self.loop.storage}/file/{blob.etag}?X-Amz-Signature=signed")


ID = "(?P<id>[^/]+/[^/]+)"
ROUTES = [
    ("GET", "/api/whoami-v2", "whoami"),
    ("POST", "/api/repos/create", "create"),
    ("POST", "/api/validate-yaml", "validate"),
    ("GET", "/api/models", "models"),
    ("POST", f"/api/models/{ID}/preupload/(?P<rev>[^/]+)", "preupload"),
    ("POST", f"/api/models/{ID}/commit/(?P<rev>[^/]+)", "commit"),
    ("GET", f"/api/models/{ID}/revision/(?P<rev>[^/]+)", "info"),
    ("GET", f"/api/models/{ID}/tree/(?P<rev>[^/]+)", "tree"),
    ("POST", f"/api/models/{ID}/branch/(?P<rev>[^/]+)", "branch"),
    ("GET", f"/api/models/{ID}/refs", "refs"),
    ("GET", f"/api/models/{ID}", "info"),
    ("POST", f"/{ID}\\.git/info/lfs/objects/batch", "batch"),
    ("POST", f"/{ID}/verify", "verify"),
    ("GET", f"/{ID}/resolve/(?P<rev>[^/]+)/(?P<path>.+)", "resolve"),
]
