"""Zip files of images: read where they are, and refused where they are a trap."""

import io
import json
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image

from ganzoo.data import Loader, open_data, open_source, prepare
from ganzoo.data.sources import archive
from ganzoo.errors import DataError
from ganzoo.media.image import open_image
from helpers import image_specs


def png(value=0, size=16):
    file = io.BytesIO()
    Image.new("L", (size, size), value).save(file, "png")
    return file.getvalue()


@pytest.fixture
def pack(tmp_path):
    """Write a zip file of some entries."""

    def pack(entries, name="set.zip", compression=zipfile.ZIP_STORED):
        with zipfile.ZipFile(tmp_path / name, "w", compression) as file:
            for entry, content in entries.items():
                file.writestr(entry, content)
        return tmp_path / name

    return pack


def refused(path, split="train"):
    with pytest.raises(DataError) as raised:
        list(open_data(str(path), split=split).read())
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_an_archive_is_understood_as_the_folder_in_it(pack, tmp_path, cache):
    entries = {f"{c}/{i}.png": png(10 * c + i) for c in (1, 2, 10) for i in (1, 10, 2)} | {"x.txt": b"", "._1.png": b""}
    for name, content in entries.items():
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(content)
    packed, folder = open_source(pack(entries)), open_source(tmp_path / "set")
    assert packed.describe() == folder.describe() == "9 images (1 skipped: 1 .txt), 3 classes: 1, 2, 10"
    assert (packed.names, packed.labels, packed.native()) == (folder.names, folder.labels, (1, 16, 16))
    one, other = (prepare(source, image_specs(16, 1), progress=False) for source in (packed, folder))
    np.testing.assert_array_equal(one.samples, other.samples)
    np.testing.assert_array_equal(one.labels, other.labels)
    assert next(packed.read()).where == f"{tmp_path / 'set.zip' / '1' / '1.png'}"
    assert packed.files == (tmp_path / "set.zip",)


def test_a_folder_that_holds_all_is_no_class(pack):
    inside = {"cats/1.png": png(1), "dogs/1.png": png(2)}
    around = open_source(pack({"photos/": b"", **{f"photos/{name}": content for name, content in inside.items()}}))
    assert (around.classes, list(around.names)) == (("cats", "dogs"), list(inside))
    assert open_source(pack({"train/cats/1.png": png()})).classes == ("cats",)  # but a split is one


def test_splits_classes_and_pairs_of_an_archive(pack):
    entries = {"train/a/1.png": png(1), "train/b/2.png": png(2), "val/b/3.png": png(3), "val/c/": b""}
    path = pack(entries)
    assert open_data(f"{path}:b", split="val").count == 1
    assert list(open_data(f"{path}:b").names) == ["train/b/2.png"]
    assert open_data(str(path), split="val").notes == ("no images in c",)
    assert open_data(str(path)).key != open_data(str(path), split="val").key
    assert "has no split 'test'; it has: train, val" in refused(path, "test")
    left, right = (
        pack({"2.png": png(2), "10.png": png(10)}, "a.zip"),
        pack({"10.png": png(110), "2.png": png(102)}, "b.zip"),
    )
    batch = Loader(prepare(open_data(f"pairs:A={left},B={right}"), image_specs(16, 1), progress=False), seed=0).batch(
        0, 2
    )
    assert ((batch["B"] - batch["A"]) * 127.5).round().unique().tolist() == [100]


def test_stylegans_archives_have_their_labels(pack):
    labels = [["00000/img00000000.png", 2], ["00000/img00000001.png", 0], ["00001/img00001000.png", 5]]
    source = open_source(pack({name: png() for name, _ in labels} | {"dataset.json": json.dumps({"labels": labels})}))
    assert (source.classes, list(source.labels)) == (("0", "2", "5"), [1, 0, 2])
    assert source.describe() == "3 images, 3 classes: 0, 2, 5; labels numbered anew from 0, as no image has 1, 3, 4"
    assert [np.asarray(open_image(item)).shape for item in source.read()] == [(16, 16)] * 3


def test_the_key_is_that_of_the_content_wherever_it_lies(pack, tmp_path):
    path = pack({"1.png": png()})
    key = open_source(path).key
    assert open_source(path.rename(tmp_path / "moved.zip")).key == key
    assert open_source(pack({"1.png": png(1)})).key != key


@pytest.mark.parametrize("name", ["../1.png", "a/../../1.png", "/1.png", "C:/1.png", "a\\1.png", "./1.png", "a//1.png"])
def test_paths_that_lead_elsewhere_are_refused(pack, name):
    assert refused(pack({"ok.png": png(), name: png()})).endswith("whose path leads elsewhere: pack the images anew")


def test_links_are_refused(pack):
    link = zipfile.ZipInfo("1.png")
    link.external_attr = 0o120777 << 16
    assert "holds '1.png', which is a link" in refused(pack({link: "/etc/passwd"}))


def test_archives_in_archives_are_refused(pack):
    assert "holds 'b.zip', which is an archive itself" in refused(pack({"a.png": png(), "b.zip": b""}))


def test_one_name_twice_is_refused(pack):
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(pack({"a.png": png()}), "a") as file:
        file.writestr("a.png", png(1))
    assert "holds 'a.png', more than once" in refused(file.filename)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_take_memory_are_refused(pack, method):
    assert "compressed by another method than deflate" in refused(pack({"a.png": png()}, compression=method))


def flagged(data, at, value):
    """Change a 16-bit field of the only entry in the central directory."""
    start = data.rindex(b"PK\1\2") + at
    return data[:start] + struct.pack("<H", value) + data[start + 2 :]


def test_encrypted_files_are_refused(pack):
    path = pack({"a.png": png()})
    path.write_bytes(flagged(path.read_bytes(), 8, 1))
    assert "holds 'a.png', which is encrypted" in refused(path)


def test_bombs_are_refused_before_anything_is_unpacked(pack, monkeypatch):
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *args: pytest.fail("unpacked"))
    path = pack({"a.png": bytes(300 << 20)}, compression=zipfile.ZIP_DEFLATED)
    assert "holds 'a.png', which unpacks to more than 256 MiB" in refused(path)
    monkeypatch.setattr(archive, "_TOTAL_UP_TO", 1000)
    path = pack({f"{i}.png": bytes(100_000) for i in range(5)}, compression=zipfile.ZIP_DEFLATED)
    assert "over 50 times its size: check it" in refused(path)


def test_a_size_that_lies_unpacks_to_no_more_than_it_says(pack):
    path = pack({"a.png": png() + bytes(1 << 20)}, compression=zipfile.ZIP_DEFLATED)
    path.write_bytes(flagged(flagged(path.read_bytes(), 24, 500), 26, 0))
    assert "a.png cannot be read: Bad CRC-32" in refused(path)


@pytest.mark.parametrize("content", [b"", b"PK\5\6", b"no zip" * 100])
def test_a_file_that_is_no_archive_is_one_error(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    assert refused(tmp_path / "a.zip").startswith(f"{tmp_path / 'a.zip'} cannot be read: File is not a zip file")


def test_a_damaged_entry_is_named(pack):
    path = pack({"a.png": png(), "b.png": png()})
    data = bytearray(path.read_bytes())
    data[data.rindex(png()) + 30] ^= 255
    path.write_bytes(data)
    assert "set.zip/b.png cannot be read: Bad CRC-32" in refused(path)


def test_an_archive_of_nothing_usable_says_what_it_found(pack):
    assert refused(pack({"a.txt": b"", "b.heic": b""})).endswith("but 1 .txt, 1 .heic")
    assert "holds no images" in refused(pack({}))
