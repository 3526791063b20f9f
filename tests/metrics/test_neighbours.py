"""The memorisation check that a person can see, on a model that copies and on one that does not."""

import numpy as np
import pytest
import torch

import ganzoo
from ganzoo.data import open_source, prepare
from ganzoo.errors import ConfigError, PluginError, UnknownNameError
from ganzoo.media import get_medium
from ganzoo.metrics import nearest_neighbours
from helpers import image_specs


class Copies(ganzoo.gan.GAN):
    """Draws the training image of each seed's number; every third one with its colours turned."""

    sample_specs = image_specs(28, 1)

    def __init__(self, images):
        super().__init__()
        self.images = torch.nn.Parameter(images, requires_grad=False)

    def inputs(self, n, *, seeds):
        return {"at": torch.tensor(seeds)}

    def generate(self, at):
        generated = get_medium("image").to_model(self.images.to(torch.uint8)[at])
        return torch.where((at % 3 == 0).view(-1, 1, 1, 1), -generated, generated)


@pytest.fixture(scope="module")
def store(mnist):
    return prepare(open_source(mnist), image_specs(28, 1))


@pytest.fixture(scope="module")
def gan(store):
    return Copies(store.samples.float())


def test_copies_are_found_beside_what_they_copy(gan, mnist, store):
    found = nearest_neighbours(
        gan, data=str(mnist), extractor="pixels:28", images=30, keep=20, neighbours=3, progress=False
    )
    assert sorted(found.seeds.tolist()) == [i for i in range(30) if i % 3]
    assert found.distances[:, 0].max() < 1e-6
    assert torch.equal(found.real[:, 0], found.generated)
    assert torch.equal(found.generated, store.samples[found.seeds])
    with pytest.warns(DeprecationWarning, match="generated"):
        assert found.drawn is found.generated
    assert (found.distances.diff(dim=1) >= 0).all()


def test_the_nearest_come_first_and_the_seed_counts(gan, mnist):
    found = nearest_neighbours(gan, data=str(mnist), images=30, seed=10, keep=30, neighbours=1, progress=False)
    assert (found.distances[:, 0].diff() >= 0).all()
    assert sorted(found.seeds.tolist()) == list(range(10, 40))
    assert found.extractor == "pixels"


def test_the_picture_has_a_row_for_each(gan, mnist):
    found = nearest_neighbours(gan, data=str(mnist), images=10, keep=4, neighbours=2, progress=False)
    pixels = np.asarray(found.picture())
    height, white = len(pixels) // 4, (pixels == 255).all(2)
    assert (~white[:12]).any()  # its seed and distances
    for row in range(4):
        line = pixels[row * height + 14 :][: height - 14]
        starts = [i for i in range(66, line.shape[1]) if (line[:, i - 1] == 255).all() and (line[:, i] < 255).any()]
        assert len(starts) == 2  # the real ones, after the frame
        shown = [line[8:64:2, at : at + 56 : 2, 0] for at in (8, *starts)]
        for image, wanted in zip(shown, [found.generated[row], *found.real[row]], strict=True):
            assert np.array_equal(image, wanted[0].numpy())


def test_a_row_says_its_seed_and_its_distances(gan, mnist, monkeypatch):
    found = nearest_neighbours(gan, data=str(mnist), images=10, seed=7, keep=4, neighbours=2, progress=False)
    found = found._replace(distances=torch.tensor([[0.0, 4.4], [1.0, 4.3125], [12.25, 99.96], [123.4, 1e-5]]))
    monkeypatch.setattr("ganzoo.metrics.neighbours.captioned", lambda rows, apart: [text for text, _ in rows])
    said = ["0.00, 4.40", "1.00, 4.31", "12.2, 100", "123, 1.00e-05"]
    assert found.picture() == [f"seed {seed}: {one}" for seed, one in zip(found.seeds.tolist(), said, strict=True)]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"images": 0}, ConfigError, "must be at least 1"),
        ({"neighbours": 2_000}, ConfigError, "has 1,000 images, fewer than 2,000"),
        ({"extractor": "pixls"}, UnknownNameError, "No extractor is called"),
        ({"split": "none"}, ganzoo.GanzooError, "no split 'none'"),
    ],
)
def test_what_cannot_be_looked_for_says_why(gan, mnist, options, error, text):
    with pytest.raises(error, match=text):
        nearest_neighbours(gan, data=str(mnist), **{"images": 10, **options}, progress=False)


def test_an_extractor_without_features_is_refused(gan, mnist, monkeypatch):
    from ganzoo_metrics.pixels import Pixels

    monkeypatch.setattr(Pixels, "forward", lambda self, images: {"logits": images.flatten(1).float()})
    with pytest.raises(PluginError, match="gives no features"):
        nearest_neighbours(gan, data=str(mnist), images=10, progress=False)


def test_a_model_that_translates_is_refused(mnist):
    gan = ganzoo.create("pix2pix", image_size=16, base_channels=8, discriminator_channels=8)
    with pytest.raises(ConfigError, match="translates images"):
        nearest_neighbours(gan, data=str(mnist), progress=False)
