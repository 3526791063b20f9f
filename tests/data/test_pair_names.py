"""How two sets of images are named."""

import pytest
from PIL import Image

from ganzoo.data import open_data
from ganzoo.data.spec import named_sets
from ganzoo.errors import DataError
from ganzoo.registry import installed


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("{mnist}:horse", r"has no class 'horse'.* It has: 0, 1, 2"),
        ("A={mnist}", r"two sets are A=DATA,B=DATA, in this order"),
        ("B={mnist},A={mnist}", r"two sets are A=DATA,B=DATA, in this order"),
        ("A={mnist},B={mnist},C={mnist}", r"A=DATA,B=DATA, in this order"),
        ("A={mnist},B=nowhere", r"No data set or path is called 'nowhere'"),
        ("grey:nowhere", r"No data set or path is called 'nowhere'"),
        ("grey:", "the data has no name"),
        ("pairs:{mnist}/x", "no folder or file"),
        ("gray:{mnist}", r"called 'gray'. Did you mean 'grey'\?"),
        ("pair:{mnist}", r"called 'pair'. Did you mean 'pairs'\?"),
        ("GREY:{mnist}", r"called 'GREY'. Did you mean 'grey'\?"),
        ("pairs:grey:{mnist}", r"must be one set of images, without 'grey:'$"),
        ("grey:mask:{mnist}", r"must be one set of images, without 'mask:'$"),
        ("grey:A={mnist},B={mnist}", r"must be one set of images, without 'A='$"),
        ("A=grey:{mnist},B={mnist}", r"must be one set of images, without 'grey:'$"),
    ],
)
def test_bad_names_are_one_line_with_a_remedy(spec, text, mnist):
    with pytest.raises(DataError, match=text) as raised:
        open_data(spec.format(mnist=mnist))
    assert "\n" not in str(raised.value)


def test_spaces_around_the_sets_are_no_part_of_them(mnist):
    source = open_data(f"A= {mnist}:3 , B= {mnist}:8 ")
    assert (source.a.name, source.b.name) == (f"{mnist}:3", f"{mnist}:8")


def test_a_class_may_have_a_colon_in_its_name(tmp_path):
    for name in ("x:y", "y"):
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.new("L", (16, 16)).save(tmp_path / "set" / name / "1.png")
    assert open_data(f"{tmp_path / 'set'}:x:y").files == tuple(sorted((tmp_path / "set").rglob("*.png")))
    assert open_data(f"{tmp_path / 'set'}:x:y").count == 1


@pytest.mark.parametrize(
    ("spec", "sets"),
    [
        ("mnist", ("mnist",)),
        ("cifar10:horse", ("cifar10",)),
        ("grey:cifar10", ("cifar10",)),
        ("A=cifar10:horse,B=cifar10:deer", ("cifar10",)),
        ("A=mnist,B=hf:me/zebras", ("mnist", "hf:me/zebras")),
        ("pairs:hf:me/facades", ("hf:me/facades",)),
        ("hf:me/zebras:big", ("hf:me/zebras",)),
        ("hf:me/zebras:big:one", ("hf:me/zebras",)),
        ("A=mnist,B=/home/me", None),
        ("grey:/etc", None),
        ("edges:own images (x)", None),
        ("photos", None),
        ("", None),
    ],
)
def test_the_data_sets_in_a_name(spec, sets):
    assert named_sets(spec, installed()) == sets
