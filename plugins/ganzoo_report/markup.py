"""Pages from Jinja2 templates: text is escaped, scripts are known by their hashes, and nothing is fetched."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

__all__ = ["Markup", "element", "join", "page", "render", "text"]

VOID = frozenset({"img", "input"})


def text(value: object) -> Markup:
    """Return a value as HTML: escaped, and without letters that cannot be seen, which could turn a line around."""
    return escape(_visible(value))


def _visible(value: object) -> object:
    if isinstance(value, Markup):
        return value
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in str(value))


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
        return Markup(f"<{tag}{written}>")  # noqa: S704 - its parts are escaped
    return Markup(f"<{tag}{written}>{join(children)}</{tag}>")  # noqa: S704 - its parts are escaped


def join(parts: Sequence[object]) -> Markup:
    """Return parts one after another, as `element` takes its children."""
    return Markup().join(text(part) for part in parts if part is not None)


def read(name: str) -> str:
    """Return the text of a file in a package's templates, or of what it carries from elsewhere: ``"package/name"``."""
    package, _, path = name.partition("/")
    folder = resources.files(package)
    return folder.joinpath(path if path.startswith("vendor/") else f"templates/{path}").read_text(encoding="utf-8")


_ENVIRONMENT = Environment(loader=FunctionLoader(read), autoescape=True, undefined=StrictUndefined, finalize=_visible)
_ENVIRONMENT.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}


def render(template: str, **values: Any) -> Markup:
    """Return a template, ``"package/name"``, with its values: all but `Markup` is escaped."""
    return Markup(_ENVIRONMENT.get_template(template).render(values))  # noqa: S704 - the template escapes


def page(title: str, body: Markup, *, styles: Sequence[str], scripts: Sequence[str], fetches: bool = False) -> str:
    """Return a whole page that stands alone.

    Its policy lets only these very styles and scripts be, and no other address be asked for anything.

    Args:
        title: of the window.
        body: of the page.
        styles: files, as ``"package/name"``.
        scripts: files, as ``"package/name"``.
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
    return render(
        "ganzoo_report/page.html",
        policy="; ".join(f"{name} {value}" for name, value in policy.items()),
        title=title,
        style=Markup(style),  # noqa: S704 - our own file
        body=body,
        script=Markup(script),  # noqa: S704 - our own file
    )


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"
