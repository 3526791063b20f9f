"""registry.yaml: the pretrained models, one entry each, validated as a whole with the line of what is wrong."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import msgspec
import yaml

from ganzoo.errors import RegistryError, did_you_mean
from ganzoo.registry.specs import Weights


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml, where it is built
    """A safe loader that refuses a key given twice, where YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"'{key.value}' is given twice", problem_mark=key.start_mark)
            seen.add(key.value)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def builtin_registry() -> Path:
    """Return the path of the bundled registry.yaml: inside the wheel, or at the root of a checkout."""
    package = Path(__file__).resolve().parent.parent
    wheel = package / "_zoo" / "registry.yaml"
    return wheel if wheel.exists() else package.parent / "registry.yaml"


def read_models(path: Path) -> list[Weights]:
    """Read a registry file.

    Raises:
        RegistryError: the file cannot be read, or something in it is not valid; the text gives file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RegistryError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        content = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise RegistryError(f"{path}:{line}: {getattr(error, 'problem', None) or error}") from error
    if content is None:
        return []
    if not isinstance(content, dict) or set(content) != {"models"} or not isinstance(content["models"], dict | None):
        raise RegistryError(f"{path}:1: the file must have one key, 'models', that maps names to entries")
    return [_entry(path, text, name, value) for name, value in (content["models"] or {}).items()]


def _entry(path: Path, text: str, name: Any, value: Any) -> Weights:
    def fail(why: str, *keys: str | int) -> RegistryError:
        return RegistryError(f"{path}:{_line(text, ['models', name, *keys])}: {name}: {why}")

    if not isinstance(name, str):
        raise fail("a model's name must be a word")
    if not isinstance(value, dict):
        raise fail("an entry must be a mapping")
    known = [f.name for f in dataclasses.fields(Weights) if f.name not in ("name", "root")]
    for key in value:
        if key not in known:
            raise fail(f"unknown key '{key}'.{did_you_mean(str(key), known)}", key)
    try:
        weights = msgspec.convert({**value, "name": name, "root": str(path.parent)}, Weights)
    except msgspec.ValidationError as error:
        keys = re.findall(r"\.(\w+)|\[(\d+)\]", str(error).rpartition("`$")[2]) if "`$" in str(error) else []
        why = re.sub(r" - at `\$.*`$", "", str(error))
        where = ".".join(word or number for word, number in keys)
        raise fail(f"{where}: {why}" if where else why, *(w or int(n) for w, n in keys)) from error
    file = weights.weights
    if (file.repo is None) != (file.revision is None):
        raise fail("weights on the Hub need both 'repo' and 'revision' (a 40-hex commit)", "weights")
    if file.repo is None and (Path(file.file).is_absolute() or ".." in Path(file.file).parts):
        raise fail("weights.file must lie beside the registry file", "weights", "file")
    return weights


def _line(text: str, keys: list[Any]) -> int:
    """Return the line, from 1, of the deepest of ``keys`` that the document has."""
    node = yaml.compose(text, Loader=_Loader)
    line = 1
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            pair = next((p for p in node.value if p[0].value == str(key)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            pair = (node.value[key], node.value[key])
        else:
            pair = None
        if pair is None:
            break
        line, node = pair[0].start_mark.line + 1, pair[1]
    return line
