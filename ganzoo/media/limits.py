"""Bounds on the memory that reading takes: pixels of an image, bytes of a file, and what is in hand at once."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ganzoo.errors import ConfigError, DataError

MAX_PIXELS = 2**26 + 2**24
"""Pixels of the largest image that is read, where ``GANZOO_MAX_PIXELS`` does not say another number."""
MAX_FILE = 2**28
"""Bytes of the largest file of an archive that is read."""
_IN_HAND, _LARGE = 2**30, 2**28
_MOST_PIXELS = 178_956_970  # above which Pillow refuses


def max_pixels() -> int:
    """Return the pixels of the largest image that is read: ``GANZOO_MAX_PIXELS``, or `MAX_PIXELS`."""
    chosen = os.environ.get("GANZOO_MAX_PIXELS") or str(MAX_PIXELS)
    if not chosen.isdecimal() or not 0 < int(chosen) <= _MOST_PIXELS:
        raise ConfigError(f"GANZOO_MAX_PIXELS must be a number in 1 ... {_MOST_PIXELS:,}, not '{chosen}'")
    return int(chosen)


def too_large(where: str, size: str = "") -> DataError:
    """Return the error for an image of too many pixels."""
    return DataError(
        f"{where} is {size or 'an image'} of more than the {max_pixels():,} pixels that are read: make it smaller, "
        "remove it, or set GANZOO_MAX_PIXELS to more"
    )


def check_pixels(where: str, width: int, height: int) -> None:
    """Refuse an image of more than `max_pixels`."""
    if width * height > max_pixels():
        raise too_large(where, f"{height}x{width},")


def check_bytes(where: str, size: int, most: int) -> None:
    """Refuse a file of more than ``most`` bytes."""
    if size > most:
        raise DataError(
            f"{where} has {size:,} bytes, more than the {most:,} that are read: make it smaller or remove it"
        )


def _trim() -> None:
    """Give memory that is free back to the system: glibc keeps what each thread had at most."""
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


class InHand:
    """Bytes that threads work on at once: who would exceed ``most`` waits, or works alone."""

    def __init__(self, most: int = _IN_HAND) -> None:
        self._most, self._held, self._changed = most, 0, threading.Condition()

    @contextmanager
    def take(self, size: int) -> Iterator[None]:
        """Hold ``size`` bytes; a thread that holds some must not ask for more."""
        with self._changed:
            self._changed.wait_for(lambda: self._held == 0 or self._held + size <= self._most)
            self._held += size
        try:
            yield
        finally:
            if size >= _LARGE:
                _trim()
            with self._changed:
                self._held -= size
                self._changed.notify_all()
