"""HTML pages from Jinja2 templates: every value is escaped, and only the page's own styles and scripts run."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from ganzoo_report import formats


def render(template: str, **values: Any) -> str:
    """Return a page made from a template, ``"package/name.html"``."""
    return _ENVIRONMENT.get_template(template).render(values)


def _read(name: str) -> str:
    """Return the text of ``"package/name"`` in the package's templates, or of ``"package/vendor/..."``."""
    package, _, path = name.partition("/")
    folder = resources.files(package)
    return folder.joinpath(path if path.startswith("vendor/") else f"templates/{path}").read_text(encoding="utf-8")


def _sources(names: Iterable[str]) -> Markup:
    return Markup("\n".join(map(_read, names)))  # noqa: S704 - the package's own files


def _csp_hash(source: str) -> str:
    """Return a style or script as a Content-Security-Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def _visible(value: object) -> object:
    """Replace invisible characters, which could reorder a line or break its encoding."""
    if isinstance(value, Markup):
        return value
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in str(value))


_ENVIRONMENT = Environment(
    loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined, finalize=_visible, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip
_ENVIRONMENT.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
_ENVIRONMENT.filters |= {"sources": _sources, "csp_hash": _csp_hash}
_ENVIRONMENT.filters |= {name: getattr(formats, name) for name in formats.__all__}
