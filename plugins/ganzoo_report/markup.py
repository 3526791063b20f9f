"""HTML that is safe by construction: text is escaped, scripts are known by their hashes, and nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

VOID = frozenset({"img", "input"})
_SLOT = re.compile(r"\{\{ (\w+) \}\}")
_IN_SCRIPT = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


class Markup(str):
    """Text that is HTML already; every other text is escaped before it comes into a page."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Return a value as HTML: escaped, and without letters that cannot be seen, which could turn a line around."""
    if isinstance(value, Markup):
        return value
    seen = "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in str(value))
    return Markup(html.escape(seen, quote=True))


def element(tag: str, *children: object, **attributes: object) -> Markup:
    """Return ``<tag attributes>children</tag>``.

    Args:
        tag: its name.
        *children: `Markup` as it is, all else as text; None is left out.
        **attributes: ``class_`` is class, ``aria_label`` aria-label; True is an attribute without a value, None and
            False are none.
    """
    written = ""
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        plain = name.rstrip("_").replace("_", "-")
        written += f" {plain}" if value is True else f' {plain}="{text(value)}"'
    if tag in VOID:
        return Markup(f"<{tag}{written}>")
    return Markup(f"<{tag}{written}>{join(children)}</{tag}>")


def join(parts: Sequence[object], between: str = "") -> Markup:
    """Return parts one after another, as `element` takes its children."""
    return Markup(text(between).join(text(part) for part in parts if part is not None))


def data_block(value: Any, name: str) -> Markup:
    """Return JSON that a script of the page reads by its ``name``, and that cannot end its block early."""
    plain = json.dumps(value, separators=(",", ":"), allow_nan=False).translate(_IN_SCRIPT)
    return Markup(f'<script type="application/json" id="{text(name)}">{plain}</script>')


def read(name: str) -> str:
    """Return the text of a file in a package's templates, ``"package/name"``."""
    package, _, name = name.rpartition("/")
    return resources.files(package or __package__).joinpath("templates", name).read_text(encoding="utf-8")


def fill(template: str, slots: Mapping[str, object]) -> Markup:
    """Return a template with its ``{{ slots }}`` filled, each once: what is put in is not looked through again."""
    return Markup(_SLOT.sub(lambda match: text(slots[match[1]]), template))


def page(title: str, body: Markup, *, styles: Sequence[str], scripts: Sequence[str], fetches: bool = False) -> str:
    """Return a whole page that stands alone.

    Its policy lets only these very styles and scripts be, and no other address be asked for anything.

    Args:
        title: of the window.
        body: of the page.
        styles: files, as for `read`.
        scripts: files, as for `read`.
        fetches: whether it talks to the server that it came from; a file talks to nobody.
    """
    style, script = ("\n".join(map(read, names)) for names in (styles, scripts))
    own = " 'self'" if fetches else ""
    policy = {
        "default-src": "'none'",
        "img-src": f"data:{own}",
        "style-src": _hash(style),
        "script-src": _hash(script),
        **({"connect-src": "'self'"} if fetches else {}),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return fill(
        read("page.html"),
        {
            "policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
            "title": title,
            "style": Markup(style),
            "body": body,
            "script": Markup(script),
        },
    )


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"
