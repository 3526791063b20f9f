"""Pictures from anywhere: measured as if a model had generated them."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from extractors import keep, random_model
from ganzoo.data import open_source
from ganzoo.errors import ConfigError, DataError, UnknownNameError
from ganzoo.gan.sample_spec import Reading
from ganzoo.inference.sample import save_images
from ganzoo.metrics import Pictures, evaluate, open_pictures
from ganzoo.metrics.pictures import are_pictures
from ganzoo.registry import installed
from ganzoo_metrics.frechet import FrechetDistance
from ganzoo_metrics.pixels import Pixels
from helpers import make

NAMES = ("ant", "bee", "cat")


def values(subject, protocols, data=None, **options):
    return [score.value for score in evaluate(subject, protocols, data=data and str(data), progress=False, **options)]


def save(path, size=(16, 16), mode="RGB", seed=0):
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, channels), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.squeeze()).save(path)


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("dcgan", {"image_size": 32, "channels": 3}),
        ("dcgan", {"image_size": 32, "channels": 4}),
        ("vanilla", {"image_size": (24, 16), "channels": 3}),
        ("cgan", {"image_size": 28, "channels": 1}),
    ],
)
def test_what_a_model_wrote_has_the_values_of_the_model_bit_by_bit(mnist, shelf, tmp_path, name, config):
    keep(random_model("resnet10t"), "resnet10t.c3_in1k")  # its bits depend on the layout of the images
    gan, out = make(name, **config), tmp_path / "made"
    save_images(gan, out, 100)
    extractors = ("pixels", "mnist-classifier", "cifar10-classifier", "timm:resnet10t.c3_in1k,64")
    protocols = [f"fd[{extractor}]@100/train:100" for extractor in extractors]
    protocols += ["coverage[pixels]@100/train", "class-entropy[mnist-classifier]@100"]
    assert values(str(out), protocols, mnist) == values(gan, protocols, mnist)


def test_an_array_file_and_an_archive_have_the_values_of_their_model_too(mnist, tmp_path):
    gan, protocols = make("dcgan", image_size=32, channels=3), ["fd[pixels]@100/train:100"]
    save_images(gan, tmp_path / "array.npz", 100)
    save_images(gan, tmp_path / "made", 100)
    archive = shutil.make_archive(str(tmp_path / "archive"), "zip", tmp_path / "made")
    expected = values(gan, protocols, mnist)
    assert values(str(tmp_path / "array.npz"), protocols, mnist) == expected
    assert values(archive, protocols, mnist) == expected


def test_they_keep_their_size_and_real_images_are_brought_to_it(mnist, tmp_path):
    for i in range(12):
        save(tmp_path / "p" / f"{i}.png", (24, 16), seed=i)
    pictures = open_pictures(tmp_path / "p", progress=False)
    assert (len(pictures), pictures.first.shape, pictures.medium) == (12, (1, 3, 24, 16), "image")
    (found,) = values(pictures, ["fd[pixels]@12/train"], mnist)
    store = ganzoo.data.prepare(open_source(mnist), {"image": ganzoo.gan.SampleSpec((3, 24, 16))})
    measure = FrechetDistance()
    measure.update(Pixels()(store.samples), real=True)
    measure.update(Pixels()(pictures.store.samples), real=False)
    assert found == pytest.approx(measure.compute(), rel=1e-6)


def test_one_of_another_size_is_found_however_late_it_comes(tmp_path):
    for i in range(30):
        save(tmp_path / "p" / f"{i:02d}.png")
    save(tmp_path / "p" / "30.png", (16, 20))
    with pytest.raises(DataError, match=r"several sizes.*--size HxW"):
        open_pictures(tmp_path / "p", progress=False)
    pictures = open_pictures(tmp_path / "p", size=(8, 12), progress=False)
    assert pictures.first.shape == (1, 3, 8, 12)


def test_one_in_colour_is_found_however_late_it_comes(tmp_path):
    for i in range(30):
        save(tmp_path / "p" / f"{i:02d}.png", mode="L")
    assert open_pictures(tmp_path / "p", progress=False).first.shape[1] == 1
    save(tmp_path / "p" / "30.png")
    assert open_pictures(tmp_path / "p", progress=False).first.shape[1] == 3


def test_fewer_than_there_are_come_evenly_spaced(tmp_path, mnist):
    for i in range(40):
        save(tmp_path / "all" / f"{i:02d}.png", seed=i)
        if i % 4 == 0:
            save(tmp_path / "some" / f"{i:02d}.png", seed=i)
    every, some = (values(tmp_path / name, ["fd[pixels]@10/train"], mnist) for name in ("all", "some"))
    assert every == some


def test_the_key_is_that_of_the_content_and_the_size(tmp_path):
    for name, seed in (("a/x", 0), ("b/x", 0), ("c/x", 1)):
        save(tmp_path / f"{name}.png", seed=seed)
    a, b, c = (open_pictures(tmp_path / name, progress=False) for name in "abc")
    small = open_pictures(tmp_path / "a", size=8, progress=False)
    assert a.key == b.key
    assert len({a.key, c.key, small.key}) == 3
    assert a.named == f"own images (a) {a.key[:8]}"
    assert a.facts() == {"name": "own images (a)", "key": a.key, "count": 1, "shape": [3, 16, 16], "classes": []}
    assert str(tmp_path) not in str(a)


def test_transparency_is_laid_on_the_background(tmp_path):
    save(tmp_path / "p" / "x.png", mode="RGBA")
    first = {
        background: open_pictures(tmp_path / "p", reading=Reading(background=background), progress=False).first
        for background in ("white", "black")
    }
    with Image.open(tmp_path / "p" / "x.png") as image:
        for background, shown in first.items():
            wanted = Image.alpha_composite(Image.new("RGBA", (16, 16), background), image).convert("RGB")
            assert torch.equal(shown[0].permute(1, 2, 0), torch.from_numpy(np.array(wanted)))


@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        ("fd[pixels]@1k/train", r"asks for 1,000 images, and .* has 100: say @100"),
        ("fd[pixels]@10/train#3", r"have no seed: leave out the #"),
        ("psnr@10/train", r"is for models that translate images"),
        ("fd[pixels]@10", r"name their split"),
    ],
)
def test_what_they_cannot_be_measured_by_is_refused(folder, mnist, protocol, text):
    with pytest.raises(ConfigError, match=text):
        values(folder, [protocol], mnist)


def test_they_have_no_direction(folder, mnist):
    with pytest.raises(ConfigError, match="no target"):
        values(folder, ["fd[pixels]@10/train"], mnist, to="B")


def test_class_folders_are_labels(folder, mnist):
    protocols = ["label-accuracy[mnist-classifier]@100", "intra-fd[pixels:2]@100/train"]
    accuracy, distance = values(folder, protocols, mnist)
    assert accuracy > 0.95
    assert distance > 0


def test_classes_called_by_numbers_have_these(folder, tmp_path):
    for name in ("2", "7", "9"):
        shutil.copytree(folder / name, tmp_path / "some" / name)
    count = open_source(tmp_path / "some").count
    (accuracy,) = values(tmp_path / "some", [f"label-accuracy[mnist-classifier]@{count}"])
    assert accuracy > 0.9


def test_classes_are_those_of_the_real_images_by_name(tmp_path):
    for at, names in (("real", NAMES), ("made", NAMES[1:])):
        for name in names:
            for i in range(4):
                save(tmp_path / at / name / f"{i}.png", seed=NAMES.index(name) * 10 + i)
    pictures = open_pictures(tmp_path / "made", progress=False)
    assert pictures.numbered(NAMES).store.labels.tolist() == [1] * 4 + [2] * 4
    assert pictures.numbered(None).store.labels.tolist() == [0] * 4 + [1] * 4
    save(tmp_path / "made" / "bea" / "0.png")
    with pytest.raises(ConfigError, match=r"has the class bea, which the real images do not have.*Did you mean 'bee'"):
        values(tmp_path / "made", ["intra-fd[pixels:2]@9/train"], tmp_path / "real")


def test_without_classes_a_metric_of_labels_says_so(tmp_path):
    save(tmp_path / "p" / "x.png")
    with pytest.raises(ConfigError, match=r"needs labels, and .* has none: sort the pictures into a folder for each"):
        values(tmp_path / "p", ["label-accuracy[mnist-classifier]@1"])


def test_what_cannot_be_read_is_named_or_left_out(tmp_path, mnist):
    for i in range(5):
        save(tmp_path / "p" / f"{i}.png", seed=i)
    (tmp_path / "p" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"broken\.png"):
        values(tmp_path / "p", ["fd[pixels]@5/train"], mnist)
    pictures = open_pictures(tmp_path / "p", skip_unreadable=True, progress=False)
    assert len(pictures) == 5
    assert "1 unreadable and skipped" in str(pictures)
    assert values(pictures, ["fd[pixels]@5/train"], mnist)


def test_a_name_is_that_of_a_model_or_of_pictures(folder, trained, mnist, tmp_path):
    zoo = installed()
    assert all(are_pictures(str(name), zoo) for name in (folder, mnist, "mnist", "cifar10:horse", f"{folder}:3"))
    assert not any(are_pictures(str(name), zoo) for name in (trained, "dcgan-mnist", "hf:alice/digits", "gone", ""))
    protocols = ["fd[pixels]@20/train"]
    assert values(trained, protocols, mnist) == values(ganzoo.load(trained), protocols, mnist)
    with pytest.raises(UnknownNameError):
        values("dcgan-mnst", protocols, mnist)


def test_a_source_is_measured_too(folder, mnist):
    protocols = ["fd[pixels]@100/train"]
    made = Pictures(
        source := open_source(folder), ganzoo.data.prepare(source, {"image": ganzoo.gan.SampleSpec((1, 28, 28))})
    )
    assert (
        values(open_source(folder), protocols, mnist)
        == values(made, protocols, mnist)
        == values(folder, protocols, mnist)
    )
