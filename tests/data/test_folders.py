"""Folders of images, friendly and hostile."""

from __future__ import annotations

import os
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from ganzoo.data import open_source, prepare
from ganzoo.errors import DataError
from ganzoo.gan.sample_spec import DEFAULT_READING
from ganzoo.media.base import Item
from ganzoo.media.image import ImageMedium, open_image
from helpers import image_specs


def decode(path, size=20, channels=3):
    return ImageMedium().read(Item(path, None, str(path)), (channels, size, size), DEFAULT_READING).stored


def test_sub_folders_are_classes(folder, digits):
    source = open_source(folder)
    assert source.classes == tuple("0123456789")
    assert source.native() == (1, 28, 28)
    found = {item.where.rpartition(os.sep)[2]: (item.label, np.asarray(open_image(item))) for item in source.read()}
    assert len(found) == source.count == 100
    for i, (image, label) in enumerate(zip(*(part[:100] for part in digits), strict=True)):
        assert found[f"{i:03d}.png"][0] == label
        assert np.array_equal(found[f"{i:03d}.png"][1], image)


def test_a_flat_folder_or_a_stray_image_makes_a_set_without_labels(pictures, noise):
    noise().save(pictures / "one.png")
    assert open_source(pictures).classes is None
    (pictures / "cats").mkdir()
    noise().save(pictures / "cats" / "two.png")
    source = open_source(pictures)
    assert (source.count, source.classes) == (2, None)
    assert [item.label for item in source.read()] == [None, None]


def test_the_class_is_the_first_of_nested_folders(pictures, noise):
    for path in ("cats/small/1.png", "cats/2.png", "dogs/a/b/3.png"):
        (pictures / path).parent.mkdir(parents=True, exist_ok=True)
        noise().save(pictures / path)
    source = open_source(pictures)
    assert source.classes == ("cats", "dogs")
    assert [item.label for item in source.read()] == [0, 0, 1]


@pytest.mark.parametrize("suffix", ["png", "PNG", "jpg", "JPEG", "webp"])
def test_every_kind_of_file_is_read(pictures, suffix):
    Image.new("RGB", (20, 20), (200, 100, 50)).save(pictures / f"a.{suffix}")
    (pictures / "notes.txt").write_text("no image")
    (item,) = open_source(pictures).read()
    assert np.abs(np.asarray(open_image(item)).astype(int) - (200, 100, 50)).max() <= 5


@pytest.mark.parametrize("suffix", ["png", "gif", "webp"])
def test_of_an_animation_the_first_picture_is_read_and_the_file_closed(pictures, suffix):
    frames = [Image.new("RGB", (20, 20), (200 - 90 * i, 0, 0)) for i in range(3)]
    frames[0].save(pictures / f"a.{suffix}", save_all=True, append_images=frames[1:])
    (pictures / f"a.{suffix}").rename(pictures / "b.png")  # what a file holds counts, not its name
    assert abs(int(decode(pictures / "b.png")[0].mean()) - 200) < 5


@pytest.mark.parametrize(
    ("modes", "channels"),
    [(["L", "L"], 1), (["L", "1"], 1), (["LA"], 1), (["L", "RGB"], 3), (["P"], 3)],
)
def test_the_channels_of_the_data_are_found(pictures, noise, modes, channels):
    for i, mode in enumerate(modes):
        noise(mode=mode).save(pictures / f"{i}.png")
    assert open_source(pictures).native() == (channels, 20, 20)


@pytest.mark.parametrize(
    ("sizes", "sides"),
    [
        ([(20, 20), (30, 30)], (None, None)),
        ([(20, 30)], (30, 20)),
        ([(20, 30), (30, 20)], (None, None)),
        ([(20, 30), (20, 40)], (None, 20)),
    ],
)
def test_sides_that_differ_are_unknown(pictures, noise, sizes, sides):
    for i, size in enumerate(sizes):
        noise(*size).save(pictures / f"{i}.png")
    assert open_source(pictures).native() == (3, *sides)


def test_hidden_files_are_no_images(pictures, noise):
    for path in ("cats/1.png", ".ipynb_checkpoints/1.png", "cats/.ipynb_checkpoints/1.png"):
        (pictures / path).parent.mkdir(parents=True, exist_ok=True)
        noise().save(pictures / path)
    (pictures / "cats" / "._1.png").write_bytes(b"\0\5\x16\7")  # macOS
    source = open_source(pictures)
    assert (source.count, source.classes) == (1, ("cats",))


def test_an_empty_folder_is_an_error(pictures):
    (pictures / "empty").mkdir()
    with pytest.raises(DataError, match=r"pictures holds no images \(\.png, \.jpg, "):
        open_source(pictures)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1000))  # too few for more than 31 x 31
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"this is text", "cannot identify image file"),
        (b"", "cannot identify image file"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "cannot identify image file"),
        (bomb(40, 40), "truncated|broken|decod"),
    ],
    ids=["text", "empty", "postscript", "truncated"],
)
def test_a_file_that_is_no_image_is_an_error_that_names_it(pictures, noise, cache, content, text):
    noise().save(pictures / "good.png")
    (pictures / "wrong.png").write_bytes(content)
    source = open_source(pictures)
    with pytest.raises(
        DataError,
        match=rf"wrong\.png is not a readable image \(.*({text}).*\): mend or remove it; --skip-unreadable",
    ):
        prepare(source, image_specs(20, 3), progress=False)


def test_an_image_that_vanishes_is_an_error_that_names_it(pictures, noise):
    noise().save(pictures / "a.png")
    source = open_source(pictures)
    (pictures / "a.png").unlink()
    with pytest.raises(DataError, match=r"a\.png is not a readable image \(No such file or directory\)"):
        source.native()


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that the system lists but does not read")
def test_a_file_that_cannot_be_read_is_one_error_where_it_is_decoded(pictures, cache):
    (pictures / "a.png").symlink_to("/proc/self/mem")
    source = open_source(pictures)
    with pytest.raises(DataError, match=r"a\.png is not a readable image"):
        prepare(source, image_specs(20, 3), progress=False)


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need rights there")
def test_links_that_go_in_circles_or_nowhere_are_passed_by(pictures, noise):
    (pictures / "cats").mkdir()
    noise().save(pictures / "cats" / "a.png")
    (pictures / "cats" / "loop").symlink_to(pictures)
    (pictures / "self.png").symlink_to(pictures / "self.png")
    (pictures / "nowhere.png").symlink_to(pictures / "gone.png")
    assert open_source(pictures).count == 1


def test_names_may_be_in_any_script(pictures, noise, cache):
    (pictures / "고양이 漢é").mkdir()
    noise().save(pictures / "고양이 漢é" / "ß'\" %.png")
    source = open_source(pictures)
    assert source.classes == ("고양이 漢é",)
    assert len(prepare(source, image_specs(20, 3), progress=False)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere file names are text")
def test_names_that_are_no_text_are_read_unless_they_name_a_class(pictures, noise, cache):
    noise().save(pictures / "a.png")
    os.rename(os.fsencode(pictures / "a.png"), os.fsencode(pictures) + b"/\xff.png")  # noqa: PTH104
    assert len(prepare(open_source(pictures), image_specs(20, 3), progress=False)) == 1
    os.mkdir(os.fsencode(pictures) + b"/\xfe")  # noqa: PTH102
    os.rename(os.fsencode(pictures) + b"/\xff.png", os.fsencode(pictures) + b"/\xfe/a.png")  # noqa: PTH104
    with pytest.raises(DataError, match=r"names a class '\\udcfe', which is not printable"):
        open_source(pictures)


# --- keys ---


def test_the_key_is_that_of_the_content_wherever_it_lies(pictures, noise, tmp_path):
    (pictures / "cats").mkdir()
    noise().save(pictures / "cats" / "a.png")
    key = open_source(pictures).key
    moved = pictures.rename(tmp_path / "elsewhere")
    assert open_source(moved).key == key


def test_a_large_set_is_known_by_how_its_files_begin_and_end(pictures, noise, tmp_path, monkeypatch):
    monkeypatch.setattr("ganzoo.data.sources.source._HASHED", 400)  # 100 bytes of each end
    for i in range(2):
        (pictures / f"{i}.png").write_bytes(bytes(1000))
    key = open_source(pictures).key
    copied = tmp_path / "copy"
    copied.mkdir()
    for i in range(2):
        (copied / f"{i}.png").write_bytes(bytes(1000))
        os.utime(copied / f"{i}.png", (0, 0))
    assert open_source(copied).key == key
    for place, same in ((99, False), (500, True), (900, False)):
        (copied / "1.png").write_bytes(bytes(place) + b"x" + bytes(999 - place))
        assert (open_source(copied).key == key) is same


@pytest.mark.parametrize("change", ["pixels", "name", "class", "outer class", "another"])
def test_the_key_changes_with_the_content(pictures, noise, change):
    place = pictures / "cats" / "all" / "a.png"
    place.parent.mkdir(parents=True)
    noise().save(place)
    before = open_source(pictures).key
    if change == "pixels":
        noise(seed=1).save(place)
    elif change == "name":
        place.rename(place.with_name("b.png"))
    elif change == "class":
        place.parent.rename(pictures / "cats" / "some")
    elif change == "outer class":  # the same name in the same folder, of another class
        (pictures / "cats").rename(pictures / "dogs")
    else:
        noise(seed=1).save(pictures / "cats" / "b.png")
    assert open_source(pictures).key != before


def test_a_snapshot_of_a_hub_repository_keeps_its_parquet_files_in_data(tmp_path, mnist):
    (tmp_path / "data").symlink_to(mnist)
    assert open_source(tmp_path).count == 1000
