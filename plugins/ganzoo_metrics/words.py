"""The arguments that extractors share: a file, its hash, a size, an interpolation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ganzoo.errors import ConfigError, did_you_mean
from ganzoo.metrics.extractor_weights import is_file_name
from ganzoo_metrics.images import INTERPOLATIONS

_SIZE = re.compile(r"([1-9]\d{0,3})(?:x([1-9]\d{0,3}))?", re.ASCII)
_HASH = re.compile("[0-9a-f]{8,64}")
_SHOWN = 12
"""Hex digits of a hash that a protocol shows."""


@dataclass(frozen=True)
class Words:
    """The arguments of an extractor.

    Args:
        file: a file of the user's.
        sha256: the prefix of the file's hash.
        size: height and width that images are resized to.
        interpolation: of resizing.
    """

    file: str | None = None
    sha256: str | None = None
    size: tuple[int, int] | None = None
    interpolation: str | None = None


def read_words(extractor: str, words: Sequence[str]) -> Words:
    """Parse arguments, in any order.

    Raises:
        ConfigError: an unknown argument, or two of one kind.
    """
    found: dict[str, str | tuple[int, int]] = {}
    for word in words:
        kind = kind_of(word)
        if kind is None:
            raise ConfigError(
                f"{extractor} does not know '{word}': it takes a size (224), {', '.join(INTERPOLATIONS)}, a "
                f"file of your own and its sha256=12 digits.{did_you_mean(word, INTERPOLATIONS)}"
            )
        if kind in found:
            raise ConfigError(f"{extractor}: '{word}' is one {kind} too many: say one")
        found[kind] = word
        if size := _SIZE.fullmatch(word):
            found[kind] = (int(size[1]), int(size[2] or size[1]))
    if "sha256" in found:
        found["sha256"] = str(found["sha256"]).removeprefix("sha256=")
    return Words(**found)  # type: ignore[arg-type]


def kind_of(word: str) -> str | None:
    """Return the field of `Words` that an argument sets, or None.

    Raises:
        ConfigError: an invalid hash.
    """
    if word.startswith("sha256="):
        if not _HASH.fullmatch(word.removeprefix("sha256=")):
            raise ConfigError(f"'{word}' is no hash: say sha256= and its first 8 to 64 digits, of 0-9 and a-f")
        return "sha256"
    if word in INTERPOLATIONS:
        return "interpolation"
    if _SIZE.fullmatch(word):
        return "size"
    return "file" if is_file_name(word) else None


def size_word(size: tuple[int, int]) -> str:
    """Return ``"224"`` for a square, ``"224x160"`` (height, width) for anything else."""
    return str(size[0]) if size[0] == size[1] else f"{size[0]}x{size[1]}"


def hash_word(sha256: str) -> str:
    """Return a file's hash as a protocol shows it."""
    return f"sha256={sha256[:_SHOWN]}"
