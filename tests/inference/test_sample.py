import os

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.errors import ConfigError, GanzooError
from ganzoo.inference.sample import interpolate, save_images
from ganzoo.media.image import grid, to_uint8
from helpers import make


def lively(name):
    """A model whose batch statistics are those of its latents, so that its images are not all grey."""
    gan = make(name)
    with torch.no_grad():
        for weight in gan.generator.parameters():
            if weight.ndim > 1:
                weight.mul_(20)
        for _ in range(40):
            gan.fakes({"image": torch.zeros(64), "label": torch.arange(64) % 10})
    assert gan.sample(8).std() > 0.1
    return gan


@pytest.fixture(scope="module")
def gan():
    return lively("dcgan")


@pytest.fixture(scope="module")
def conditional():
    return lively("cgan")


def test_sample_is_load_and_sample(gan):
    assert torch.equal(ganzoo.sample(gan, 3, seed=5), gan.sample(3, seed=5))


@pytest.mark.parametrize(
    ("name", "conditions"),
    [
        ("infogan", {"c1": 0, "c2": 0}), ("infogan", {}), ("stylegan2", {"noise": "none"}),
        ("stylegan2", {"truncation": 0}), ("stylegan2", {}),
    ],
)  # fmt: skip
def test_an_interpolation_of_anything_is_made_of_numbers(name, conditions):
    strip = interpolate(make(name), 0, 5, steps=4, **conditions)
    assert strip.shape[0] == 4
    assert strip.isfinite().all()


def test_codes_are_interpolated_straight(monkeypatch):
    """They are uniform: on the sphere through two of them there are points far from all that the model has seen."""
    gan, inputs_seen = make("infogan"), []
    monkeypatch.setattr(
        gan,
        "generate_batches",
        lambda inputs, batch_size=64: (inputs_seen.append(inputs), torch.zeros(3, 1, 28, 28))[1],
    )
    interpolate(gan, 0, 5, steps=3)
    ends = gan.inputs(2, seeds=[0, 5])
    torch.testing.assert_close(inputs_seen[-1]["codes"][1], ends["codes"].mean(0))
    assert inputs_seen[-1]["latent"][1].norm() > 1.2 * ends["latent"].mean(0).norm()


def test_an_interpolation_ends_at_the_images_of_its_seeds(gan):
    strip = interpolate(gan, 3, 8, steps=np.int64(5))
    torch.testing.assert_close(strip[[0, -1]], gan.sample(2, seeds=[3, 8]), atol=1e-5, rtol=0)
    assert (strip[1] - strip[0]).abs().max() > 1e-3
    with pytest.raises(ConfigError, match="at least 2 steps"):
        interpolate(gan, 3, 8, steps=1)
    with pytest.raises(ConfigError, match=r"2 steps, not 2\.5"):
        interpolate(gan, 3, 8, steps=2.5)


def test_an_interpolation_keeps_its_label(conditional):
    strip = interpolate(conditional, 3, 8, steps=3, labels=7)
    torch.testing.assert_close(strip[2:], conditional.sample(1, seed=8, labels=7), atol=1e-5, rtol=0)


def test_an_interpolation_of_classes_by_name(conditional):
    conditional.class_names = [f"digit {i}" for i in range(10)]
    names = ["digit 7", "digit 7", "digit 3", "digit 7"]
    strip = interpolate(conditional, 3, 8, steps=4, labels=names)
    for i, label in enumerate((7, 7, 3, 7)):
        whole = interpolate(conditional, 3, 8, steps=4, labels=label)
        torch.testing.assert_close(strip[i], whole[i], atol=1e-5, rtol=0)
    assert torch.equal(interpolate(conditional, 3, 8, 4, labels="digit 3"), interpolate(conditional, 3, 8, 4, labels=3))
    torch.testing.assert_close(strip, interpolate(conditional, 3, 8, steps=4, labels=(7, 7, 3, 7)), atol=1e-5, rtol=0)
    with pytest.raises(ConfigError, match=r"4 images need 4 values of labels .*not 2"):
        interpolate(conditional, 3, 8, steps=4, labels=["digit 7", "digit 3"])
    with pytest.raises(ConfigError, match=r"no class 'digit 77'\. Did you mean 'digit 7'"):
        interpolate(conditional, 3, 8, steps=4, labels="digit 77")


def test_a_png_is_one_grid(gan, tmp_path):
    save_images(gan, tmp_path / "g.png", 12, seed=4, columns=6)
    with Image.open(tmp_path / "g.png") as picture:
        assert picture.size == (6 * 28, 2 * 28)
        assert (np.asarray(picture) == np.asarray(grid(gan.sample(12, seed=4), 6))).all()


def test_folder_and_array_hold_the_same_images(gan, tmp_path):
    save_images(gan, tmp_path / "many", 300, seed=9)
    save_images(gan, tmp_path / "many.npz", 300, seed=9)
    names = sorted(os.listdir(tmp_path / "many"))
    assert names[0] == "009.png"
    assert len(names) == 300
    images = np.load(tmp_path / "many.npz")["images"]
    assert images.shape == (300, 28, 28, 1)
    assert images.dtype == np.uint8
    for i in (0, 150, 299):
        with Image.open(tmp_path / "many" / names[i]) as picture:
            assert (np.asarray(picture) == images[i, ..., 0]).all()
    assert np.abs(images[299:].astype(int) - to_uint8(gan.sample(1, seed=308))).max() <= 1


def test_each_image_has_its_own_label_across_chunks(conditional, tmp_path):
    labels = [i % 10 for i in range(300)]
    save_images(conditional, tmp_path / "x.npz", 300, labels=labels)
    images = np.load(tmp_path / "x.npz")["images"]
    assert np.abs(images[297:].astype(int) - to_uint8(conditional.sample(3, seed=297, labels=[7, 8, 9]))).max() <= 1
    with pytest.raises(ConfigError, match=r"300 values of labels .*not 2"):
        save_images(conditional, tmp_path / "y.npz", 300, labels=[1, 2])


def test_by_class_each_image_lies_in_the_folder_of_its_own(conditional, tmp_path):
    conditional.class_names = ["zero", "../up", "two"]  # the others have none
    save_images(conditional, tmp_path / "all", 12, seed=3, by_class=True)
    folders = {path.parent.name: path for path in (tmp_path / "all").rglob("*.png")}
    assert {*folders} == {"zero", "_up", "two", *"3456789"}
    assert os.listdir(tmp_path) == ["all"]
    with Image.open(tmp_path / "all" / "two" / "12.png") as picture:
        expected = to_uint8(conditional.sample(1, seed=12, labels=2))[0, ..., 0]
        assert np.abs(np.asarray(picture).astype(int) - expected).max() <= 1
    save_images(conditional, tmp_path / "some", 4, by_class=True, labels=["two", "zero", 9, "two"])
    found = sorted(path.relative_to(tmp_path / "some").as_posix() for path in (tmp_path / "some").rglob("*.png"))
    assert found == ["9/2.png", "two/0.png", "two/3.png", "zero/1.png"]
    with pytest.raises(ConfigError, match="takes no 'labels'"):
        save_images(make("dcgan"), tmp_path / "none", 4, by_class=True)


@pytest.mark.parametrize(
    ("out", "n", "text"),
    [
        ("x.jpg", 4, "not as '.jpg'"),
        ("x.png", 0, "at least 1"),
        ("x.png", 20_000, "too large to look at"),
        ("no/x.png", 4, "no folder"),
        ("full", 4, "not an empty folder"),
    ],
)
def test_bad_outputs_are_refused_and_nothing_is_left(gan, out, n, text, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    with pytest.raises(GanzooError, match=text):
        save_images(gan, tmp_path / out, n)
    assert os.listdir(tmp_path) == ["full"]
    assert os.listdir(tmp_path / "full") == ["mine.txt"]


def test_an_interrupted_folder_is_not_there(gan, tmp_path, monkeypatch):
    calls = []

    def fail(image):
        calls.append(image)
        if len(calls) > 5:
            raise OSError(28, "No space left on device")
        return Image.fromarray(image[..., 0])

    monkeypatch.setattr("ganzoo.media.image.to_pil", fail)
    with pytest.raises(GanzooError, match="No space left"):
        save_images(gan, tmp_path / "many", 300)
    assert os.listdir(tmp_path) == []
