from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest

import ganzoo
from ganzoo.errors import ConfigError, PluginError
from ganzoo.registry import Meta, installed
from ganzoo.registry.hyperparameters import (
    config_to_dict,
    describe_type,
    make_config,
    parameters,
    parse_options,
)  # fmt: skip

if TYPE_CHECKING:
    from fractions import Fraction

ARCHITECTURES = ganzoo.list_architectures()


@dataclass(frozen=True)
class Config:
    size: Annotated[int, Meta(ge=1, le=64, description="of something")] = 8
    lr: Annotated[float, Meta(gt=0, le=1)] = 1e-3
    scale: float = 1.0
    fast: bool = False
    norm: Literal["batch", "none"] = "batch"
    channels: Literal[1, 3] = 1
    betas: tuple[float, float] = (0.5, 0.999)
    widths: tuple[int, ...] = ()
    title: str = "none"
    note: str | None = None
    cut: float | None = 2.0


@dataclass(frozen=True)
class Picky:
    low: int = 1
    high: int = 2

    def __post_init__(self):
        if self.low > self.high:
            raise ValueError(f"low={self.low} is above high={self.high}")


@dataclass(frozen=True)
class Unreadable:
    part: Fraction = None


@dataclass(frozen=True)
class Unsupported:
    size: Annotated[int, Meta(ge=1), "more"] | set[Any] | list[int] = 1


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("size=16", 16),
        ("size=1e1", 10),
        ("lr=2e-4", 2e-4),
        ("lr=1", 1.0),
        ("fast=true", True),
        ("fast=False", False),
        ("fast=1", True),
        ("norm=none", "none"),
        ("channels=3", 3),
        ("betas=0.5,0.9", (0.5, 0.9)),
        ("betas=[0.5, 0.9]", (0.5, 0.9)),
        ("betas=0,1", (0.0, 1.0)),
        ("widths=64", (64,)),
        ("widths=", ()),
        ("title=none", "none"),
        ("title=12", "12"),
        ("title=a=b", "a=b"),
        ("note=none", None),
        ("note=Null", None),
        ("note=12", "12"),
        ("note=true", "true"),
        ("note=", ""),
        ("cut=none", None),
        ("cut=0.5", 0.5),
        (" size = 16 ", 16),
    ],
)
def test_a_word_becomes_the_type_of_its_hyper_parameter(word, value):
    options = parse_options([word])
    made = getattr(make_config(Config, options, text=True), next(iter(options)))
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize(
    ("word", "allowed"),
    [
        ("size=0", "an integer from 1 to 64"),
        ("size=65", "an integer from 1 to 64"),
        ("size=big", "an integer from 1 to 64"),
        ("size=1.5", "an integer from 1 to 64"),
        ("size=true", "an integer from 1 to 64"),
        ("size=", "an integer from 1 to 64"),
        ("size=none", "an integer from 1 to 64"),
        ("lr=0", "a number > 0, <= 1"),
        ("lr=nan", "a number > 0, <= 1"),
        ("lr=0,1", "a number > 0, <= 1"),
        ("scale=inf", "finite"),
        ("scale=Infinity", "finite"),
        ("scale=1e999", "finite"),
        ("scale=NaN", "finite"),
        ("betas=0.5,Infinity", "finite"),
        ("fast=yes", "true or false"),
        ("norm=layer", "one of batch, none"),
        ("channels=2", "one of 1, 3"),
        ("channels=1.0", "one of 1, 3"),
        ("betas=0.5", "a list of a number, a number"),
        ("betas=a,b", "a list of a number, a number"),
        ("widths=1,x", "a list of an integer, ..."),
        ("cut=wide", "a number or none"),
        (f"size={'9' * 5000}", "an integer from 1 to 64"),
        (f"size={'[' * 100_000}", "an integer from 1 to 64"),
    ],
    ids=lambda text: text[:20],
)
def test_a_bad_word_is_an_error_with_key_value_and_what_is_allowed(word, allowed):
    with pytest.raises(ConfigError) as error:
        make_config(Config, parse_options([word]), text=True, owner="toy")
    assert str(error.value) == f"toy cannot take {word}: it must be {allowed}"


@pytest.mark.parametrize("values", [{"size": "16"}, {"size": 16.5}, {"fast": 1}, {"betas": "0.5,0.9"}, {"note": 3}])
def test_json_is_not_converted_as_words_are(values):
    with pytest.raises(ConfigError, match="must be"):
        make_config(Config, values)


def test_an_unknown_key_is_an_error_with_the_closest_and_all():
    with pytest.raises(ConfigError, match=r"^toy .*'siz'.* 'size'.*: size, lr"):
        make_config(Config, {"siz": 3}, owner="toy")


def test_a_config_that_checks_itself_is_quoted():
    assert make_config(Picky, {"low": 2}) == Picky(2, 2)
    with pytest.raises(ConfigError, match=r"^toy low=3 .*high=2$"):
        make_config(Picky, {"low": 3}, owner="toy")


def test_what_is_not_given_keeps_its_default():
    assert make_config(Config, {}) == Config()
    assert make_config(Config, {"lr": 0.5}) == Config(lr=0.5)


@pytest.mark.parametrize("call", [lambda: parameters(Unreadable), lambda: make_config(Unreadable, {"part": 1})])
def test_types_that_cannot_be_read_are_the_plugins_fault(call):
    with pytest.raises(PluginError, match=r"Unreadable .*'Fraction'"):
        call()


def test_types_that_json_cannot_hold_are_the_plugins_fault():
    with pytest.raises(PluginError, match=r"toy .*'size'"):
        make_config(Unsupported, {"size": 1}, owner="toy")


@pytest.mark.parametrize("words", [["size"], ["=3"], [" =3"], [""]])
def test_a_word_without_key_or_value_is_an_error(words):
    with pytest.raises(ConfigError, match="key=value"):
        parse_options(words)


@pytest.mark.parametrize("words", [["size=1", "size=2"], ["size=1", "size =2"]])
def test_a_key_given_twice_is_an_error(words):
    with pytest.raises(ConfigError, match="'size'"):
        parse_options(words)


def test_parameters_have_types_defaults_and_meanings():
    size, lr, *_ = parameters(Config)
    assert (size.name, size.type, size.default, size.meaning) == ("size", "an integer from 1 to 64", 8, "of something")
    assert (lr.type, lr.meaning) == ("a number > 0, <= 1", "")


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (Annotated[int, Meta(multiple_of=8)], "an integer a multiple of 8"),
        (int | None, "an integer or none"),
        (tuple[str, ...], "a list of a word, ..."),
        (dict, "dict"),
    ],
)
def test_types_are_described_in_words(hint, text):
    assert describe_type(hint) == text


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_config_survives_json(name):
    kind = installed().architectures[name].record.config
    values = json.loads(json.dumps(config_to_dict(kind()), allow_nan=False))
    assert make_config(kind, values) == kind()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_default_is_within_its_own_bounds_as_a_word_too(name):
    kind = installed().architectures[name].record.config
    words = {
        key: json.dumps(value) if isinstance(value, list | tuple) else str(value)
        for key, value in config_to_dict(kind()).items()
    }
    assert make_config(kind, words, text=True) == kind()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_hyper_parameter_has_a_meaning(name):
    assert all(p.meaning for p in parameters(installed().architectures[name].record.config))
