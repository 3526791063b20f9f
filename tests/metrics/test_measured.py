"""Models of every shape, with transparency, with labels, of another medium: measured, or refused in one line."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import ganzoo
from ganzoo.data import open_source, prepare
from ganzoo.errors import ConfigError
from ganzoo.gan import SampleSpec
from ganzoo.gan.image_to_image import Translator
from ganzoo.gan.latents import condition_values, seeded_normal
from ganzoo.gan.sample_spec import Reading
from ganzoo.media.image import ImageMedium, quantise
from ganzoo.metrics import evaluate, nearest_neighbours
from ganzoo.metrics.images import opaque
from ganzoo.registry import installed
from ganzoo_metrics.classifiers import MNISTClassifier
from ganzoo_metrics.frechet import FrechetDistance, IntraFrechetDistance
from ganzoo_metrics.pixels import Pixels
from helpers import image_specs

SIZE = (96, 64)


class Noise(ganzoo.gan.GAN):
    """Generates noise of a shape, with labels in turn."""

    def __init__(self, *shape, medium="image"):
        super().__init__()
        self.sample_specs = {medium: SampleSpec(shape, medium)}
        self.shape, self.scale = shape, torch.nn.Parameter(torch.ones(()))

    def inputs(self, n, *, seeds):
        return {"noise": seeded_normal(seeds, *self.shape), "label": torch.tensor(seeds) % 10}

    def generate(self, noise, label):
        return torch.tanh(noise * self.scale)


class Restyles(Translator):
    """Translates an image into a class, which is one of ten in turn unless it is given: darkens it by the class."""

    needs = frozenset({"image", "label"})
    translations = (("image", "image"),)

    def __init__(self, size=28):
        super().__init__()
        self.sample_specs = image_specs(size, 1)
        self.config, self.scale = SimpleNamespace(), torch.nn.Parameter(torch.ones(()))

    def inputs(self, n, *, seeds, images=None, labels=None):
        given = torch.tensor(seeds) % 10 if labels is None else condition_values("labels", labels, n, below=10)
        return {**super().inputs(n, seeds=seeds, images=images), "label": given}

    def generate(self, images, label):
        return images - self.scale * label.view(-1, 1, 1, 1) / 10


class Paired(Restyles):
    """The same from A to B."""

    needs = frozenset({"A", "B"})
    translations = (("A", "B"),)

    def __init__(self, size=28):
        super().__init__(size)
        self.sample_specs = dict.fromkeys("AB", image_specs(size, 1)["image"])


class Unlabelled(Translator):
    def __init__(self, shape=(1, 28, 28)):
        super().__init__()
        self.sample_specs = dict.fromkeys("AB", SampleSpec(shape))
        self.scale = torch.nn.Parameter(torch.ones(()))

    def generate(self, images):
        return images * self.scale


def values(gan, protocols, data=None, **options):
    return [score.value for score in evaluate(gan, protocols, data=data and str(data), progress=False, **options)]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, digits):
    """1,000 pictures of 96x64 in colour, with classes in turn."""
    path = tmp_path_factory.mktemp("pictures") / "wide.npz"
    images = np.tile(digits[0], (1, 4, 3))[:, : SIZE[0], : SIZE[1]]
    np.savez(path, images=np.stack([images, 255 - images, images // 2], -1), labels=np.arange(1_000) % 10)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_metric_takes_rectangles_of_any_channels(pictures, channels):
    records = [owned.record for owned in installed().metrics if owned.dist == "ganzoo"]
    names = {record.name for record in records if record.extractor is None} - {"psnr", "ssim"}
    alone = {"class-entropy", "mode-coverage", "confidence", "label-accuracy", "is"}  # without real images
    protocols = [f"{name}[mnist-classifier]@1k{'' if name in alone else '/train'}" for name in names]
    protocols += [f"fd[{name}]@100/train:100" for name in ("pixels", "cifar10-classifier")]
    found = values(Noise(channels, *SIZE), protocols, pictures)
    assert np.isfinite(found).all()


def test_transparency_is_laid_on_the_background_before_anything_is_measured(pictures):
    gan, store = Noise(4, *SIZE), prepare(open_source(pictures), {"image": SampleSpec((3, *SIZE))})
    found = {}
    for background in ("white", "black"):
        measure = FrechetDistance()
        measure.update(Pixels("4")(store.samples[torch.arange(50) * 20]), real=True)
        measure.update(Pixels("4")(opaque(quantise(gan.sample(50)), "image", background)), real=False)
        (found[background],) = values(
            gan, ["fd[pixels:4]@50/train:50"], pictures, reading=Reading(background=background)
        )
        assert found[background] == pytest.approx(measure.compute(), rel=1e-6)
    assert found["white"] != found["black"]


def test_neighbours_of_transparent_images_are_shown_without(pictures):
    found = nearest_neighbours(Noise(4, *SIZE), data=str(pictures), images=5, keep=2, neighbours=1, progress=False)
    assert found.generated.shape == (2, 3, *SIZE)
    assert found.real.shape == (2, 1, 3, *SIZE)
    assert found.picture().mode == "RGB"


@pytest.fixture
def sound(monkeypatch):
    """A model of a medium that no extractor is for, stored like images."""
    monkeypatch.setattr("ganzoo.metrics.measured.get_medium", lambda name: ImageMedium())
    return Noise(1, 400, medium="sound")


@pytest.mark.parametrize("protocol", ["fd[pixels]@10/train", "class-entropy[mnist-classifier]@10"])
def test_samples_of_another_medium_are_refused_by_what_takes_images(pictures, sound, protocol):
    with pytest.raises(ConfigError, match=rf"'{re.escape(protocol)}' .* image, .* sound") as error:
        values(sound, [protocol], pictures)
    assert "\n" not in str(error.value)


def test_an_extractor_may_take_another_medium(sound, monkeypatch):
    monkeypatch.setattr(MNISTClassifier, "medium", "sound", raising=False)
    monkeypatch.setattr(MNISTClassifier, "forward", lambda self, samples: {"logits": samples[:, 0, :10].float()})
    (found,) = values(sound, ["class-entropy[mnist-classifier]@50"])
    assert 0 < found <= 1


def test_a_labelled_translator_gives_the_labels_that_it_translates_to(mnist):
    gan, store = Restyles(), prepare(open_source(mnist), image_specs(28, 1))
    labels = torch.arange(200) % 10
    made = quantise(gan.translate(store.take("image", torch.arange(200)), labels=labels.tolist()))
    distance, reader = IntraFrechetDistance(), MNISTClassifier().eval()
    distance.update({**Pixels("4")(store.samples), "label": store.labels}, real=True)
    distance.update({**Pixels("4")(made), "label": labels}, real=False)
    with torch.inference_mode():
        hits = (reader(made)["logits"].argmax(1) == labels).double().mean()
    protocols = ["intra-fd[pixels:4]@200/train", "label-accuracy[mnist-classifier]@200/train"]
    found = values(gan, protocols, mnist)
    assert found == pytest.approx([distance.compute(), float(hits)], rel=1e-5)
    assert values(gan, protocols, mnist, batch_size=7) == pytest.approx(found, rel=1e-5)  # which sets no labels


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_metrics_of_pairs_take_rectangles_of_any_channels(pictures, channels):
    gan = Unlabelled((channels, *SIZE))
    assert np.isfinite(
        values(gan, ["psnr@20/train", "ssim@20/train", "fd[pixels]@20/train"], f"lowres4:{pictures}")
    ).all()


def test_the_labels_of_a_translator_of_pairs_are_its_own_too(mnist):
    (found,) = values(Paired(), ["label-accuracy[mnist-classifier]@100/train"], f"edges:{mnist}")
    assert 0 <= found <= 1


@pytest.mark.parametrize(
    ("gan", "data", "text"),
    [
        (Unlabelled, "grey:{}", r"needs labels, and this model takes none"),
        (Paired, "A={}:3,B={}:8", r"needs labels, and A=.* has none"),
    ],
)
def test_without_labels_a_metric_says_so(mnist, gan, data, text):
    with pytest.raises(ConfigError, match=text):
        values(gan(), ["intra-fd[pixels]@20/train"], data.format(mnist, mnist))
