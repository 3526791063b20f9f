"""The classifiers that ship with ganzoo, on real digits."""

import pytest
import torch

from ganzoo_metrics.classifiers import CIFAR10Classifier, MNISTClassifier


@pytest.fixture(scope="module")
def reader():
    return MNISTClassifier().eval()


def test_real_digits_are_read(reader, digits):
    images, labels = (torch.from_numpy(part) for part in digits)
    with torch.inference_mode():
        seen = reader(images[:, None])
    assert seen["features"].shape == (1_000, 96)
    assert (seen["logits"].argmax(1) == labels).double().mean() > 0.99


@pytest.mark.parametrize(("size", "channels"), [((28, 28), 3), ((32, 32), 1), ((64, 64), 3), ((96, 64), 3)])
def test_digits_of_another_size_or_in_colour_are_read_too(reader, digits, size, channels):
    images, labels = (torch.from_numpy(part[:300]) for part in digits)
    made = torch.nn.functional.interpolate(images[:, None].float(), size, mode="bilinear")
    with torch.inference_mode():
        read = reader(made.round().to(torch.uint8).expand(-1, channels, -1, -1))["logits"].argmax(1)
    assert (read == labels).double().mean() > 0.97


@pytest.mark.parametrize("kind", [MNISTClassifier, CIFAR10Classifier])
def test_it_is_small_and_known_by_its_hash(kind):
    model = kind().eval()
    size = sum(value.nbytes for value in model.state_dict().values())
    assert size < 1_000_000
    assert len(model.weights) == 64


@pytest.mark.parametrize("kind", [MNISTClassifier, CIFAR10Classifier])
def test_each_image_is_read_on_its_own(kind, digits):
    model, images = kind().eval(), torch.from_numpy(digits[0][:20])[:, None]
    with torch.inference_mode():
        together, alone = model(images)["features"], model(images[7:8])["features"]
    assert torch.allclose(together[7], alone[0], atol=1e-5)
