"""Conditions of a model on the command line: words to values, and ranges to sweeps."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import Any

import click

from ganzoo.errors import ConfigError
from ganzoo.registry.hyperparameters import parse_options

MOST_CLASSES = 100_000
_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})", re.ASCII)


def separate(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate a command's arguments from options that it does not know, each of which becomes ``key=value``."""
    plain, found, rest = [], [], list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            plain.append(word)
            continue
        name, equals, value = word.removeprefix("--").partition("=")
        if not re.fullmatch(r"[A-Za-z][\w-]*", name):
            raise _neither(word)
        if not equals:
            if not rest or rest[0].startswith("--"):
                raise click.UsageError(f"No such option '{word}'; a condition of a model has a value: {word} VALUE")
            value = rest.pop(0)
        found.append(f"{name.replace('-', '_')}={value}")
    return plain, found


def from_options(words: Sequence[str]) -> list[str]:
    """Return ``key=value`` for options that the command does not know; anything else is an error."""
    plain, found = separate(words)
    for word in plain:
        raise _neither(word)
    return found


def _neither(word: str) -> click.UsageError:
    return click.UsageError(f"'{word}' is neither an option of this command nor a condition of a model")


def parse_conditions(pairs: Sequence[str], reserved: Container[str]) -> dict[str, str]:
    """Parse conditions ``KEY=VALUE``, none of which may have a ``reserved`` name."""
    words = parse_options(pairs, "-c truncation=0.7")
    for key in words:
        if key in reserved:
            raise ConfigError(f"'{key}' is not a condition of a model: use the command's option")
    return words


def parse_condition(word: str) -> Any:
    """Return a word parsed as JSON, or the word."""
    import json

    try:
        return json.loads(word)
    except (ValueError, RecursionError):
        return word


def spread_sweeps(conditions: Mapping[str, str], count: int, columns: int) -> tuple[dict[str, Any], bool]:
    """Return the value of each condition, and whether one of them is a range.

    A range ``-2..2`` becomes a value for each image: evenly spaced over the columns of a grid, the same in each row.
    """
    values = {key: parse_condition(word) for key, word in conditions.items()}
    ranges = {key: match for key, word in conditions.items() if (match := _RANGE.fullmatch(word.strip()))}
    for key, match in ranges.items():
        first, last = float(match[1]), float(match[2])
        values[key] = [first + (last - first) * (i % columns) / max(columns - 1, 1) for i in range(count)]
    return values, bool(ranges)


def parse_labels(text: str) -> list[int]:
    """Parse ``7``, ``3,1,4`` or ``0-9``."""
    labels: list[int] = []
    try:
        for part in text.split(","):
            first, dash, last = part.partition("-")
            span = range(int(first), int(last if dash else first) + 1)
            if len(span) > MOST_CLASSES:
                raise ValueError
            labels += span
    except ValueError as error:
        raise ConfigError(f"--labels takes class numbers such as 7, 3,1,4 or 0-9, not '{text}'") from error
    if not labels:
        raise ConfigError(f"--labels {text} is empty: the first of a range must not be above the last")
    return labels


def parse_ends(text: str) -> tuple[int, int]:
    """Parse ``3:8``."""
    first, colon, last = text.partition(":")
    if not colon or not first.isdecimal() or not last.isdecimal():
        raise ConfigError(f"--interpolate takes two seeds such as 3:8, not '{text}'")
    if max(int(first), int(last)) >= 2**63:
        raise ConfigError(f"a seed must be below 2**63, not {max(int(first), int(last))}")
    return int(first), int(last)
