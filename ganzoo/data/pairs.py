"""Two sets of images, A and B, for models that learn the way from one to the other."""

from __future__ import annotations

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ganzoo.data.decode import Item, open_image
from ganzoo.data.degradations import DEGRADATIONS
from ganzoo.data.sources.base import Source
from ganzoo.data.sources.folder import bare_names, from_folder
from ganzoo.data.sources.hub import HUB
from ganzoo.data.spec import exists, open_source, split_class
from ganzoo.errors import DataError, did_you_mean
from ganzoo.registry import Zoo, installed

_log = logging.getLogger(__name__)
SIDES = ("A", "B")
MATCHED = "pairs"
_TWO = re.compile(r"A=\s*(.+?)\s*,\s*B=\s*((?:(?!,\s*[A-Z]=).)*\S)\s*", re.DOTALL)


@dataclass(frozen=True)
class PairSource:
    """Two sets of images that have been found but not read.

    Args:
        name: as the user gave it.
        a: the first set; None where it is made of the second one by ``degradation``.
        b: the second set.
        matched: image i of A and image i of B belong together.
        degradation: a name in `ganzoo.data.degradations.DEGRADATIONS`, or None.
        folder: that has both as sub-folders, or None.
        pattern: the name with the sets' own names left open.
    """

    name: str
    a: Source | None
    b: Source
    matched: bool
    degradation: str | None = None
    folder: str | None = None
    pattern: str = "A={},B={}"
    classes: None = None

    @property
    def keys(self) -> frozenset[str]:
        """What a batch of it has: ``pair``, the number of each pair, where images belong together."""
        return frozenset({"A", "B", "pair"} if self.matched else {"A", "B"})

    @property
    def key(self) -> str:
        """Changes whenever the content does."""
        parts = [self.degradation or "", str(self.matched), *(source.key for source in self._sources())]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @property
    def count(self) -> int:
        """Images of the smaller set."""
        return min(source.count for source in self._sources())

    @property
    def local(self) -> bool:
        """One of the names is a path."""
        return any(source.local for source in self._sources())

    @property
    def location(self) -> str:
        """The name from any folder."""
        if self.folder is not None:
            return self.pattern.format(Path(self.folder).expanduser().absolute())
        return self.pattern.format(*(source.location for source in self._sources()))

    @property
    def public(self) -> str:
        """The name for everybody, see `Source.public`."""
        if self.folder is not None:
            return self.pattern.format(f"own images ({Path(self.folder).name})")
        return self.pattern.format(*(source.public for source in self._sources()))

    def native(self) -> tuple[int | None, int]:
        """Return (size, channels) that both have; the size is None where they differ, see `Source.native`."""
        sizes, channels = zip(*(source.native() for source in self._sources()), strict=True)
        return (sizes[0] if len(set(sizes)) == 1 else None), max(channels)

    def _sources(self) -> tuple[Source, ...]:
        return (self.b,) if self.a is None else (self.a, self.b)


def open_data(spec: str, *, split: str = "train", zoo: Zoo | None = None) -> Source | PairSource:
    """Find the images that ``spec`` names: one set or two.

    Args:
        spec: two sets are ``"A=DATA,B=DATA"`` or a folder with the sub-folders ``trainA`` and ``trainB`` (and so for
            other splits); two sets that belong together image by image are ``"pairs:A=DATA,B=DATA"``, ``"pairs:DATA"``
            for images of A and B side by side, or ``"grey:DATA"``, where A is what a degradation makes of B. All else
            is one set, see `open_source`.
        split: of data that has several.
        zoo: where short names are looked up.

    Raises:
        DataError: nothing is there under that name, it holds no images, or what is to match does not.
        MissingExtraError: a package for this kind of source is not installed.
    """
    zoo = zoo or installed()
    spec = str(spec)

    def find(name: str) -> Source:
        first = "A=" if name.startswith("A=") else name.partition(":")[0] + ":"
        if name != spec and first in ("A=", f"{MATCHED}:", *(f"{one}:" for one in DEGRADATIONS)) and not exists(name):
            raise DataError(
                f"{spec} cannot be read: '{name}' is to be one set of images, and no '{first}' belongs there"
            )
        return open_source(name, split=split, zoo=zoo)

    kind, colon, rest = spec.partition(":")
    if colon and kind in DEGRADATIONS:
        return PairSource(spec, None, find(rest), True, kind, pattern=f"{kind}:{{}}")
    matched = bool(colon) and kind == MATCHED
    text = rest if matched else spec
    prefix = f"{MATCHED}:" if matched else ""
    if two := _TWO.fullmatch(text):
        a, b = _paired(spec, find(two[1]), find(two[2])) if matched else (find(two[1]), find(two[2]))
        return PairSource(spec, a, b, matched, pattern=f"{prefix}A={{}},B={{}}")
    if text.startswith(("A=", "B=")):
        raise DataError(f"'{text}' cannot be read: two sets are A=DATA,B=DATA, in this order, and no third")
    sides = None if text in zoo.datasets else _sides(text, split)
    if sides is not None:
        a, b = (from_folder(str(side), side) for side in sides)
        a, b = _paired(spec, a, b) if matched else (a, b)
        return PairSource(spec, a, b, matched, folder=text, pattern=f"{prefix}{{}}")
    if colon and not matched and kind not in zoo.datasets and not exists(spec):
        meant = did_you_mean(kind.lower(), [*DEGRADATIONS, MATCHED])
        if meant and not exists(kind):
            raise DataError(f"Nothing that makes pairs is called '{kind}'.{meant}")
    if matched:
        whole = find(text)
        _tell_halves(whole)
        a, b = (_half(whole, side) for side in SIDES)
        return PairSource(spec, a, b, True, pattern=f"{prefix}{{}}")
    return find(text)


def named_sets(spec: str, zoo: Zoo) -> tuple[str, ...] | None:
    """Return the data sets of the zoo and the Hub that ``spec`` is made of, or None if a path is part of it."""
    kind, colon, rest = spec.partition(":")
    text = rest if colon and (kind == MATCHED or kind in DEGRADATIONS) else spec
    two = _TWO.fullmatch(text)
    found = []
    for name in two.groups() if two else (text,):
        whole = (split_class(name, zoo) or (name,))[0]
        if whole not in zoo.datasets and not HUB.fullmatch(whole):
            return None
        found.append(whole)
    return tuple(dict.fromkeys(found))


def _paired(name: str, a: Source, b: Source) -> tuple[Source, Source]:
    """Put images that belong together into one order: files by their names, others as they come.

    Raises:
        DataError: some files have a partner of their name and others none, or there are not as many of each.
    """
    names = bare_names(a, a.count), bare_names(b, b.count)
    of_a, of_b = (set(own or ()) for own in names)
    for side, own in zip(SIDES, names, strict=True):
        if own and (twice := sorted(one for one, times in Counter(own).items() if times > 1)):
            raise DataError(f"{name}: {side} has more than one file called {twice[0]}: leave one of them")
    if of_a & of_b and (alone := sorted(of_a ^ of_b)):
        raise DataError(
            f"{name}: {', '.join(alone[:3])}{' and others' if len(alone) > 3 else ''} is on one side alone: add its "
            "partner, or remove it"
        )
    if a.count != b.count:
        raise DataError(
            f"{name}: A has {a.count:,} images and B {b.count:,}, and pairs need as many of each: mend the folders, or "
            f"leave out '{MATCHED}:' where they do not belong together"
        )
    a, b = (source if own is None else _in_order(source, own) for source, own in zip((a, b), names, strict=True))
    if of_a and of_b and not of_a & of_b:
        first = (min(own, key=_natural) for own in (of_a, of_b))
        _log.warning(
            "%s: no file of A is called as one of B; they are paired in the order of their names, %s with %s first",
            name, *first,
        )  # fmt: skip
    return a, b


def _in_order(source: Source, names: Sequence[str]) -> Source:
    """Return a source of files in the natural order of their names; in the cache it has a place of its own."""
    read = source.read

    def ordered() -> Iterator[Item]:
        items = zip(names, read(), strict=True)
        return (item for _, item in sorted(items, key=lambda named: _natural(named[0])))

    return replace(source, key=f"{source.key}:by-name", read=ordered)


def _natural(name: str) -> list[tuple[int, str]]:
    """Return what sorts 2 before 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _sides(name: str, split: str) -> tuple[Path, Path] | None:
    """Return the folders ``trainA`` and ``trainB`` of a folder that has them, with the split's name for train."""
    try:
        folder = Path(name).expanduser()
        there = [(folder / f"train{side}").is_dir() for side in SIDES]
        if not any(there) or not folder.is_dir():
            return None
    except (OSError, RuntimeError, ValueError):  # a name too long, a home that is not there
        return None
    a, b = (folder / f"{split}{side}" for side in SIDES)
    for path in (a, b):
        if not path.is_dir():
            raise DataError(f"{name} has no split '{split}': there is no folder {path}")
    return a, b


def _tell_halves(whole: Source) -> None:
    """Say what the halves of the first image are, where they are not square and it may be one image."""
    image = open_image(next(whole.read()))
    if image.width != 2 * image.height:
        _log.warning(
            "%s: images of %dx%d are taken for two of %dx%d, side by side",
            whole.name, image.width, image.height, image.width // 2, image.height,
        )  # fmt: skip


def _half(whole: Source, side: str) -> Source:
    """Return the left half of each image for A, the right one for B."""
    read: Callable[[], Iterator[Item]] = whole.read

    def halves() -> Iterator[Item]:
        for item in read():
            image = open_image(item)
            if image.width % 2 or not 1 < image.width / image.height < 4:
                raise DataError(
                    f"{item.where} is {image.width}x{image.height}, which is no two images side by side: each is to be "
                    "twice as wide as one of them"
                )
            middle = image.width // 2
            box = (0, 0, middle, image.height) if side == "A" else (middle, 0, image.width, image.height)
            yield Item(image.crop(box), None, item.where)

    return replace(whole, key=f"{whole.key}:{side}", read=halves, classes=None)
