"""Files of extractor weights: in a folder of ganzoo's cache, on the Hub, or at a path of the user's."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ganzoo._files import cache_dir, sha256
from ganzoo.errors import ConfigError, WeightsError
from ganzoo.hub.address import Address
from ganzoo.models.weights import PICKLES


class WeightsOnDisk(NamedTuple):
    """A file, and its SHA-256 in hexadecimal."""

    path: Path
    sha256: str


def folder() -> Path:
    """Return the folder of weights that ganzoo or the user downloaded."""
    return cache_dir() / "extractors"


def on_disk(path: Path) -> WeightsOnDisk:
    """Return a file with its hash."""
    return WeightsOnDisk(path, sha256(path))


def from_hub(repo: str, file: str, revision: str = "main") -> WeightsOnDisk | None:
    """Return a file of a Hub repository, checked against the Hub's hash, or None if it has no such file.

    Raises:
        HubError: it cannot be downloaded.
    """
    from ganzoo.hub.fetch import fetch_optional  # the Hub's client: `ganzoo.metrics` is imported without it

    fetched = fetch_optional(Address(repo, revision), file)
    return on_disk(fetched.path) if fetched else None


def is_file_name(word: str) -> bool:
    """Whether an argument is the name of a file of weights, of a supported kind or not."""
    return Path(word).suffix.lower() in (".safetensors", ".onnx", *PICKLES)


def own_file(name: str, wanted: str | None, suffix: str) -> WeightsOnDisk:
    """Find a file of the user's, at its path or else in `folder`.

    Args:
        name: a path, or the name of a file in `folder`.
        wanted: the prefix of its SHA-256, or None.
        suffix: of its name.

    Raises:
        ConfigError: its name cannot be part of a protocol.
        WeightsError: no such file, one with another hash, or a pickle, which could run code.
    """
    path = Path(name)
    if path.suffix.lower() in PICKLES:
        raise WeightsError(
            f"{name} can run code when it is opened, so ganzoo does not open it: save the weights with "
            "safetensors.torch.save_file, or export the network with torch.onnx.export"
        )
    if path.suffix.lower() != suffix:
        raise WeightsError(f"{name} is not a file of weights for this extractor: use one whose name ends in {suffix}")
    if set(path.name) & set("[],:"):
        raise ConfigError(f"{path.name}: a protocol cannot hold the name of this file: rename it without [ ] , :")
    kept = folder() / path.name
    found = [on_disk(at) for at in dict.fromkeys((path.expanduser(), kept)) if at.is_file()]
    for one in found:
        if one.sha256.startswith(wanted or ""):
            return one
    meant = f"the one whose sha256 begins with {wanted}" if wanted else "it"
    if found:
        others = " and ".join(f"{one.path} ({one.sha256[:12]}...)" for one in found)
        raise WeightsError(f"{others} is not the file that the protocol names: put {meant} at {kept}")
    raise WeightsError(f"there is no file {name}, nor {kept}: correct the path, or put {meant} there")
