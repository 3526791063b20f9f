from __future__ import annotations

import json
import re
import shutil

import pytest

import ganzoo
from ganzoo.registry import installed
from ganzoo.registry.hyperparameters import parameters
from helpers import open_config


@pytest.mark.parametrize("name", ganzoo.list_architectures())
def test_an_architecture_shows_all_its_hyper_parameters(call, name):
    done = call("show", name)
    record = installed().architectures[name].record
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{name}: {record.summary}\n")
    rows = done.out.split("\n\n")[1].splitlines()[1:]
    assert [row.split()[0] for row in rows] == [p.name for p in parameters(record.config)]


@pytest.mark.parametrize("name", ganzoo.list_architectures())
def test_an_architectures_json_has_its_target_and_parameters(call, name):
    shown = json.loads(call("show", name, "--json").out)
    record = installed().architectures[name].record
    assert (shown["name"], shown["target"], shown["paper"]) == (name, record.target, record.paper)
    assert [p["name"] for p in shown["parameters"]] == [p.name for p in parameters(record.config)]


def test_an_architecture_names_its_models(call, zoo):
    assert "\nmodels   dcgan-digits\n" in call("show", "dcgan").out


def test_a_model_shows_where_it_comes_from(call, zoo):
    text = call("show", "dcgan-digits").out
    assert text.startswith("dcgan-digits: digits\n")
    for part in (
        "latent_dim=64",
        "1,000,000 images, seed 3, 2.5 minutes",
        "5.8 MB, in this package",
        "3.25 inception",
    ):
        assert part in text
    assert text.endswith('gan = ganzoo.load("dcgan-digits")\nimages = gan.sample(16, seed=0)\n')


def test_a_model_without_its_architecture_says_who_wrote_it(call, zoo):
    text = call("show", "foo-digits").out
    assert "foo (not installed; written by ganzoo-foo 0.3)" in text
    assert f"Hub me/digits at {'b' * 40}" in text
    assert "all defaults" in text


def test_a_models_json_is_its_entry(call, zoo):
    shown = json.loads(call("show", "dcgan-digits", "--json").out)
    assert shown["weights"]["sha256"] == "a" * 64
    assert shown["trained"]["images"] == 1_000_000
    assert shown["metrics"] == [{"name": "fid", "value": 3.25, "protocol": "inception"}]
    assert "root" not in shown


@pytest.mark.parametrize(
    ("name", "close"), [("dcgn", "dcgan"), ("wgan_gp", "wgan-gp"), ("dcgan-digit", "dcgan-digits")]
)
def test_a_mistyped_name_is_met_with_the_closest(call, zoo, name, close):
    done = call("show", name)
    assert (done.code, done.out) == (1, "")
    assert f"No model or architecture is called '{name}'. Did you mean '{close}'?" in done.err
    assert done.err.endswith(" The folder of a run or a model may be named as well.\n")


@pytest.mark.parametrize(
    "name", ["", " ", ":", "a\nb", "é\u2028x", "x:dcgan", "ganzoo:", "../gone", "\0", "z" * 100_000], ids=ascii
)
def test_an_odd_name_is_one_line(call, name):
    done = call("show", "--", name)
    assert done.code == 1
    assert done.err.startswith("Error: No ")
    assert len(done.err.splitlines()) == 1


@pytest.fixture
def runs(trained, tmp_path, monkeypatch):
    """The folder that this runs in, with the run digits in it that may be changed."""
    shutil.copytree(trained, tmp_path / "digits")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["digits", "./digits", "digits/", "{runs}/digits"])
def test_a_run_shows_its_card(call, runs, mnist, name):
    name = name.format(runs=runs)
    done = call("show", name)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == name
    rows = dict(line.split(maxsplit=1) for line in lines[1:6])
    assert rows["architecture"] == "dcgan"
    assert "base_channels=16" in rows["config"]
    assert rows["data"] == str(mnist)
    assert rows["trained"].startswith("128 images, seed 0, ")
    assert rows["weights"].startswith("model.safetensors, ")
    assert lines[-2:] == [f'gan = ganzoo.load("{name}")', "images = gan.sample(16, seed=0)"]


def test_the_best_of_a_run_shows_its_values_with_their_data_and_weights(call, runs):
    best = shutil.copytree(runs / "digits", runs / "digits" / "best")
    config = open_config(best)
    score = {"name": "fd", "value": 1.5, "protocol": "fd[x]@1k/test", "data": "mnist", "weights": "0123456789ab" * 5}
    trained = {"images": 64, "seed": 3, "ganzoo": "0.1.0", "plugin": "ganzoo 0.1.0"}
    (best / "config.json").write_text(json.dumps({**config, "metrics": [score], "trained": trained}))
    text = call("show", "digits/best").out
    assert "1.5 fd[x]@1k/test on mnist, weights 0123456789ab\n" in text
    assert "64 images, seed 3" in text
    assert 'gan = ganzoo.load("digits/best")' in text


def test_a_folders_json_is_its_config(call, runs):
    shown = json.loads(call("show", "digits", "--json").out)
    assert shown == json.loads((runs / "digits" / "config.json").read_text())


def test_a_run_before_its_first_checkpoint_says_so(call, runs):
    (runs / "digits" / "model.safetensors").unlink()
    begun = {key: value for key, value in open_config(runs / "digits").items() if key != "trained"}
    (runs / "digits" / "config.json").write_text(json.dumps(begun))
    text = call("show", "digits").out
    assert "first checkpoint" in text
    assert "trained" not in text


@pytest.mark.parametrize("content", [b"", b"\xff" * 9, b"\x02" + b"\0" * 7 + b"[]", b"\x1a" + b"\0" * 7 + b"{"])
def test_damaged_weights_and_stats_do_not_hide_the_card(call, runs, content):
    (runs / "digits" / "model.safetensors").write_bytes(content)
    (runs / "digits" / "stats.jsonl").write_bytes(content)
    done = call("show", "digits")
    assert done.code == 0, done.err
    assert "architecture  dcgan" in done.out


def test_a_name_of_the_zoo_comes_before_a_folder(call, runs):
    (runs / "digits").rename(runs / "dcgan")
    assert "HYPER-PARAMETER" in call("show", "dcgan").out
    assert call("show", "./dcgan").out.startswith("./dcgan\narchitecture  dcgan\n")


@pytest.mark.parametrize(
    ("content", "text"),
    [(None, "it has no config.json"), ("{", "is damaged"), ("{}", "architecture")],
)
def test_a_folder_that_is_none_or_damaged_is_one_line(call, runs, content, text):
    path = runs / "digits" / "config.json"
    path.unlink() if content is None else path.write_text(content)
    for more in ([], ["--json"]):
        done = call("show", "digits", *more)
        assert (done.code, done.out) == (1, "")
        assert text in done.err
        assert len(done.err.splitlines()) == 1


def test_control_characters_in_a_config_are_not_printed(call, runs):
    path = runs / "digits" / "config.json"
    path.write_text(json.dumps({**open_config(path.parent), "license": "\x1b[2J\u202egpl"}))
    out = call("show", "digits").out
    assert "license       [2Jgpl\n" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("arguments", [(), ("dcgan", "vanilla"), ("dcgan", "--jsn")])
def test_wrong_arguments_show_the_usage(call, arguments):
    done = call("show", *arguments)
    assert done.code == 2
    assert done.err.startswith("Usage: ganzoo show")


def test_a_conditional_model_shows_its_classes_by_name(call, by_class, tmp_path):
    assert "\nclasses       3: cat, dog, owl\n" in call("show", str(by_class)).out
    assert json.loads(call("show", str(by_class), "--json").out)["data"]["classes"] == ["cat", "dog", "owl"]
    assert re.search(r"^classes +10: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9$", call("show", "cgan-mnist").out, re.MULTILINE)
    assert json.loads(call("show", "cgan-mnist", "--json").out)["classes"] == [*"0123456789"]
    shutil.copytree(by_class, tmp_path / "many")
    config = open_config(tmp_path / "many")
    config["data"]["classes"] = [f"a\x1b\n{i}" for i in range(1000)]
    (tmp_path / "many" / "config.json").write_text(json.dumps(config))
    (row,) = [line for line in call("show", str(tmp_path / "many")).out.splitlines() if line.startswith("classes")]
    assert row.endswith("a 99 and 900 more, which --json lists")
    assert "\x1b" not in row


def test_a_model_without_labels_shows_no_classes(call, trained):
    assert json.loads(call("show", str(trained), "--json").out)["data"]["classes"]
    assert "\nclasses" not in call("show", str(trained)).out
