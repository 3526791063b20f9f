"""Kinds of samples: how each is read, stored, seen by networks, written and shown. Imports no torch itself."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ganzoo.registry import MediumRecord, hookimpl, installed
from ganzoo.registry.zoo import import_target

if TYPE_CHECKING:
    from ganzoo.media.base import Medium

IMAGE = "image"
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif")


@hookimpl
def ganzoo_media() -> Iterable[MediumRecord]:
    """Provide images, as a plugin provides a medium of its own."""
    yield MediumRecord(
        name=IMAGE,
        target="ganzoo.media.image:ImageMedium",
        summary="pictures: grey, RGB, or RGB with transparency",
        suffixes=_SUFFIXES + ((".heic", ".heif") if find_spec("pillow_heif") else ()),
    )


@functools.cache
def get_medium(name: str) -> Medium:
    """Return the medium called ``name``.

    Raises:
        UnknownNameError: no plugin provides it.
        PluginError: it cannot be imported.
    """
    made: Medium = import_target("medium", installed().media[name])()
    return made


@functools.cache
def suffixes() -> Mapping[str, str]:
    """Return the suffixes of all files that hold a sample, in lower case, each with the name of its medium."""
    media = installed().media.items()
    return {suffix: name for name, entry in media for suffix in entry.record.suffixes}
