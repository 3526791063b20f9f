"""The options of ``ganzoo train`` are the engine's settings: the same names, choices and defaults."""

from dataclasses import fields
from typing import get_args

import pytest

from ganzoo.cli.train_command import command
from ganzoo.cli.train_options import SECTIONS
from ganzoo.training.settings import Settings, declared_settings

OPTIONS = {param.name: param for param in command.params}
KNOWN = {field.name: field for field in fields(Settings)}


@pytest.mark.parametrize("name", [name for names in SECTIONS.values() for name in names])
def test_an_option_is_a_setting_with_its_default(name):
    assert name in KNOWN
    assert command.make_context("train", ["dcgan"]).params[name] == KNOWN[name].default


@pytest.mark.parametrize(
    ("words", "name"),
    [(("--metrics", "none"), "metrics"), (("--patience", "0"), "patience"), (("--clip-grad", "0"), "clip_grad")],
)
def test_what_a_run_has_can_be_switched_off(words, name):
    assert command.make_context("train", ["dcgan", *words]).params[name] == KNOWN[name].default


CHOICES = {setting.name: get_args(setting.type) for setting in declared_settings() if "Literal" in str(setting.type)}


def test_the_settings_with_choices_are_known():
    assert set(CHOICES) == {"precision", "device", "on_nan", "clip_mode", "schedule", "fit", "cache"}


@pytest.mark.parametrize("name", CHOICES)
def test_an_option_has_the_choices_of_its_setting(name):
    assert tuple(OPTIONS[name].type.choices) == CHOICES[name]


def test_every_setting_has_an_option():
    assert set(KNOWN) <= set(OPTIONS)
