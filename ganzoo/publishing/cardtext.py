"""The text of a model card: metadata on top, a part that ganzoo writes between two marks, and what a person writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ganzoo.errors import HubError

CARD = "README.md"
BEGIN = "<!-- ganzoo: `ganzoo publish` writes the lines from here to the end mark anew; write before or after them -->"
END = "<!-- ganzoo: end -->"
_BEGIN = re.compile(r"^<!-- ganzoo: `ganzoo publish`", re.MULTILINE)
_END = re.compile(f"^{re.escape(END)}", re.MULTILINE)
_RULE = re.compile(r"^---[ \t]*\r?$", re.MULTILINE)


def around(body: str) -> tuple[str, str]:
    """Return what stands before and after the part that ganzoo writes; of a page without one, all stands after."""
    end = _END.search(body)
    begins = [match.start() for match in _BEGIN.finditer(body, 0, end.start())] if end else []
    if end is None or not begins:
        return "", body
    return body[: begins[-1]], body[end.end() :]


def split(card: str) -> tuple[dict[str, Any], str]:
    """Return a card's metadata and its page.

    Raises:
        HubError: the metadata is no YAML mapping.
    """
    card = card.removeprefix("\ufeff")
    first = _RULE.match(card)
    last = _RULE.search(card, first.end() + 1) if first else None
    if first is None or last is None:
        return {}, card
    try:
        front = yaml.safe_load(card[first.end() : last.start()]) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise HubError(f"the metadata on top of the card is no YAML{line}: mend it in {CARD}") from error
    if not isinstance(front, dict):
        raise HubError(f"the metadata on top of the card is no list of keys and values: mend it in {CARD}")
    return front, card[last.end() :].lstrip("\r\n")


def own_words(card: str) -> str:
    """Return what a person wrote of a card: the page without the part that ganzoo writes."""
    return "\n\n".join(part.strip() for part in around(split(card)[1]) if part.strip())


def read_card(path: Path) -> str:
    """Return the text of a card.

    Raises:
        HubError: it is not UTF-8, or cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise HubError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise HubError(f"{path} is not UTF-8: save it anew as that") from error


def join(front: Mapping[str, Any], body: str) -> str:
    """Return the text of a card with this metadata and this page."""
    head = yaml.safe_dump(dict(front), sort_keys=False, allow_unicode=True, width=1000)
    return f"---\n{head}---\n\n{body.strip()}\n"


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, none for None, and else one of the value alone."""
    return value if isinstance(value, list) else [] if value is None else [value]
