"""Hyper-parameters: a frozen `Config` or dataclass, made from JSON or from ``key=value`` options, and validated."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec

from ganzoo.errors import ConfigError, PluginError, did_you_mean
from ganzoo.registry.image_sizes import Sizes, height_width, read_size, size_of
from ganzoo.registry.records import field_names


def make_config(kind: type[Any], values: Mapping[str, Any], *, text: bool = False, owner: str = "") -> Any:
    """Return ``kind(**values)`` with each value checked and converted.

    Args:
        kind: the type of the hyper-parameters.
        values: what differs from the defaults.
        text: the values are text of a command line, so ``"64"`` may become 64 and ``"[0.5,0.9]"`` a tuple.
        owner: the architecture that has them, for error messages.

    A size of images may be a number, a pair or text such as ``"320x448"``; a square becomes a number.

    Raises:
        ConfigError: an unknown key, a wrong type or a value out of range; the text names it and what is allowed.
        PluginError: a field's type cannot be validated.
    """
    hints = _hints(kind)
    for key in values:
        if key not in hints:
            raise ConfigError(
                f"{_of(owner)}has no hyper-parameter '{key}'.{did_you_mean(key, hints)} It has: {', '.join(hints)}."
            )
    converted = {k: _check(owner, k, hints[k], v, text) for k, v in values.items()}
    try:
        return kind(**converted)
    except (TypeError, ValueError) as error:  # a config may check how its fields fit together in __post_init__
        raise ConfigError(f"{_of(owner)}{error}") from error


def _hints(kind: type[Any]) -> dict[str, Any]:
    try:
        return get_type_hints(kind, include_extras=True)
    except Exception as error:  # a name that only a type checker imports, for instance
        raise PluginError(f"the types of {kind.__module__}.{kind.__qualname__} cannot be read: {error}") from error


def _of(owner: str) -> str:
    return f"{owner}: " if owner and " " in owner else f"{owner} " if owner else ""


def _check(owner: str, key: str, hint: Any, value: Any, text: bool) -> Any:
    raw, sizes = value, _sizes(hint)
    if sizes is not None and isinstance(value, str):
        value = read_size(value)
    elif text and isinstance(value, str):
        value = _parse(hint, value)
    try:
        converted = msgspec.convert(value, hint, strict=not text)
    except msgspec.ValidationError as error:
        meant = did_you_mean(str(value), [m for m in _members(hint) if isinstance(m, str)])
        allowed = f"it must be {describe_type(hint)}{meant and f'.{meant}'}"
        raise ConfigError(f"{_of(owner)}cannot take {key}={raw}: {allowed}") from error
    except TypeError as error:
        raise PluginError(f"{_of(owner)}has a hyper-parameter '{key}' of a type that JSON cannot hold") from error
    parts = converted if isinstance(converted, tuple | list) else [converted]
    if any(isinstance(part, float) and not math.isfinite(part) for part in parts):  # JSON has none
        raise ConfigError(f"{_of(owner)}cannot take {key}={raw}: it must be finite")
    if sizes is not None and converted is not None:
        converted = size_of(*height_width(converted))
        if converted not in sizes:
            raise ConfigError(f"{_of(owner)}{sizes.refusal(converted)}")
    return converted


def _parse(hint: Any, word: str) -> Any:
    """Turn text of the command line into what JSON would give for this type."""
    allowed = _members(hint)
    if word in [m for m in allowed if isinstance(m, str)]:
        return word
    if word.lower() in ("none", "null") and None in allowed:
        return None
    if str in allowed:
        return word
    if any(get_origin(m) in (tuple, list) for m in allowed) and not word.startswith("["):
        word = f"[{word}]"
    import json  # only a command line with options needs it

    try:
        return json.loads(word)
    except (ValueError, RecursionError):  # ValueError also for an integer of thousands of digits
        return word


def _members(hint: Any) -> list[Any]:
    """The alternatives of a type: the parts of a union, the values of a Literal, or the type alone."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _members(get_args(hint)[0])
    if origin in (Union, UnionType):
        return [m for part in get_args(hint) for m in _members(part)]
    if origin is Literal:
        return list(get_args(hint))
    return [None] if hint is type(None) else [hint]


def describe_type(hint: Any) -> str:
    """Describe the allowed values of a hyper-parameter, for instance ``"an integer >= 1"``."""
    origin, args = get_origin(hint), get_args(hint)
    if (sizes := _sizes(hint)) is not None:
        form = "N or HxW" if any(get_origin(member) is tuple for member in _members(hint)) else "N"
        return f"{form}: {sizes.describe()}"
    if origin is Annotated:
        bounds = [text for meta in _metas(hint) for text in _bounds(meta)]
        return " ".join([describe_type(args[0]), *([", ".join(bounds)] if bounds else [])])
    if origin in (Union, UnionType):
        return " or ".join(describe_type(a) for a in args)
    if origin is Literal:
        return "one of " + ", ".join(str(a) for a in args)
    if origin is tuple:
        return "a list of " + ", ".join("..." if a is Ellipsis else describe_type(a) for a in args)
    names = {int: "an integer", float: "a number", str: "a word", bool: "true or false", type(None): "none"}
    return names.get(hint, getattr(hint, "__name__", str(hint)))


def _bounds(meta: msgspec.Meta) -> list[str]:
    if meta.ge is not None and meta.le is not None:
        return [f"from {meta.ge} to {meta.le}"]
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "multiple_of": "a multiple of"}
    return [f"{sign} {getattr(meta, name)}" for name, sign in signs.items() if getattr(meta, name) is not None]


class Parameter(NamedTuple):
    """One hyper-parameter, as `ganzoo show` prints it."""

    name: str
    type: str
    default: Any
    meaning: str


def parameters(kind: type[Any]) -> list[Parameter]:
    """List the hyper-parameters of a config with types, defaults and meanings."""
    hints = _hints(kind)
    return [
        Parameter(name, describe_type(hints[name]), default, _meaning(hints[name]))
        for name, default in vars_of(kind()).items()
    ]


def named(kind: type[Any], what: str) -> list[str]:
    """Return the hyper-parameters whose type has ``Meta(extra={"names": what})``: their values name a ``what``."""
    return [
        name for name, hint in _hints(kind).items() if any((m.extra or {}).get("names") == what for m in _metas(hint))
    ]


def sizes_of(kind: type[Any]) -> Sizes | None:
    """Return the sizes of images that a config's ``image_size`` declares; None where it has none, or lists values."""
    return _sizes(_hints(kind).get("image_size"))


def _sizes(hint: Any) -> Sizes | None:
    return next((meta.extra["sizes"] for meta in _metas(hint) if meta.extra and "sizes" in meta.extra), None)


def _metas(hint: Any) -> list[msgspec.Meta]:
    return [meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]


def _meaning(hint: Any) -> str:
    return next((meta.description for meta in _metas(hint) if meta.description), "")


def vars_of(config: Any) -> dict[str, Any]:
    """Return the values of a config by name, unconverted."""
    return {name: getattr(config, name) for name in field_names(type(config))}


def replaced(config: Any, changes: Mapping[str, Any]) -> Any:
    """Return a config with some values changed, without validation."""
    return type(config)(**{**vars_of(config), **changes})


def config_to_dict(config: Any) -> dict[str, Any]:
    """Return a config as JSON types; `make_config` is the inverse."""
    result: dict[str, Any] = msgspec.to_builtins(config)
    return result


def parse_options(words: Iterable[str], example: str = "-o base_channels=64") -> dict[str, str]:
    """Split ``key=value`` options; an error message shows the ``example``."""
    options: dict[str, str] = {}
    for word in words:
        key, equals, value = (part.strip() for part in word.partition("="))
        if not equals or not key:
            raise ConfigError(f"'{word}' is not of the form key=value, for instance {example}")
        if key in options:
            raise ConfigError(f"'{key}' is given twice")
        options[key] = value
    return options
