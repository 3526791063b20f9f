"""registry.yaml: the pretrained models, one entry each, validated; an error names the line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import yaml

from ganzoo.errors import RegistryError, did_you_mean
from ganzoo.registry.records import Score, Trained, Weights, WeightsFile, is_name

_INNER = [key for kind in (WeightsFile, Trained, Score) for key in kind.__struct_fields__]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml, where it is built
    """A safe loader that refuses a key given twice, where YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # YAML itself refuses those
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
    """Read a registry file."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RegistryError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise RegistryError(f"{path}:{line}: the file is not UTF-8") from error
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

    if not is_name(name):
        raise fail("a model's name must be a word: no spaces, colons, slashes or @")
    if not isinstance(value, dict):
        raise fail("an entry must be a mapping")
    known = [key for key in Weights.__struct_fields__ if key not in ("name", "root")]
    for key in value:
        if key not in known:
            raise fail(f"unknown key '{key}'.{did_you_mean(str(key), known)}", key)
    try:
        weights = msgspec.convert({**value, "name": name, "root": str(path.parent)}, Weights)
    except msgspec.ValidationError as error:
        why, _, place = str(error).partition(" - at `")
        keys = [word or int(number) for word, number in re.findall(r"\.(\w+)|\[(\d+)\]", place)]
        where = ".".join(map(str, keys))
        if unknown := re.fullmatch("Object contains unknown field `(.*)`", why):
            keys.append(unknown[1])
            why = f"unknown key '{unknown[1]}'.{did_you_mean(unknown[1], _INNER)}"
        raise fail(f"{where}: {why}" if where else why, *keys) from error
    file = weights.weights
    if (file.repo is None) != (file.revision is None):
        raise fail("weights on the Hub need both 'repo' and 'revision' (a 40-hex commit)", "weights")
    if Path(file.file).is_absolute() or ".." in Path(file.file).parts:
        beside = "in the repository" if file.repo else "beside the registry file"
        raise fail(f"weights.file must lie {beside}: a relative path without '..'", "weights", "file")
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
