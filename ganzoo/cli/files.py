"""Files for authors of commands: they appear whole or not at all, have a hash, and one process at a time holds them."""

from ganzoo._files import only_one, replacing, sha256, write_json

__all__ = ["only_one", "replacing", "sha256", "write_json"]
