"""Every kind of place that images come from."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest

from ganzoo.data import open_source
from ganzoo.data.sources.source import fingerprint
from ganzoo.errors import DataError
from ganzoo.media.image import open_image


def arrays(source):
    return [np.asarray(open_image(item)) for item in source.read()]


def labels(source):
    return [item.label for item in source.read()]


def save(path, **named):
    np.savez(path, **named)
    return path


# --- parquet ---


@pytest.mark.parametrize(("split", "count"), [("train", 1000), ("test", 200)])
def test_a_parquet_folder_has_its_splits(mnist, split, count):
    source = open_source(mnist, split=split)
    assert (source.count, len(labels(source))) == (count, count)
    assert source.classes == tuple("0123456789")
    assert source.native() == (1, 28, 28)


def test_a_parquet_folder_gives_the_pictures_in_order(mnist, digits):
    source = open_source(mnist)
    np.testing.assert_array_equal(arrays(source), digits[0])
    assert labels(source) == digits[1].tolist()
    assert next(source.read()).where == f"row 0 of {mnist / 'train-00000-of-00001.parquet'}"


def test_a_missing_split_is_an_error_that_names_the_others(mnist):
    with pytest.raises(DataError, match=r"'validation'.*: test, train$"):
        open_source(mnist, split="validation")


@pytest.fixture
def parquet(pictures, noise):
    """Write a parquet file of six images with further columns."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    def write(metadata=None, image="image", name="train.parquet", **columns):
        file = io.BytesIO()
        noise().save(file, "png")
        table = pa.table({image: [{"bytes": file.getvalue(), "path": None}] * 6, **columns})
        pq.write_table(table.replace_schema_metadata(metadata), pictures / name)
        return pictures

    return write


@pytest.mark.parametrize(
    "metadata", [None, {"huggingface": "{"}, {"huggingface": "[]"}, {"huggingface": '{"info": 1}'}]
)
def test_parquet_labels_without_names_are_the_classes_that_occur(parquet, metadata):
    source = open_source(parquet(metadata, label=[0, 1, 2, 0, 1, 4]))
    assert source.classes == ("0", "1", "2", "4")
    assert labels(source) == [0, 1, 2, 0, 1, 3]
    assert source.notes == ("labels numbered anew from 0, as no image has 3",)


def test_parquet_labels_that_are_words_are_classes(parquet):
    plain = open_source(parquet())
    source = open_source(parquet(label=list("bcabca")))
    assert (source.classes, labels(source)) == (("a", "b", "c"), [1, 2, 0, 1, 2, 0])
    assert source.key != plain.key


@pytest.mark.parametrize(("values", "kind"), [([0.5] * 6, "double"), ([[1]] * 6, r"list<.*>")])
def test_parquet_labels_that_are_no_class_are_told_and_left_out(parquet, values, kind):
    source = open_source(parquet(label=values))
    assert source.classes is None
    assert re.search(rf"the column label \({kind}\) is not used: one class per image", source.describe())


@pytest.mark.parametrize("wrong", [-1, 65536, 2**40])
def test_a_label_that_is_no_class_index_is_an_error(parquet, wrong, tmp_path):
    with pytest.raises(DataError, match=rf"labels .*0 \.\.\. 65535, not .*{wrong}"):
        open_source(parquet(label=[0, 0, 0, 0, 0, wrong]))
    file = save(tmp_path / "a.npz", images=np.ones((6, 4, 4), np.uint8), labels=[0, 0, 0, 0, 0, wrong])
    with pytest.raises(DataError, match=rf"labels .*0 \.\.\. 65535, not .*{wrong}"):
        open_source(file)


def test_the_column_may_be_called_img_and_another_is_an_error(parquet):
    assert open_source(parquet(image="img")).count == 6
    with pytest.raises(DataError, match=r"column .*: photo, x"):
        open_source(parquet(image="photo", x=[1] * 6))


def test_shards_without_the_column_are_an_error_when_read(parquet):
    parquet(name="train-0.parquet")
    source = open_source(parquet(image="img", name="train-1.parquet"))
    with pytest.raises(DataError, match=r"train-1\.parquet .*image"):
        list(source.read())


@pytest.mark.parametrize("content", [b"", b"PAR1", b"hello" * 100])
def test_a_corrupt_parquet_file_is_one_error(pictures, content):
    (pictures / "train.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"pictures: .*[Pp]arquet"):
        open_source(pictures)


def test_a_corrupt_page_is_an_error_that_names_the_file(mnist, pictures):
    data = bytearray((mnist / "train-00000-of-00001.parquet").read_bytes())
    data[200:2000] = bytes(1800)
    (pictures / "train.parquet").write_bytes(data)
    with pytest.raises(DataError, match=r"train\.parquet"):
        arrays(open_source(pictures))


def test_a_parquet_split_that_looks_like_a_pattern_matches_nothing(parquet):
    for split in ("*", "/etc", "../*"):
        with pytest.raises(DataError, match="has no split"):
            open_source(parquet(), split=split)


# --- arrays ---


@pytest.mark.parametrize(
    ("shape", "native"),
    [
        ((5, 8, 8), (1, 8, 8)),
        ((5, 8, 8, 1), (1, 8, 8)),
        ((5, 8, 8, 3), (3, 8, 8)),
        ((5, 1, 8, 8), (1, 8, 8)),
        ((5, 3, 8, 8), (3, 8, 8)),
        ((5, 8, 8, 4), (3, 8, 8)),
        ((5, 4, 8, 8), (3, 8, 8)),
    ],
)
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_arrays_come_in_every_layout(tmp_path, shape, native, suffix):
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / f"a.{suffix}"
    np.save(path, images) if suffix == "npy" else np.savez_compressed(path, images=images)
    source = open_source(path)
    assert (source.count, source.classes, source.native()) == (5, None, native)
    channels_last = images.transpose(0, 2, 3, 1) if shape[1] in (1, 3, 4) else images
    np.testing.assert_array_equal(arrays(source), channels_last.reshape(5, 8, 8, -1).squeeze())


def test_arrays_may_have_labels_and_other_arrays(tmp_path):
    images = np.ones((3, 4, 4), np.uint8)
    evil = np.array([object()], dtype=object)  # never looked at
    source = open_source(save(tmp_path / "a.npz", images=images, labels=np.array([2, 0, 2], np.uint8), other=evil))
    assert source.classes == ("0", "2")
    assert labels(source) == [1, 0, 1]
    assert source.describe() == "3 images, 2 classes: 0, 2; labels numbered anew from 0, as no image has 1"
    assert open_source(save(tmp_path / "b.npz", arr_0=images)).count == 3


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (np.zeros((3, 4, 4)), r"must hold uint8 images .*, not float64 \(3, 4, 4\)"),
        (np.zeros((3, 4), np.uint8), r"not uint8 \(3, 4\)"),
        (np.zeros((0, 4, 4), np.uint8), r"not uint8 \(0, 4, 4\)"),
        (np.zeros((3, 0, 4), np.uint8), r"not uint8 \(3, 0, 4\)"),
        (np.uint8(3), r"not uint8 \(\)"),
        (np.zeros((3, 5, 5, 2), np.uint8), r"must have 1, 3 or 4 channels, not shape \(3, 5, 5, 2\)"),
    ],
)
def test_arrays_that_are_no_images_are_an_error(tmp_path, images, text):
    with pytest.raises(DataError, match=text):
        open_source(save(tmp_path / "a.npz", images=images))


@pytest.mark.parametrize("wrong", [np.zeros(2, int), np.zeros((3, 1), int), np.zeros(3), np.array(["a", "b", "c"])])
def test_labels_of_another_shape_or_type_are_an_error(tmp_path, wrong):
    with pytest.raises(DataError, match=r"'labels' .* 3 .*not"):
        open_source(save(tmp_path / "a.npz", images=np.ones((3, 4, 4), np.uint8), labels=wrong))


def test_an_archive_without_images_is_an_error_that_names_its_arrays(tmp_path):
    with pytest.raises(DataError, match=r"'images'.*: x_train, y_train"):
        open_source(save(tmp_path / "a.npz", x_train=np.ones(3), y_train=np.ones(3)))


class Trap:
    """Leaves a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("suffix", ["npy", "npz"])
@pytest.mark.parametrize("trapped", ["images", "labels"])
def test_pickled_objects_are_refused_and_never_unpickled(tmp_path, suffix, trapped):
    path, sprung = tmp_path / f"a.{suffix}", tmp_path / "sprung"
    trap = np.array([Trap(sprung)] * 3, dtype=object)
    images = trap if trapped == "images" else np.ones((3, 4, 4), np.uint8)
    np.save(path, trap, allow_pickle=True) if suffix == "npy" else np.savez(path, images=images, labels=trap)
    with pytest.raises(DataError, match="safely"):
        open_source(path)
    assert not sprung.exists()


@pytest.mark.parametrize("keep", [0, 4, 60, 150, -20])
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_a_truncated_array_file_is_one_error(tmp_path, keep, suffix):
    path, images = tmp_path / f"a.{suffix}", np.arange(3 * 16, dtype=np.uint8).reshape(3, 4, 4)
    np.save(path, images) if suffix == "npy" else np.savez(path, images=images)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match="safely"):
        open_source(path)


@pytest.mark.parametrize("shape", [b"(99999999999, 4, 4)", b"(-3, 4, 4)", b"(9999999999999999999999, 4, 4)", b"'abc'"])
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_an_array_header_that_lies_is_one_error(tmp_path, shape, suffix):
    import io
    import zipfile

    file = io.BytesIO()
    np.save(file, np.ones((3, 4, 4), np.uint8))
    true = b"(3, 4, 4), }".ljust(len(shape) + 4)
    data = file.getvalue().replace(true, (shape + b", }").ljust(len(true)))
    assert shape in data
    path = tmp_path / f"a.{suffix}"
    if suffix == "npy":
        path.write_bytes(data)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("images.npy", data)
    with pytest.raises(DataError, match="safely"):
        open_source(path)


# --- nothing there ---


@pytest.mark.parametrize("spec", ["./nothing", "nothing/there", "/no/such/folder"])
def test_a_path_that_does_not_exist_is_an_error_that_names_it_whole(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=rf"/.*{spec.removeprefix('./').lstrip('/')}$"):
        open_source(spec)


def test_an_unknown_name_is_an_error_that_suggests_the_nearest():
    with pytest.raises(DataError, match=r"'mnits'.*'mnist'"):
        open_source("mnits")


def test_a_file_of_another_kind_is_an_error(tmp_path):
    (tmp_path / "a.csv").write_text("1,2")
    with pytest.raises(DataError, match=r"a\.csv is neither a folder, nor a \.npz, \.npy or \.zip file of images"):
        open_source(tmp_path / "a.csv")


@pytest.mark.parametrize("spec", ["x" * 5000, "~no-such-user-here/data"])
def test_a_name_that_the_system_refuses_is_one_error(spec):
    with pytest.raises(DataError, match="cannot be opened"):
        open_source(spec)


def test_the_key_of_a_file_takes_no_memory(tmp_path, memory_of):
    path = tmp_path / "a.png"
    path.touch()
    os.truncate(path, 2**26)
    assert memory_of(lambda: fingerprint({"a.png": path})) < 2**22
