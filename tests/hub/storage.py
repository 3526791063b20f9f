"""The server behind the loopback Hub that holds large files by their SHA-256, as the real Hub's lie on another host."""

from __future__ import annotations

import json
from typing import NoReturn

from hub.answers import Answer, error
from hub.handler import Handler
from hub.repos import sha256


class Storage(Handler):
    """Takes large files, whole or in parts, and serves them, whole or from a byte on."""

    def route(self, path: str, token: str | None) -> NoReturn:
        kind, _, rest = path.lstrip("/").partition("/")
        if kind == "object" and self.command == "PUT":
            self.loop.hub.large[sha256(self.data)] = self.data
            raise Answer(200)
        if kind == "part" and self.command == "PUT":
            self.loop.parts[rest] = self.data
            raise Answer(200, ETag=f'"{sha256(self.data)}"')
        if kind == "complete" and self.command == "POST":
            asked = json.loads(self.data)
            whole = b"".join(self.loop.parts.pop(f"{asked['oid']}/{p['partNumber']}") for p in asked["parts"])
            self.loop.hub.large[sha256(whole)] = whole
            raise Answer(200)
        if kind == "file" and rest in self.loop.hub.large:
            content = self.loop.hub.large[rest]
            if span := self.headers.get("Range"):
                first = int(span.removeprefix("bytes=").partition("-")[0])
                total = f"bytes {first}-{len(content) - 1}/{len(content)}"
                raise Answer(206, content[first:], Content_Range=total)
            raise Answer(200, content)
        raise error(404, f"no object {rest}")
