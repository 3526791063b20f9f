"""The size of an image as a hyper-parameter, and which sizes an architecture can make. No torch."""

from __future__ import annotations

import re
from itertools import product

from msgspec import Struct

Size = int | tuple[int, int]
"""A number for a square, (height, width) for anything else."""

_STARTS = range(4, 17)  # sides of the map that doubling begins with


def height_width(image_size: Size) -> tuple[int, int]:
    """Return the height and width of an ``image_size``, in pixels."""
    return (image_size, image_size) if isinstance(image_size, int) else image_size


def size_of(height: int, width: int) -> Size:
    """Return the ``image_size`` of a height and width: one number for a square."""
    return height if height == width else (height, width)


def size_text(image_size: Size) -> str:
    """Return an ``image_size`` as people write it, for instance ``"320x448"``."""
    return "{}x{}".format(*height_width(image_size))


def read_size(text: str) -> Size | str:
    """Return the size that ``"64"``, ``"320x448"`` or ``"[320, 448]"`` means; other text as it is."""
    side = r"\s*(\d{1,9})\s*"
    found = re.fullmatch(rf"{side}(?:x{side})?|\s*\[{side},{side}\]\s*", text.lower(), re.ASCII)
    sides = [int(digits) for digits in found.groups() if digits] if found else []
    return size_of(sides[0], sides[-1]) if sides else text


def doublings(height: int, width: int) -> int:
    """Return how often a map whose sides are 4 to 16, as small as can be, is doubled to this size; 0 for never."""
    if min(height, width) < 2 * _STARTS[0]:
        return 0
    both = height | width
    count = min((both & -both).bit_length(), (min(height, width) // _STARTS[0]).bit_length()) - 1
    return count if max(height, width) >> count in _STARTS else 0


class Sizes(Struct, frozen=True, kw_only=True):
    """The sizes of images that an architecture can make; the same holds for height and width.

    Args:
        multiple_of: of each side.
        least: of each side, in pixels.
        most: of each side, in pixels.
        doubling: a small map is doubled to the image, so both sides are 4 to 16 times the same power of two.
    """

    multiple_of: int = 1
    least: int = 8
    most: int = 1024
    doubling: bool = False

    def __contains__(self, image_size: Size) -> bool:
        sides = height_width(image_size)
        fits = all(self.least <= side <= self.most and side % self.multiple_of == 0 for side in sides)
        return fits and (not self.doubling or doublings(*sides) > 0)

    def nearest(self, image_size: Size) -> list[Size]:
        """Return the largest size that lies within ``image_size``, and the smallest that it lies within."""
        height, width = (min(max(side, self.least), self.most) for side in height_width(image_size))
        near = [(side - side % self.multiple_of, side + -side % self.multiple_of) for side in (height, width)]
        pairs = [*product(*near)]
        if self.doubling:
            counts = range(1, self.most.bit_length())
            pairs = [(h << count, w << count) for count in counts for h, w in product(_STARTS, repeat=2)]
        possible = [pair for pair in pairs if size_of(*pair) in self and (height != width or pair[0] == pair[1])]
        within = [(h, w) for h, w in possible if h <= height and w <= width]
        around = [(h, w) for h, w in possible if h >= height and w >= width]
        found = [*sorted(within, key=sum)[-1:], *sorted(around, key=sum)[:1]]
        return [size_of(*pair) for pair in dict.fromkeys(found)]

    def refusal(self, image_size: Size) -> str:
        """Return what an architecture says to a size that is not among these."""
        near = [size_text(size) for size in self.nearest(image_size)]
        return (
            f"cannot make images of {size_text(image_size)}; the nearest it can {'are' if near[1:] else 'is'} "
            f"{' and '.join(near)}"
        )

    def describe(self) -> str:
        """Return the sizes in words, for ``ganzoo show``."""
        if self.doubling:
            return f"sides {_STARTS[0]} to {_STARTS[-1]} times the same power of two, up to {self.most}"
        multiples = f"multiples of {self.multiple_of} " if self.multiple_of > 1 else ""
        return f"sides {multiples}from {self.least} to {self.most}"
