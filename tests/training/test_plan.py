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
        ((40, 40), "has images of 40x40: dcgan takes them at 28x28, its default; -o image_size=N is another"),
        ((40, 30), "has images of several sizes, or not square: dcgan takes them at 28x28, its default"),
    ],
)
def test_images_that_do_not_have_the_size_of_the_architecture_are_told(tmp_path, caplog, size, told):
    (tmp_path / "own").mkdir()
    for i in range(4):
        Image.new("L", size, i).save(tmp_path / "own" / f"{i}.png")
    ganzoo.train(
        "dcgan", data=str(tmp_path / "own"), images=4, out=tmp_path / "run", config=narrow("dcgan"), batch_size=4,
        progress=False,
    )  # fmt: skip
    assert (told in caplog.text) if told else "its default" not in caplog.text


def test_a_run_knows_the_names_of_its_classes(animals, by_class):
    planned = plan("cgan", narrow("cgan"), Settings(data=str(animals), images=64, batch_size=32))
    assert planned.gan.class_names == ("cat", "dog", "owl")
    assert read_config(by_class).data["classes"] == ["cat", "dog", "owl"]
