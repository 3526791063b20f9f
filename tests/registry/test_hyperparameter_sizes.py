"""The size of an image as a hyper-parameter: the forms that it is given in, and what is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

import pytest

from ganzoo.errors import ConfigError
from ganzoo.registry import fields
from ganzoo.registry.fields import Sizes
from ganzoo.registry.hyperparameters import config_to_dict, make_config, parameters, sizes_of


@dataclass(frozen=True)
class Sized:
    image_size: fields.DoublingSize = 28


@dataclass(frozen=True)
class OfFours:
    image_size: Annotated[fields.Size, fields.sizes(multiple_of=4, least=16, most=512)] = 64


@dataclass(frozen=True)
class Square:
    image_size: Annotated[int, fields.sizes(most=64)] = 32


@dataclass(frozen=True)
class Bare:
    width: int = 8


@dataclass(frozen=True)
class Listed:
    image_size: fields.ImageSize = 32


@pytest.mark.parametrize("value", [(320, 448), [320, 448], "320x448", "[320, 448]", " 320X448 "])
@pytest.mark.parametrize("text", [False, True])
def test_a_size_may_be_given_in_any_form(value, text):
    config = make_config(Sized, {"image_size": value}, text=text)
    assert config.image_size == (320, 448)
    assert make_config(Sized, json.loads(json.dumps(config_to_dict(config)))) == config


@pytest.mark.parametrize("value", [64, (64, 64), [64, 64], "64x64", "64"])
def test_a_square_is_a_number(value):
    size = make_config(Sized, {"image_size": value}).image_size
    assert size == 64
    assert type(size) is int


@pytest.mark.parametrize(
    "value",
    ["", "64x", "x64", "-4x4", "1e9x3", "64x64x3", "64.0", "none", "true", True, 64.5, [64], [64, 64, 3], [64, "64"],
     [64.0, 96], None, {}, "[[64, 64]]"],
    ids=lambda value: str(value)[:12],
)  # fmt: skip
@pytest.mark.parametrize("kind", [Sized, Square])
def test_what_is_no_size_is_refused_with_what_is_allowed(kind, value):
    with pytest.raises(ConfigError, match=r"^toy cannot take image_size=.*: it must be N( or HxW)?: sides "):
        make_config(kind, {"image_size": value}, owner="toy")


@pytest.mark.parametrize(
    ("kind", "value", "nearest"),
    [
        (Sized, 100, "96x96 and 104x104"),
        (Sized, "0x0", "8x8"),
        (Sized, "100x200", "96x192 and 112x208"),
        (Sized, 2**62, "1024x1024"),
        (Sized, "999999999x3", "32x8 and 1024x256"),
        (OfFours, "18x64", "16x64 and 20x64"),
        (OfFours, -5, "16x16"),
        (Square, 65, "64x64"),
    ],
)
@pytest.mark.parametrize("text", [False, True])
def test_a_size_that_cannot_be_made_is_refused_with_the_nearest(kind, value, nearest, text):
    with pytest.raises(ConfigError, match=rf"^toy cannot make images of .*; the nearest it can (is|are) {nearest}$"):
        make_config(kind, {"image_size": str(value) if text else value}, owner="toy", text=text)


def test_an_architecture_of_squares_refuses_a_rectangle():
    assert make_config(Square, {"image_size": "48x48"}).image_size == 48
    with pytest.raises(ConfigError, match="must be N"):
        make_config(Square, {"image_size": "48x32"})


def test_the_sizes_of_a_config_can_be_asked_for():
    assert sizes_of(Sized) == Sizes(doubling=True)
    assert sizes_of(OfFours) == Sizes(multiple_of=4, least=16, most=512)
    assert sizes_of(Listed) is sizes_of(Bare) is None
    assert parameters(OfFours)[0].type == "N or HxW: sides multiples of 4 from 16 to 512"
    assert parameters(Square)[0].type == "N: sides from 8 to 64"


def test_a_listed_size_is_one_of_the_list():
    """As architectures of the first edition have it."""
    assert make_config(Listed, {"image_size": "64"}, text=True).image_size == 64
    for value in ("64x64", "48"):
        with pytest.raises(ConfigError, match="one of 16, 28, 32, 64, 128"):
            make_config(Listed, {"image_size": value}, text=True)
