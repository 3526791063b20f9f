"""Two sets of images, A and B, for image-to-image translation."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ganzoo.data.sources.folder import bare_names
from ganzoo.data.sources.source import Source
from ganzoo.data.spec import MATCHED
from ganzoo.errors import DataError
from ganzoo.gan.sample_spec import PartialShape
from ganzoo.media.base import Item
from ganzoo.media.image import opened

_log = logging.getLogger(__name__)
SIDES = ("A", "B")


@dataclass(frozen=True)
class PairSource:
    """Two sets of images that have been found but not read.

    Args:
        name: as the user gave it.
        a: the first set; None where ``degradation`` computes it from the second.
        b: the second set.
        matched: image i of A and image i of B belong together.
        degradation: a name in `ganzoo.data.degradations.DEGRADATIONS`, or None.
        folder: the folder with both as sub-folders, or None.
        pattern: the name with ``{}`` in place of the name of each set.
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
        """Keys of a batch; matched sets have ``pair``, the number of each pair."""
        return frozenset({"A", "B", "pair"} if self.matched else {"A", "B"})

    @property
    def medium(self) -> str:
        """The medium of the samples of B, a name in the registry."""
        return self.b.medium

    @property
    def key(self) -> str:
        """Changes whenever the content does."""
        parts = [self.degradation or "", str(self.matched), *(source.key for source in self.sides.values())]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @property
    def count(self) -> int:
        """Images of the smaller set."""
        return min(source.count for source in self.sides.values())

    @property
    def local(self) -> bool:
        """Whether one of the names is a path."""
        return any(source.local for source in self.sides.values())

    @property
    def location(self) -> str:
        """The name with absolute paths."""
        if self.folder is not None:
            return self.pattern.format(Path(self.folder).expanduser().absolute())
        return self.pattern.format(*(source.location for source in self.sides.values()))

    @property
    def public(self) -> str:
        """The name for publication, see `Source.public`."""
        if self.folder is not None:
            return self.pattern.format(f"own images ({Path(self.folder).name})")
        return self.pattern.format(*(source.public for source in self.sides.values()))

    @property
    def sides(self) -> Mapping[str, Source]:
        """The sets that are read, as ``"A"`` and ``"B"``; those of A and B may differ in size and channels."""
        return {"B": self.b} if self.a is None else {"A": self.a, "B": self.b}

    def describe(self) -> str:
        """Return in one line what was understood of each set, see `Source.describe`."""
        told = [f"{side}: {source.describe()}" for side, source in self.sides.items()]
        return "; ".join([*told, f"A is {self.degradation} of B"] if self.a is None else told)

    def native(self) -> PartialShape:
        """Return the shape of the samples of B; see `Source.native`."""
        return self.b.native()


def check_pairs(name: str, a: Source, b: Source) -> None:
    """Check that images belong together in their order: files by their names, others as they come."""
    names = bare_names(a, a.count), bare_names(b, b.count)
    of_a, of_b = (set(own or ()) for own in names)
    for side, own in zip(SIDES, names, strict=True):
        if own and (twice := sorted(one for one, times in Counter(own).items() if times > 1)):
            raise DataError(f"{name}: {side} has more than one file called {twice[0]}: remove all but one")
    if of_a & of_b and (alone := sorted(of_a ^ of_b)):
        raise DataError(
            f"{name}: {', '.join(alone[:3])}{' and others' if len(alone) > 3 else ''} is on one side only: add its "
            "partner, or remove it"
        )
    if a.count != b.count:
        raise DataError(
            f"{name}: A has {a.count:,} images and B {b.count:,}, and pairs need as many of each: correct them, or "
            f"leave out '{MATCHED}:' where they do not belong together"
        )
    if of_a and of_b and not of_a & of_b:
        first = (own[0] for own in names if own)
        _log.warning(
            "%s: no file of A has the name of one of B; they are paired in the order of their names, %s with %s first",
            name, *first,
        )  # fmt: skip


def warn_of_odd_halves(whole: Source) -> None:
    """Warn where the halves of the first image are not square: it may be a single image."""
    with opened(next(whole.read())) as image:
        width, height = image.size
    if width != 2 * height:
        message = "%s: images of %dx%d are read as two of %dx%d, side by side"
        _log.warning(message, whole.name, width, height, width // 2, height)


def half(whole: Source, side: str) -> Source:
    """Return the left half of each image for A, the right one for B."""

    def halves() -> Iterator[Item]:
        for item in whole.read():
            with opened(item) as image:
                width, height = image.size
                if width % 2 or not 1 < width / height < 4:
                    raise DataError(
                        f"{item.where} is {width}x{height}, which is not two images side by side: it must be twice as "
                        "wide as one of them"
                    )
                left, right = (0, width // 2) if side == "A" else (width // 2, width)
                cropped = image.crop((left, 0, right, height))
            yield Item(cropped, None, item.where)

    return replace(whole, key=f"{whole.key}:{side}", read=halves, classes=None, labels=())
