from __future__ import annotations

import json

import pytest

import ganzoo
from ganzoo.registry import installed
from ganzoo.registry.config import parameters


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
        "3.25 [inception]",
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


@pytest.mark.parametrize(
    "name", ["", " ", ":", "a\nb", "é\u2028x", "x:dcgan", "ganzoo:", "../..", "\0", "z" * 100_000], ids=ascii
)
def test_an_odd_name_is_one_line(call, name):
    done = call("show", "--", name)
    assert done.code == 1
    assert done.err.startswith("Error: No ")
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("arguments", [(), ("dcgan", "vanilla"), ("dcgan", "--jsn")])
def test_wrong_arguments_show_the_usage(call, arguments):
    done = call("show", *arguments)
    assert done.code == 2
    assert done.err.startswith("Usage: ganzoo show")
