"""A Hub on the loopback: enough of the real one's HTTP for the real client, and switches that make it fail.

Large files lie behind a second port, as the real Hub's lie on another host; every request is noted, with whether it
carried a token, so that a test can say who was asked what.
"""

from __future__ import annotations

import threading
from functools import partial
from http.server import ThreadingHTTPServer

from hub.answers import Fault, Request
from hub.api import Api
from hub.repos import Blob, Commit, Hub, Repo
from hub.storage import Storage

__all__ = ["Fault", "LoopbackHub"]


class LoopbackHub:
    """The running servers; a context manager.

    Args:
        chunk: large files of more bytes are uploaded in parts of so many.
        page: models per page of a listing.
    """

    def __init__(self, chunk: int | None = None, page: int = 2) -> None:
        self.hub = Hub({"hf_alice": ("alice", "write"), "hf_bob": ("bob", "write"), "hf_reader": ("alice", "read")})
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.parts: dict[str, bytes] = {}
        self.chunk, self.page = chunk, page
        self._servers = [
            ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, self, name))
            for name, handler in (("api", Api), ("storage", Storage))
        ]
        for server in self._servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        api, storage = (server.server_port for server in self._servers)
        # Another name as well as another port: to some versions of the client a port makes no other host.
        self.url, self.storage = f"http://127.0.0.1:{api}", f"http://localhost:{storage}"

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop; later requests are refused."""
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def upload(self, repo: str, files: dict[str, bytes], *, private: bool = False, gated: bool = False) -> str:
        """Put files into a repository without HTTP, as its owner would have; return the commit."""
        made = self.hub.repos.setdefault(repo, Repo(repo, private, gated))
        blobs = {path: Blob(content, lfs=path.endswith(".safetensors")) for path, content in files.items()}
        return made.add("main", Commit("upload", {**made.at("main").files, **blobs}, made.refs["main"]))

    def lines(self, port: str | None = None) -> list[str]:
        """Return the requests so far, as "METHOD /path"."""
        return [r.line for r in self.requests if port in (None, r.port)]
