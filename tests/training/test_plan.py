"""What is told before a run begins."""

import pytest
from PIL import Image

import ganzoo
from ganzoo.models.config import read_config
from ganzoo.training.plan import plan
from ganzoo.training.settings import Settings
from helpers import narrow


@pytest.mark.parametrize(
    ("size", "told"),
    [
        ((28, 28), None),
        ((41, 41), "dcgan cannot make images of 41x41; the nearest it can are 40x40 and 44x44; image_size=40 is taken"),
        ((41, 33), "cannot make images of 33x41; the nearest it can are 32x40 and 36x44; image_size=(32, 40) is taken"),
        (None, "differ in image_size: dcgan takes them at 28, its default"),
    ],
)
def test_images_that_do_not_have_the_size_of_the_architecture_are_told(tmp_path, caplog, size, told):
    (tmp_path / "own").mkdir()
    for i in range(4):
        Image.new("L", size or (28 + i, 28), i).save(tmp_path / "own" / f"{i}.png")
    ganzoo.train(
        "dcgan", data=str(tmp_path / "own"), images=4, out=tmp_path / "run", config=narrow("dcgan"), batch_size=4,
        progress=False,
    )  # fmt: skip
    assert (told in caplog.text) if told else "its default" not in caplog.text


def test_a_run_knows_the_names_of_its_classes(animals, by_class):
    planned = plan("cgan", narrow("cgan"), Settings(data=str(animals), images=64, batch_size=32))
    assert planned.gan.class_names == ("cat", "dog", "owl")
    assert read_config(by_class).data["classes"] == ["cat", "dog", "owl"]
