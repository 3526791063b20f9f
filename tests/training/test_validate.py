"""Checks of architecture, settings and data, which read nothing and use no random numbers."""

from dataclasses import replace

import pytest
import torch

from ganzoo.errors import ConfigError, DataError
from ganzoo.registry import installed
from ganzoo.training.settings import read_settings
from ganzoo.training.validate import DataFacts, resolve_config, validate
from helpers import make

DIGITS = DataFacts(
    "digits", 1000, frozenset({"image", "label"}), tuple("0123456789"), (1, 28, 28), {"channels": 1, "image_size": 28}
)


def settings(**values):
    return read_settings({"data": "nowhere", "images": 1000, **values})


def record(name):
    return installed().architectures[name].record


def test_a_sound_run_passes_without_a_file_or_a_random_number():
    gan, before = make("cgan"), torch.get_rng_state()
    validate(gan, gan.config, settings(), DIGITS, "cgan", "ganzoo")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("name", "data", "values", "error", "word"),
    [
        ("cgan", replace(DIGITS, keys=frozenset({"image"})), {}, DataError, "labels"),
        ("cgan", replace(DIGITS, classes=tuple(map(str, range(11)))), {}, DataError, "11 classes"),
        ("pix2pix", DIGITS, {}, DataError, "pairs:DATA"),
        ("dcgan", replace(DIGITS, count=8), {}, DataError, "--batch-size"),
        ("dcgan", replace(DIGITS, classes=()), {"balance": True}, DataError, "balance"),
        ("dcgan", DIGITS, {"accumulate": 3}, ConfigError, "3 parts"),
        ("dcgan", DIGITS, {"augment": "colour"}, ConfigError, "colour"),
        ("dcgan", DIGITS, {"augment": "ada:no-miror"}, ConfigError, "'ada:no-mirror'"),
        ("dcgan", DIGITS, {"augment": "mirror,ada:upright"}, ConfigError, "ada:upright brings its own"),
        ("wgan", DIGITS, {"augment": "ada:upright"}, ConfigError, "no decision boundary"),
    ],
)
def test_what_does_not_go_together_is_refused(name, data, values, error, word):
    gan = make(name)
    with pytest.raises(error, match=word):
        validate(gan, gan.config, settings(**values), data, name, "ganzoo")


def test_hyper_parameters_come_from_options_then_the_data_then_the_defaults():
    config = resolve_config(record("cgan"), replace(DIGITS, derived={"image_size": 32}), {"channels": 3})
    assert (config.image_size, config.channels, config.classes) == (32, 3, 10)


def test_hyper_parameters_of_a_model_to_start_from_go_before_those_of_the_data():
    start = {"image_size": 32, "channels": 3}
    config = resolve_config(record("dcgan"), DIGITS, {"channels": 1}, start=start)
    assert (config.image_size, config.channels) == (32, 1)
