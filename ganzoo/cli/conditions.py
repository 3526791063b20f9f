"""Conditions of a model on the command line: words to values, and ranges to sweeps."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ganzoo.errors import ConfigError
from ganzoo.registry.hyperparameters import parse_options

if TYPE_CHECKING:
    from ganzoo.gan import GAN

MOST_LABELS = 1_000_000
_MOST_COMMAS = 20  # in the name of a class
_TIMES = re.compile(r"\s*\*\s*(\d+)$")
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


class Labels(NamedTuple):
    """Classes that images have in turn.

    Args:
        classes: their numbers.
        repeated: one of them was given with a number of times, ``dog*2``.
        swept: they are swept over the columns of a grid, the same in each row.
    """

    classes: list[int]
    repeated: bool = False
    swept: bool = False

    def spread(self, count: int, columns: int) -> list[int]:
        """Return the class of each of ``count`` images."""
        return [self.classes[(i % columns if self.swept else i) % len(self.classes)] for i in range(count)]


def take_labels(option: str | None, conditions: dict[str, str]) -> str | None:
    """Return the text of ``--labels`` or ``-c labels=``, without it in the conditions.

    A JSON list, with a value for each image, stays there.
    """
    if option is not None:
        if "labels" in conditions:
            raise ConfigError("'labels' is given twice")
        conditions["labels"] = option
    return None if conditions.get("labels", "[").startswith("[") else conditions.pop("labels")


def read_labels(gan: GAN, text: str | None) -> Labels | None:
    """Return the classes that a text names for a model, None for no text.

    Raises:
        ConfigError: it takes no labels, or has no such class.
    """
    from ganzoo.gan.latents import check_conditions  # imports torch

    if text is None:
        return None
    check_conditions(gan, ["labels"])
    return parse_labels(text, gan.class_names)


def parse_labels(text: str, names: Sequence[str] = ()) -> Labels:
    """Parse classes by number, range or name, ``7``, ``3,1,4``, ``0-4,dog*2``; ``0..9`` and ``cat..owl`` are swept.

    Args:
        text: of the command line.
        names: of the classes, see `ganzoo.gan.GAN.class_names`.

    Raises:
        ConfigError: there is no such class, or a range is empty or too long.
    """
    from ganzoo.gan.latents import class_numbers  # imports torch

    known = frozenset(names)
    parts = _split(text, known)
    first, dots, last = (part.strip() for part in text.partition(".."))
    swept = bool(dots) and not any(".." in part and _TIMES.sub("", part) in known for part in parts)
    try:
        terms = [(first, last, 1)] if swept else [_term(part, known) for part in parts]
    except ValueError as error:  # an integer of thousands of digits
        raise ConfigError(f"--labels {text:.40} has more than {MOST_LABELS:,} labels") from error
    words = (word for first, last, _ in terms for word in (first, last) if isinstance(word, str))
    numbers = class_numbers(dict.fromkeys(words), names, what="--labels")

    def number(end: str | int) -> int:
        return numbers[end] if isinstance(end, str) else end

    spans = [(number(first), number(last), times) for first, last, times in terms]
    if sum(max(0, last - first + 1) * times for first, last, times in spans) > MOST_LABELS:
        raise ConfigError(f"--labels {text:.40} has more than {MOST_LABELS:,} labels")
    classes = [i for first, last, times in spans for i in [*range(first, last + 1)] * times]
    if not classes:
        raise ConfigError(f"--labels {text} is empty: the first of a range must not be above the last")
    return Labels(classes, repeated=any(times != 1 for *_, times in terms), swept=swept)


def _split(text: str, names: Container[str]) -> list[str]:
    """Split at commas, but not at those of a class's name."""
    words, parts = text.split(","), []
    while words:
        ahead = (",".join(words[:size]).strip() for size in range(min(len(words), _MOST_COMMAS + 1), 1, -1))
        part = next((one for one in ahead if one in names or _TIMES.sub("", one) in names), words[0].strip())
        parts.append(part)
        del words[: part.count(",") + 1]
    return parts


def _term(part: str, names: Container[str]) -> tuple[str | int, str | int, int]:
    """Return the first and the last class of a part, and how often it is repeated."""
    if part in names:
        return part, part, 1
    if times := _TIMES.search(part):
        first, last, before = _term(part[: times.start()], names)
        return first, last, before * int(times[1])
    first, _, last = part.partition("-")
    if not (first.isdecimal() and last.isdecimal()):
        return part, part, 1
    return (first, last, 1) if first in names and last in names else (int(first), int(last), 1)


def spread_sweeps(
    conditions: Mapping[str, str], count: int, columns: int, labels: Labels | None = None
) -> tuple[dict[str, Any], bool]:
    """Return the value of each condition, and whether one of them is a range.

    A range ``-2..2`` becomes a value for each image: evenly spaced over the columns of a grid, the same in each row.
    """
    values = {key: parse_condition(word) for key, word in conditions.items()}
    ranges = {key: match for key, word in conditions.items() if (match := _RANGE.fullmatch(word.strip()))}
    for key, match in ranges.items():
        first, last = float(match[1]), float(match[2])
        values[key] = [first + (last - first) * (i % columns) / max(columns - 1, 1) for i in range(count)]
    if labels is not None:
        values["labels"] = labels.spread(count, columns)
    return values, bool(ranges) or (labels is not None and labels.swept)


def parse_ends(text: str) -> tuple[int, int]:
    """Parse ``3:8``."""
    first, colon, last = text.partition(":")
    if not colon or not first.isdecimal() or not last.isdecimal():
        raise ConfigError(f"--interpolate takes two seeds such as 3:8, not '{text}'")
    if max(int(first), int(last)) >= 2**63:
        raise ConfigError(f"a seed must be below 2**63, not {max(int(first), int(last))}")
    return int(first), int(last)
