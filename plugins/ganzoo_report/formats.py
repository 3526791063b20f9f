"""Numbers and values of a ``config.json`` as text for people."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

__all__ = ["abbreviated", "duration", "significant", "thousands", "value_text"]

_LONGEST_NUMBER = 10**18

thousands = "{:,}".format
"""Return 12000 as 12,000."""


def significant(number: float | None, digits: int = 5) -> str:
    """Return a number with so many significant digits, None as nothing."""
    return "" if number is None else f"{number:.{digits}g}"


def abbreviated(number: int) -> str:
    """Return 1800000 as 1.8 M."""
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.3g} {letter}"
    return str(number)


def duration(seconds: float) -> str:
    """Return a time in hours, minutes or seconds."""
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 600:
        return f"{seconds:.0f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def value_text(value: Any) -> str:
    """Return a value of a ``config.json`` as a person would write it."""
    if value is None:
        return "none"
    if isinstance(value, list | tuple) and not any(isinstance(one, list | tuple | Mapping) for one in value):
        return ", ".join(map(value_text, value))
    if isinstance(value, bool | list | tuple | Mapping):
        try:
            return json.dumps(value)
        except RecursionError:
            return "deeply nested lists"
    if isinstance(value, int) and abs(value) >= _LONGEST_NUMBER:
        return "a very large number"
    return f"{value:,g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
