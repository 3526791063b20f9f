"""Where the weights of extractors lie: a folder of ganzoo's cache, and wherever a user keeps a file of their own."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ganzoo._files import cache_dir, sha256
from ganzoo.errors import ConfigError, WeightsError
from ganzoo.hub.address import Address
from ganzoo.hub.fetch import fetch_optional
from ganzoo.models.weights import PICKLES

_DATA = (".safetensors", ".onnx")


class WeightsOnDisk(NamedTuple):
    """A file, and its SHA-256 in hexadecimal."""

    path: Path
    sha256: str


def folder() -> Path:
    """Return the folder in which files are looked for that somebody fetched by hand, or that ganzoo fetched."""
    return cache_dir() / "extractors"


def on_disk(path: Path) -> WeightsOnDisk:
    """Return a file with its hash."""
    return WeightsOnDisk(path, sha256(path))


def from_hub(repo: str, file: str, revision: str = "main") -> WeightsOnDisk | None:
    """Return a file of a repository of the Hub, from the cache where it is in it, checked against the Hub's own hash.

    Returns:
        None where the repository has no such file.

    Raises:
        HubError: it cannot be fetched.
    """
    fetched = fetch_optional(Address(repo, revision), file)
    return on_disk(fetched.path) if fetched else None


def is_file_name(word: str) -> bool:
    """Whether a word is meant to be a file, be it one that is taken or one that is refused."""
    return Path(word).suffix.lower() in (*_DATA, *PICKLES)


def refuse_pickle(name: str) -> None:
    """Refuse a file that could run code.

    Raises:
        WeightsError: it is one by its name.
    """
    if Path(name).suffix.lower() in PICKLES:
        raise WeightsError(
            f"{name} is of a kind that can run code when it is opened, and ganzoo opens none: save the weights with "
            "safetensors.torch.save_file, or export the network with torch.onnx.export"
        )


def own_file(name: str, wanted: str | None, suffix: str) -> WeightsOnDisk:
    """Find a file of the user's own, where its name says or else in `folder`.

    Args:
        name: a path, or the name of a file in `folder`.
        wanted: how its SHA-256 must begin, or None.
        suffix: that its name must have.

    Raises:
        ConfigError: its name could not be written in a protocol.
        WeightsError: there is no such file, or only another one of that name.
    """
    refuse_pickle(name)
    path = Path(name)
    if path.suffix.lower() != suffix:
        raise WeightsError(f"{name} is no file of weights here: say one whose name ends in {suffix}")
    if set(path.name) & set("[],:"):
        raise ConfigError(
            f"{path.name}: a protocol cannot hold the name of this file: rename it, without any of [ ] , :"
        )
    kept = folder() / path.name
    found = [on_disk(at) for at in dict.fromkeys((path.expanduser(), kept)) if at.is_file()]
    for one in found:
        if one.sha256.startswith(wanted or ""):
            return one
    meant = f"the one whose sha256 begins with {wanted}" if wanted else "it"
    if found:
        others = " and ".join(f"{one.path} ({one.sha256[:12]}...)" for one in found)
        raise WeightsError(f"{others} is not the file that the protocol names: put {meant} at {kept}")
    raise WeightsError(f"there is no file {name}, nor {kept}: say where it is, or put {meant} there")
