from __future__ import annotations

import json

import pytest

import ganzoo
from ganzoo.cli import list_command
from ganzoo.registry import Zoo
from ganzoo.registry.plugins import Plugins


def test_every_architecture_is_a_line(call):
    done = call("list")
    assert (done.code, done.err) == (0, "")
    assert [line.split()[0] for line in done.out.split("\n\n")[0].splitlines()[1:]] == ganzoo.list_architectures()


def test_models_are_a_second_table(call, zoo):
    lines = call("list").out.split("\n\n")[1].splitlines()
    assert lines[0].split("  ")[0] == "PRETRAINED MODEL"
    assert lines[1].split() == ["dcgan-digits", "dcgan", "mnist", "5.8", "MB", "inception", "3.25"]
    assert "foo (not installed)" in lines[2]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("wgan", ["wgan", "wgan-gp"]),
        ("*-digits", ["dcgan-digits", "foo-digits"]),
        ("dcgan", ["dcgan", "dcgan-digits"]),
        ("[vc]*n*", ["cgan", "cyclegan", "vanilla"]),
        ("", None),
        ("[", []),
        ("[!", []),
        ("*" * 50 + "xyz", []),
        ("é\0", []),
        ("n-", ["sngan-projection", "wgan-gp", "dcgan-digits"]),
    ],
)
def test_a_pattern_keeps_what_contains_or_matches_it(call, zoo, pattern, names):
    found = json.loads(call("list", "--json", "--", pattern).out)
    listed = [one["name"] for kind in ("architectures", "models") for one in found[kind]]
    assert listed == names or (names is None and len(listed) > 5)


def test_a_pattern_without_matches_says_so(call):
    done = call("list", "zebra")
    assert (done.code, done.out) == (0, "No name matches 'zebra'; `ganzoo list` shows all.\n")


def test_json_has_what_a_program_needs(call, zoo):
    found = json.loads(call("list", "--json").out)
    dcgan = next(a for a in found["architectures"] if a["name"] == "dcgan")
    assert (dcgan["package"], dcgan["version"]) == ("ganzoo", ganzoo.__version__)
    assert {"summary", "paper"} < set(dcgan)
    assert found["models"][1] == {
        "name": "foo-digits", "architecture": "foo", "installed": False, "data": "mnist", "license": "mit",
        "bytes": 5800000, "repo": "me/digits", "metrics": [{"name": "fid", "value": 3.25, "protocol": "inception"}],
    }  # fmt: skip


def test_an_empty_zoo_says_so(call, monkeypatch):
    monkeypatch.setattr(list_command, "installed", lambda: Zoo(Plugins([])))
    assert call("list").out == "The zoo is empty.\n"
    assert json.loads(call("list", "--json").out) == {"architectures": [], "models": []}


def test_a_registry_that_cannot_be_read_is_one_line(call, monkeypatch, tmp_path):
    monkeypatch.setattr(list_command, "installed", lambda: Zoo(Plugins([]), tmp_path))
    done = call("list")
    assert (done.code, done.err) == (0, f"! {tmp_path} cannot be read: Is a directory\n")
