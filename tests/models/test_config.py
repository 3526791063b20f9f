import json
from dataclasses import replace

import pytest

from ganzoo.errors import WeightsError
from ganzoo.models.config import ModelConfig, read_config
from ganzoo.registry import installed


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "it has no config.json"),
        ("{", "is damaged"),
        ("[]", "config.json"),
        (json.dumps({"architecture": "dcgan"}), "config.json.*plugin"),
    ],
)
def test_a_bad_config_is_one_clear_error(content, text, tmp_path):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(WeightsError, match=text):
        read_config(tmp_path)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_value_is_a_number(value, tmp_path):
    config = {"architecture": "a", "plugin": "p", "plugin_version": "1", "config": {}, "ganzoo": "1"}
    text = json.dumps({**config, "metrics": [{"name": "fd", "value": 0.5, "protocol": "fd[pixels]@10/test"}]})
    (tmp_path / "config.json").write_text(text)
    assert read_config(tmp_path).metrics[0].value == 0.5
    (tmp_path / "config.json").write_text(text.replace("0.5", value))
    with pytest.raises(WeightsError, match=r"(nan|inf) - at `\$.metrics\[0\]`"):
        read_config(tmp_path)


def test_a_newer_format_asks_for_an_upgrade(tmp_path):
    config = {"architecture": "a", "plugin": "p", "plugin_version": "1", "config": {}, "ganzoo": "9", "format": 2}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="upgrade ganzoo"):
        read_config(tmp_path)


@pytest.mark.parametrize("package", ["x; rm -rf ~", "x y", "-r x", "", "../x", "x\ny"])
def test_a_package_that_cannot_be_one_is_not_offered_for_installation(package, tmp_path):
    config = {"architecture": "a", "plugin": package, "plugin_version": "1", "config": {}, "ganzoo": "9"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=r"\$\.plugin"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ({"classes": ["cat", "dog"]}, ("cat", "dog")), ({}, ()), ({"classes": None}, ()), ({"classes": "cat"}, ()),
        ({"classes": ["cat", 3]}, ()), ({"classes": {"cat": 0}}, ()),
    ],
)  # fmt: skip
def test_class_names_are_a_list_of_words_or_none_at_all(data, names):
    assert ModelConfig("a", "p", "1", {}, "1", data=data).class_names == names


def test_an_entry_of_a_registry_keeps_the_class_names_of_what_is_sampled_by_class():
    zoo = installed()
    entry = zoo.models["cgan-mnist"].record
    config = ModelConfig.from_entry(entry)
    assert config.class_names == entry.classes == tuple("0123456789")
    assert "classes" not in ModelConfig.from_entry(zoo.models["dcgan-mnist"].record).data
    for more, kept in (({"classes": 10}, [*"0123456789"]), ({}, None)):
        assert replace(config, config={**config.config, **more}).to_entry(zoo, "a/b", "c").get("classes") == kept
