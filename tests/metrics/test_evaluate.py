"""Measurements of real models against real images."""

import hashlib
import re
from pathlib import Path

import msgspec
import pytest
import torch

import ganzoo
import ganzoo_metrics
from ganzoo.data import open_data, open_source, prepare
from ganzoo.errors import ConfigError, PluginError, UnknownNameError
from ganzoo.media.image import quantise
from ganzoo.metrics import evaluate
from ganzoo.metrics.extractors import find_extractor
from ganzoo.registry import installed
from ganzoo_metrics.frechet import FrechetDistance
from ganzoo_metrics.pixels import Pixels
from helpers import image_specs


@pytest.fixture(scope="module")
def gan():
    return ganzoo.create("cgan", base_channels=8, discriminator_channels=8)


def test_a_value_is_that_of_the_metric_on_the_features(gan, mnist):
    (score,) = evaluate(gan, ["fd[pixels:4]@100/train"], data=str(mnist), batch_size=32, progress=False)
    assert msgspec.to_builtins(score) == {
        "name": "fd", "value": score.value, "protocol": "fd[pixels:4]@100/train", "data": score.data,
    }  # fmt: skip
    assert re.fullmatch(r"own images \(mnist\) [0-9a-f]{8}", score.data), "others of that name are other data"
    store, see, measure = prepare(open_source(mnist), image_specs(28, 1)), Pixels("4"), FrechetDistance()
    measure.update(see(store.samples), real=True)
    measure.update(see(quantise(gan.sample(100, seed=0))), real=False)
    assert score.value == pytest.approx(measure.compute(), rel=1e-6)


@pytest.mark.parametrize("batch_size", [7, 100])
def test_the_batch_size_is_no_part_of_a_value(gan, mnist, batch_size):
    one, other = (
        evaluate(gan, ["fd[pixels]@100/train"], data=str(mnist), batch_size=size, progress=False)
        for size in (50, batch_size)
    )
    assert one[0].value == pytest.approx(other[0].value, rel=1e-5)


def test_the_seed_is(gan, mnist):
    scores = evaluate(gan, ["fd[pixels]@50/train", "fd[pixels]@50/train#50"], data=str(mnist), progress=False)
    assert scores[0].value != scores[1].value


def test_a_share_of_the_real_images_is_spread_over_all_of_them(gan, mnist):
    store = prepare(open_source(mnist), image_specs(28, 1))
    wanted = torch.arange(20) * len(store) // 20
    (score,) = evaluate(gan, ["fd[pixels:4]@100/train:20"], data=str(mnist), progress=False)
    measure = FrechetDistance()
    measure.update(Pixels("4")(store.samples[wanted]), real=True)
    measure.update(Pixels("4")(quantise(gan.sample(100, seed=0))), real=False)
    assert score.value == pytest.approx(measure.compute(), rel=1e-6)


def test_an_extractor_that_several_metrics_share_sees_each_image_once(gan, mnist, monkeypatch, tmp_path):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path))  # nothing is known of the real images yet
    seen = []
    forward = Pixels.forward
    monkeypatch.setattr(Pixels, "forward", lambda self, images: (seen.append(len(images)), forward(self, images))[1])
    asked = ["fd[pixels]@64/train", "coverage[pixels:16]@64/train", "fd[pixels]@64/train:32"]
    evaluate(gan, asked, data=str(mnist), progress=False)
    real = len(prepare(open_source(mnist), image_specs(28, 1)))
    assert sum(seen) == 3 + 64 + real + 32  # a look at one image for each metric, before thousands are generated


def test_measuring_leaves_torchs_generators_as_they_were(gan, mnist):
    before = torch.random.get_rng_state()
    evaluate(gan, ["fd[pixels]@10/train"], data=str(mnist), progress=False)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("protocol", "error", "text"),
    [
        ("fdd[pixels]@10/train", UnknownNameError, "No metric is called 'fdd'. Did you mean 'fd'"),
        ("fd[pixel]@10/train", UnknownNameError, "No extractor is called 'pixel'"),
        ("fid[pixels]@10/train", ConfigError, "fid is a name for features of inception alone"),
        ("psnr@10", ConfigError, "is for models that translate images"),
        ("psnr@10/test", ConfigError, "is for models that translate images"),
        ("label-accuracy[pixels]@10", ConfigError, "needs logits; there are features, image, label"),
        ("fd@10/train", ConfigError, "needs features; there are image, label, and no extractor"),
        ("fd[pixels]@10", ConfigError, "name their split, as in 'fd.pixels.@10/test'"),
        ("fd[pixels]@10/train:1M", ConfigError, "asks for more real images"),
        ("fd[pixels:99]@10/train", ConfigError, "from 1 to 32"),
        ("fd[pixels:1:2]@10/train", PluginError, "cannot be made with 1, 2"),
        ("kd[pixels]@10/train", ConfigError, "'kd.pixels.@10/train' takes at least 1,000 generated images, not 10"),
        ("kd[pixels]@1k/train:500", ConfigError, "takes at least 1,000 real images, not 500"),
        ("is[mnist-classifier]@9", ConfigError, "takes at least 10 generated images, not 9"),
    ],
)
def test_what_cannot_be_measured_says_why(gan, mnist, protocol, error, text):
    with pytest.raises(error, match=text):
        evaluate(gan, [protocol], data=str(mnist), progress=False)


def test_a_comparison_needs_data(gan):
    with pytest.raises(ConfigError, match="say which data"):
        evaluate(gan, ["fd[pixels]@10/train"], progress=False)


@pytest.mark.parametrize(
    ("text", "words"), [("pixels", []), ("pixels:8", ["8"]), ("pixels,8", ["8"]), ("ganzoo:pixels:8", ["8"])]
)
def test_an_extractor_is_found_with_its_words(text, words):
    owned, found = find_extractor(installed(), text)
    assert (owned.record.name, found) == ("pixels", words)


@pytest.mark.parametrize(("asked", "written"), [("pixels:16", "pixels"), ("ganzoo:pixels,8", "pixels:8")])
def test_two_ways_to_ask_for_the_same_are_written_as_one(gan, mnist, asked, written):
    (score,) = evaluate(gan, [f"fd[{asked}]@10/train"], data=str(mnist), progress=False)
    assert score.protocol == f"fd[{written}]@10/train"


def test_a_value_names_the_weights_that_it_depends_on(gan):
    (score,) = evaluate(gan, ["class-entropy[mnist-classifier]@20"], progress=False)
    file = Path(ganzoo_metrics.__file__).with_name("mnist-classifier.safetensors")
    assert score.weights == hashlib.sha256(file.read_bytes()).hexdigest()
    assert score.data is None


def test_pairs_are_compared_image_by_image(mnist):
    gan = ganzoo.create("pix2pix", image_size=32, channels=1, base_channels=8, discriminator_channels=8)
    data = f"lowres4:{mnist}"
    (score,) = evaluate(gan, ["psnr@20/train"], data=data, progress=False)
    given, wanted = (prepare(open_data(data), image_specs(32, 1)).take(side, torch.arange(20)) for side in "AB")
    errors = (quantise(gan.translate(given)).double() - quantise(wanted).double()).square().mean((1, 2, 3))
    assert score.value == pytest.approx((10 * torch.log10(255**2 / errors)).mean().item(), rel=1e-5)
    with pytest.raises(ConfigError, match="has no pairs"):
        evaluate(gan, ["psnr@20/train"], data=f"A={mnist},B={mnist}", progress=False)
