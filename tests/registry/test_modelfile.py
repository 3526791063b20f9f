from __future__ import annotations

from pathlib import Path

import pytest

from ganzoo.errors import RegistryError
from ganzoo.registry.modelfile import builtin_registry, read_models

ENTRY = f"""
models:
  digits:
    architecture: dcgan
    config: {{latent_dim: 64}}
    weights:
      file: weights/digits.safetensors
      sha256: {"a" * 64}
      bytes: 123
    data: mnist
    license: mit
    trained:
      images: 1000
      seed: 0
      ganzoo: 0.1.0
      plugin: ganzoo 0.1.0
    metrics:
      - {{name: fid, value: 3.5, protocol: p}}
      - {{name: is, value: 9, protocol: p}}
    digest: "00"
"""


def read(tmp_path: Path, text: str):
    path = tmp_path / "registry.yaml"
    path.write_text(text, encoding="utf-8")
    return read_models(path)


def line_of(text: str, needle: str) -> int:
    return text[: text.index(needle)].count("\n") + 1


def test_an_entry_is_read(tmp_path):
    (model,) = read(tmp_path, ENTRY)
    assert (model.name, model.architecture, model.config) == ("digits", "dcgan", {"latent_dim": 64})
    assert model.weights.bytes == 123
    assert [m.value for m in model.metrics] == [3.5, 9.0]
    assert model.root == str(tmp_path)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "models:\n", "models: {}\n"])
def test_a_file_without_models_is_fine(tmp_path, text):
    assert read(tmp_path, text) == []


def test_the_bundled_file_is_valid_and_its_weights_are_there():
    path = builtin_registry()
    for model in read_models(path):
        if model.weights.repo is None:
            assert (path.parent / model.weights.file).stat().st_size == model.weights.bytes


@pytest.mark.parametrize(
    ("old", "new", "where", "why"),
    [
        ("a" * 64, "abc", "sha256:", "weights.sha256: Expected `str` matching regex"),
        ("a" * 64, "1", "sha256:", "weights.sha256: Expected `str`, got `int`"),
        ("bytes: 123", "bytes: 0", "bytes:", "weights.bytes: Expected `int` >= 1"),
        ("      bytes: 123\n", "", "weights:", "weights: Object missing required field `bytes`"),
        ("sha256:", "sha25:", "sha25:", "weights: unknown key 'sha25'. Did you mean 'sha256'?"),
        ("license: mit", "licence: mit", "licence:", "unknown key 'licence'. Did you mean 'license'?"),
        ("data: mnist", "data: 2024-01-01", "data:", "data: Expected `str`, got `date`"),
        ("data: mnist", "name: other", "name: other", "unknown key 'name'."),
        ("data: mnist", "1: mnist", "1: mnist", "unknown key '1'."),
        ("    data: mnist\n", "", "digits:", "Object missing required field `data`"),
        ("value: 9", "value: good", "- {name: is", "metrics.1.value: Expected `float`, got `str`"),
        ("value: 9, protocol: p", "value: 9", "- {name: is", "metrics.1: Object missing required field `protocol`"),
        ("images: 1000", "images: -1", "images:", "trained.images: Expected `int` >= 0"),
        ("{latent_dim: 64}", "{1: 64}", "config:", "config: Expected `str`, got `int`"),
        ("{latent_dim: 64}", "[64]", "config:", "config: Expected `object`, got `array`"),
        ("weights/digits", "/etc/passwd", "file:", "a relative path without '..'"),
        ("weights/digits", "../../digits", "file:", "must lie beside the registry file"),
        ("bytes: 123", "bytes: 123\n      repo: me/digits", "weights:", "need both 'repo' and 'revision'"),
        ("bytes: 123", f"bytes: 123\n      revision: {'b' * 40}", "weights:", "need both 'repo' and 'revision'"),
        ("bytes: 123", "bytes: 123\n      repo: a/b\n      revision: main", "revision:", "weights.revision: Expected"),
        ("digits:", "two words:", "two words:", "a model's name must be a word"),
        ("digits:", "a/b:", "a/b:", "a model's name must be a word"),
        ("digits:", "7:", "7:", "a model's name must be a word"),
        ("digits:", "'':", "'':", "a model's name must be a word"),
    ],
)
def test_an_error_names_the_line_and_what_is_wrong(tmp_path, old, new, where, why):
    text = ENTRY.replace(old, new, 1)
    assert text != ENTRY
    with pytest.raises(RegistryError) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'registry.yaml'}:{line_of(text, where)}: ")
    assert why in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_on_the_hub_may_not_leave_its_repository(tmp_path):
    hub = f"bytes: 123\n      repo: me/digits\n      revision: {'b' * 40}"
    (model,) = read(tmp_path, ENTRY.replace("bytes: 123", hub))
    assert model.weights.repo == "me/digits"
    with pytest.raises(RegistryError, match="the repository"):
        read(tmp_path, ENTRY.replace("bytes: 123", hub).replace("weights/digits", "../digits"))


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("models: {\n", 2, ""),
        ("models:\n  a: {}\n  a: {}\n", 3, "'a' is given twice"),
        ("models:\n  a:\n    data: x\n    data: y\n", 4, "'data' is given twice"),
        ("models: {}\nmodel: {}\n", 1, "one key, 'models'"),
        ("- a\n", 1, "one key, 'models'"),
        ("models: [a]\n", 1, "one key, 'models'"),
        ("models:\n  a: 3\n", 2, "an entry must be a mapping"),
        ("models:\n  a: !!python/object:os.system {}\n", 2, "could not determine a constructor"),
        ("models:\n  ? {b: c}\n  : {}\n", 2, "unhashable key"),
        ("models:\n\ta: {}\n", 2, ""),
        ("models: *nobody\n", 1, "undefined alias"),
        ("models: {}\n---\nmodels: {}\n", 2, ""),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path, text, line, why):
    with pytest.raises(RegistryError) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'registry.yaml'}:{line}: ")
    assert why in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_utf8_names_the_line(tmp_path):
    path = tmp_path / "registry.yaml"
    path.write_bytes(b"models:\n  # caf\xe9\n")
    with pytest.raises(RegistryError, match=r"registry.yaml:2: .*UTF-8"):
        read_models(path)


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read_is_an_error(tmp_path, name):
    with pytest.raises(RegistryError, match="cannot be read: "):
        read_models(tmp_path / name)
