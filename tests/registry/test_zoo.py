from __future__ import annotations

import re
import types
from dataclasses import dataclass

import msgspec
import pytest

import ganzoo
from ganzoo.errors import NameClashError, UnknownNameError
from ganzoo.registry import Architecture, Dataset, Zoo, hookimpl, installed
from ganzoo.registry.plugins import Found, Plugins
from ganzoo.registry.zoo import Registered, Registry, summary_of

ENTRY = """
  {name}:
    architecture: {architecture}
    weights: {{file: a.safetensors, sha256: {sha}, bytes: 1}}
    data: mnist
    license: mit
    trained: {{images: 1, seed: 0, ganzoo: 0.1.0, plugin: ganzoo 0.1.0}}
    digest: "00"
"""


@dataclass(frozen=True)
class Config:
    size: int = 1


def architecture(name: str) -> Architecture:
    return Architecture(name=name, target="nowhere:GAN", config=Config, summary="a fake")


def plugin(dist: str, **hooks) -> Found:
    """Return an entry point whose module has these hooks."""
    module = types.ModuleType(dist)
    for name, result in hooks.items():
        exec(f"def {name}(): return result", {"result": result}, scope := {})  # pluggy reads a hook's signature
        setattr(module, name, hookimpl(scope[name]))
    return Found(types.SimpleNamespace(name="main", load=lambda: module), dist, "1.0")


def registry(path, *names: str, architecture: str = "toy"):
    entries = [ENTRY.format(name=name, architecture=architecture, sha="a" * 64) for name in names]
    path.write_text("models:\n" + "".join(entries))
    return path


@pytest.fixture
def zoo():
    one = plugin("one", ganzoo_architectures=[architecture("toy"), architecture("shared")])
    two = plugin("two", ganzoo_architectures=[architecture("shared"), architecture("alone")])
    return Zoo(Plugins([one, two]))


def test_names_are_in_order_and_shared_ones_carry_their_owner(zoo):
    assert zoo.architectures.names() == ["alone", "one:shared", "two:shared", "toy"]
    assert [entry.record.name for entry in zoo.architectures] == ["alone", "shared", "shared", "toy"]


@pytest.mark.parametrize(("name", "dist"), [("toy", "one"), ("one:toy", "one"), ("two:shared", "two")])
def test_a_name_is_found_with_and_without_its_distribution(zoo, name, dist):
    assert name in zoo.architectures
    assert zoo.architectures[name].dist == dist


@pytest.mark.parametrize("name", ["tyo", "two:toy", "", ":", "toy:", "three:shared"])
def test_an_unknown_name_is_an_error(zoo, name):
    assert name not in zoo.architectures
    with pytest.raises(UnknownNameError, match=f"'{re.escape(name)}'"):
        zoo.architectures[name]


def test_an_unknown_name_suggests_the_closest(zoo):
    with pytest.raises(UnknownNameError, match=r"'tyo'\. Did you mean 'toy'\?"):
        zoo.architectures["tyo"]


def test_a_shared_name_says_how_to_choose(zoo):
    assert zoo.warnings() == ["2 packages provide the architecture 'shared': use one:shared or two:shared"]
    with pytest.raises(NameClashError, match="one:shared or two:shared"):
        zoo.architectures["shared"]


def test_shared_data_sets_are_reported_too():
    data = [Dataset(name="digits", repo="a/b", summary="")]
    zoo = Zoo(Plugins([plugin(dist, ganzoo_datasets=data) for dist in ("one", "two")]))
    assert zoo.warnings() == ["2 packages provide the data set 'digits': use one:digits or two:digits"]


def test_models_come_before_architectures_of_the_same_name(tmp_path):
    found = plugin("one", ganzoo_architectures=[architecture("toy"), architecture("digits")])
    zoo = Zoo(Plugins([found]), registry(tmp_path / "registry.yaml", "digits"))
    assert summary_of(zoo, "digits") is zoo.models["digits"]
    assert summary_of(zoo, "toy") is zoo.architectures["toy"]
    assert summary_of(zoo, "one:digits") is zoo.architectures["digits"]
    with pytest.raises(UnknownNameError, match=r"'digts'.* 'digits'"):
        summary_of(zoo, "digts")


def test_a_plugin_brings_models_of_its_own(tmp_path):
    path = registry(tmp_path / "mine.yaml", "mine")
    zoo = Zoo(Plugins([plugin("one", ganzoo_models=[path])]), registry(tmp_path / "registry.yaml", "digits"))
    assert zoo.models.names() == ["digits", "mine"]
    assert (zoo.models["mine"].dist, zoo.models["mine"].record.root) == ("one", str(tmp_path))
    assert (zoo.models["digits"].dist, zoo.warnings()) == ("ganzoo", [])


def test_a_plugins_bad_models_spoil_no_others(tmp_path):
    bad = registry(tmp_path / "bad.yaml", "two words")
    twice = registry(tmp_path / "twice.yaml", "mine")
    paths = [bad, tmp_path / "missing.yaml", twice, twice]
    zoo = Zoo(Plugins([plugin("one", ganzoo_models=paths)]), registry(tmp_path / "registry.yaml", "digits"))
    assert zoo.models.names() == ["digits", "mine"]
    assert [w.partition(": ")[0] for w in zoo.warnings()] == [
        f"{bad}:3",
        f"{tmp_path / 'missing.yaml'} cannot be read",
        "one provides the model 'mine' twice",
    ]


def test_without_plugins_the_zoo_is_empty_and_well():
    zoo = Zoo(Plugins([]))
    assert (zoo.architectures.names(), zoo.models.names(), zoo.warnings()) == ([], [], [])


def test_what_is_installed_is_found_once():
    assert installed() is installed()
    assert ganzoo.list_architectures() == installed().architectures.names()
    assert ganzoo.list_models() == installed().models.names()


@pytest.mark.parametrize(
    ("pattern", "few"), [("wgan*", ["wgan", "wgan-gp"]), ("[vd]*", ["dcgan", "vanilla"]), ("", [])]
)
def test_names_are_listed_by_pattern(pattern, few):
    assert ganzoo.list_architectures(pattern) == few


def test_every_bundled_model_has_its_architecture_installed():
    zoo = installed()
    assert all(entry.record.architecture in zoo.architectures for entry in zoo.models if entry.dist == "ganzoo")


def test_two_packages_that_claim_one_old_name_are_told_apart():
    registry = Registry("architecture", [])
    for dist in ("one", "two"):
        record = msgspec.structs.replace(architecture(f"new-{dist}"), renamed={"old": "2.0"})
        registry.add(Registered(record, dist, "1.0", dist))
    with pytest.raises(NameClashError, match="one:old or two:old"):
        registry["old"]
    assert registry["two:old"].dist == "two"


@pytest.mark.parametrize("name", [":one", ":", ""])
def test_a_name_with_no_package_before_its_colon_is_unknown(name):
    registry = Registry("architecture", [])
    registry.add(Registered(architecture("one"), "one", "1.0", "one"))
    assert name not in registry
    with pytest.raises(UnknownNameError):
        registry[name]
