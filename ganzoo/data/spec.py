"""The grammar of ``--data``: what a text means, before anything is opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ganzoo.data.degradations import DEGRADATIONS
from ganzoo.data.sources.hub import HUB
from ganzoo.errors import DataError, did_you_mean
from ganzoo.registry import Zoo

MATCHED = "pairs"
_TWO = re.compile(r"A=\s*(.+?)\s*,\s*B=\s*((?:(?!,\s*[A-Z]=).)*\S)\s*", re.DOTALL)


@dataclass(frozen=True)
class SetSpec:
    """One set of images.

    Args:
        text: as the user wrote it.
        kind: ``"registered"`` for a short name of the zoo, ``"hub"`` for hf:owner/name, ``"path"`` for all else.
        name: the short name, hf:owner/name or path, without the class.
        class_name: the class whose images are used; None for all images.
    """

    text: str
    kind: Literal["registered", "hub", "path"]
    name: str
    class_name: str | None = None

    @classmethod
    def parse(cls, text: str, zoo: Zoo) -> SetSpec:
        """Parse ``DATA`` or ``DATA:CLASS``.

        A registered name is never a path; the text as a whole may be a path with colons in it; otherwise the class
        follows the last colon that has a data set or an existing path before it.

        Raises:
            DataError: the text is empty, or starts with ``hf:`` and names no data set of the Hub.
        """
        if not text.strip():
            raise DataError("the data has no name: say mnist, hf:owner/name, a folder or a file")
        name, class_name = _split_class(text, zoo)
        if name in zoo.datasets:
            return cls(text, "registered", name, class_name)
        if HUB.fullmatch(name):
            return cls(text, "hub", name, class_name)
        if name.startswith("hf:"):
            raise DataError(f"'{name}' does not name a data set of the Hub: say hf:owner/name")
        return cls(text, "path", name, class_name)


@dataclass(frozen=True)
class DataSpec:
    """What a ``--data`` argument means: one set of images, or two sets A and B.

    Args:
        text: as the user wrote it.
        sets: the set, or A and B. One set that is ``matched`` holds both: as two images side by side, or as B, of which
            ``degradation`` computes A. (A folder with ``trainA`` and ``trainB`` in it is one path here.)
        matched: image i of A and image i of B belong together.
        degradation: a name in `ganzoo.data.degradations.DEGRADATIONS`, or None.
    """

    text: str
    sets: tuple[SetSpec, ...]
    matched: bool = False
    degradation: str | None = None

    @property
    def pattern(self) -> str:
        """The text with ``{}`` in place of the name of each set."""
        prefix = f"{self.degradation or MATCHED}:" if self.matched else ""
        return prefix + ("A={},B={}" if len(self.sets) == 2 else "{}")

    @classmethod
    def parse(cls, text: str, zoo: Zoo) -> DataSpec:
        """Parse ``DATA``, ``A=DATA,B=DATA``, ``pairs:DATA``, ``pairs:A=DATA,B=DATA`` or ``grey:DATA``.

        Raises:
            DataError: the text is none of these.
        """
        kind, colon, rest = text.partition(":")
        degradation = kind if colon and kind in DEGRADATIONS else None
        matched = degradation is not None or (bool(colon) and kind == MATCHED)
        body = rest if matched else text
        two = _TWO.fullmatch(body) if degradation is None else None
        if degradation is None and two is None and body.startswith(("A=", "B=")):
            raise DataError(f"'{body}' cannot be read: two sets are A=DATA,B=DATA, in this order, without a third")
        if colon and not matched and two is None and kind not in zoo.datasets and not exists(text):
            suggestion = did_you_mean(kind.lower(), [*DEGRADATIONS, MATCHED])
            if suggestion and not exists(kind):
                raise DataError(f"No degradation or prefix is called '{kind}'.{suggestion}")
        names = two.groups() if two else (body,)
        for name in names if matched or two else ():
            _refuse_prefix(name, text)
        return cls(text, tuple(SetSpec.parse(name, zoo) for name in names), matched, degradation)


def named_sets(text: str, zoo: Zoo) -> tuple[str, ...] | None:
    """Return the registered and Hub data sets that a spec consists of; None if a path is part of it, or it is no spec.

    Args:
        text: a spec, or the name of the data in a published ``config.json``, which may be anything.
        zoo: where short names are looked up.
    """
    try:
        sets = DataSpec.parse(text, zoo).sets
    except DataError:
        return None
    return None if any(one.kind == "path" for one in sets) else tuple(dict.fromkeys(one.name for one in sets))


def exists(name: str) -> bool:
    """Whether a file or folder of this name exists."""
    try:
        return Path(name).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # a name too long, a missing home folder
        return False


def _split_class(text: str, zoo: Zoo) -> tuple[str, str | None]:
    if text in zoo.datasets:
        return text, None
    for place in reversed([i for i, letter in enumerate(text) if letter == ":"]):
        name, class_name = text[:place], text[place + 1 :]
        if name in zoo.datasets:
            return name, class_name
        if exists(text):
            break
        if HUB.fullmatch(name) or exists(name):
            return name, class_name
    return text, None


def _refuse_prefix(name: str, text: str) -> None:
    """Refuse a set that is itself two sets."""
    prefix = "A=" if name.startswith("A=") else name.partition(":")[0] + ":"
    if prefix in ("A=", f"{MATCHED}:", *(f"{one}:" for one in DEGRADATIONS)) and not exists(name):
        raise DataError(f"{text} cannot be read: '{name}' must be one set of images, without '{prefix}'")
