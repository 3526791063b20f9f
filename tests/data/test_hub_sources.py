"""Data sets of the Hub: with the real library on a local folder, and with a stand-in for what a folder cannot show."""

from __future__ import annotations

import hashlib
import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from huggingface_hub import constants

from ganzoo.data import open_source, prepare
from ganzoo.data.sources import hub
from ganzoo.errors import DataError, MissingExtraError
from ganzoo.media.image import open_image
from ganzoo.registry import Dataset
from helpers import image_specs


class Rows(list):
    """What the library returns, as far as it is used."""

    def __init__(self, rows, columns=("image", "label"), names=("a", "b"), key="k1", dtype="float32"):
        super().__init__(rows)
        self.column_names = list(columns)
        self.features = {"label": SimpleNamespace(names=list(names)) if names else SimpleNamespace(dtype=dtype)}
        self._fingerprint = key
        self.cast = []

    def unique(self, column):
        return list({row[column]: None for row in self})

    def cast_column(self, column, feature):
        self.cast.append((column, feature))
        return self


@pytest.fixture
def library(monkeypatch, tmp_path):
    """A stand-in for `datasets`: set ``rows``, read ``asked``."""
    module = ModuleType("datasets")
    module.asked = []
    module.Image = lambda decode: f"decode={decode}"

    def load_dataset(*args, **options):
        module.asked.append((args, options))
        if isinstance(module.rows, Exception):
            raise module.rows
        return module.rows

    module.load_dataset = load_dataset
    module.config = SimpleNamespace(EXTRACTED_DATASETS_PATH=tmp_path / "extracted")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "datasets", module)
    return module


def cell(data=b"x", path=None):
    return {"bytes": data, "path": path}


def test_a_short_name_is_looked_up_in_the_zoo(library):
    library.rows = Rows([{"img": cell(b"one"), "label": 1}, {"img": cell(b"two"), "label": 0}], ("img", "label"))
    source = open_source("cifar10", split="test")
    assert library.asked == [(("uoft-cs/cifar10", None), {"split": "test"})]
    assert library.rows.cast == [("img", "decode=False")]
    assert (source.name, source.count, source.classes) == ("cifar10", 2, ("a", "b"))
    assert [(i.image, i.label, i.where) for i in source.read()] == [
        (b"one", 1, "row 0 of cifar10"),
        (b"two", 0, "row 1 of cifar10"),
    ]


def test_any_repository_may_be_named(library):
    library.rows = Rows([{"image": cell()}], ["image"])
    assert open_source("hf:owner/name").classes is None
    assert library.asked == [(("owner/name", None), {"split": "train"})]


@pytest.mark.parametrize("dtype", ["float32", None])
def test_labels_that_are_no_classes_are_told_and_left_out(library, dtype):
    library.rows = Rows([{"image": cell(), "label": 0.5}], names=None, dtype=dtype)
    source = open_source("hf:owner/name")
    assert source.classes is None
    assert next(source.read()).label is None
    assert f"the column label ({dtype or 'several values'}) is not used" in source.describe()


@pytest.mark.parametrize(("dtype", "labels"), [("int64", [0, 7, 0]), ("string", ["x", "y", "x"])])
def test_labels_without_names_are_classes_where_they_can_be(library, dtype, labels):
    library.rows = Rows([{"image": cell(), "label": label} for label in labels], names=None, dtype=dtype)
    source = open_source("hf:owner/name")
    assert source.classes == tuple(str(label) for label in labels[:2])
    assert [item.label for item in source.read()] == [0, 1, 0]


def test_the_key_depends_on_the_content_and_on_the_labels(library):
    keys = set()
    for columns, key in ((("image", "label"), "k1"), (("image",), "k1"), (("image", "label"), "k2")):
        library.rows = Rows([{"image": cell(), "label": 0}], columns, key=key)
        keys.add(open_source("hf:owner/name").key)
    assert len(keys) == 3


@pytest.fixture
def snapshot(tmp_path):
    """Return the folder in which the Hub's client keeps the data set ``owner/name``."""
    folder = tmp_path / "datasets--owner--name" / "snapshots" / "1"
    folder.mkdir(parents=True)
    return folder


def items_of(library, *cells):
    library.rows = Rows([{"image": cell, "label": 0} for cell in cells])
    return list(open_source("hf:owner/name").read())


def test_an_image_may_be_a_file_of_the_set_and_a_missing_one_is_named(library, snapshot, noise):
    blob = snapshot.parent.parent / "blobs" / "1"
    blob.parent.mkdir()
    noise().save(blob, "png")
    (snapshot / "a.png").symlink_to(blob)  # as the client keeps it
    there = (cell(None, str(snapshot / "a.png")), cell(None, "snapshots/1/a.png"))
    first, again, *others = items_of(library, *there, None, cell(None, None), cell(None, str(snapshot / "none.png")))
    for item in (first, again):
        assert np.array_equal(np.asarray(open_image(item)), np.asarray(noise()))
    for row, item in enumerate(others, start=2):
        with pytest.raises(DataError, match=f"row {row} of hf:owner/name "):
            open_image(item)


def test_an_image_may_be_a_file_of_an_archive_of_the_set_that_the_library_unpacked(library, snapshot, noise, tmp_path):
    (snapshot / "train.zip").touch()
    own = tmp_path / "extracted" / hashlib.sha256(str(snapshot / "train.zip").encode()).hexdigest()
    other = tmp_path / "extracted" / hashlib.sha256(b"another").hexdigest()
    for folder in (own, other):
        folder.mkdir(parents=True)
        noise().save(folder / "a.png")
    (item,) = items_of(library, cell(None, str(own / "a.png")))
    assert np.array_equal(np.asarray(open_image(item)), np.asarray(noise()))
    with pytest.raises(DataError, match="outside the data set"):
        items_of(library, cell(None, str(other / "a.png")))


@pytest.mark.parametrize(
    "path", ["{outside}", "../../private/a.png", "snapshots/../../private/a.png", "link.png", "to/a.png"]
)
def test_a_file_outside_the_set_is_not_opened(library, snapshot, noise, tmp_path, path, cache):
    outside, own = tmp_path / "private" / "a.png", snapshot.parent.parent
    outside.parent.mkdir()
    noise().save(outside)
    (own / "link.png").symlink_to(outside)
    (own / "to").symlink_to(outside.parent)
    named = path.format(outside=outside)
    library.rows = Rows([{"image": cell(None, named), "label": 0}])
    source = open_source("hf:owner/name")
    with pytest.raises(
        DataError, match=rf"^row 0 of hf:owner/name names the file {named}, which lies outside"
    ) as caught:
        prepare(source, image_specs(20, 3), progress=False, skip_unreadable=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (
            RuntimeError("no\n   network"),
            r"owner/name \(train\) cannot be fetched from the Hub: RuntimeError: no network$",
        ),
        (Rows([]), "owner/name has no images in split 'train'"),
        (Rows([{}], ["text"]), "hf:owner/name has no column of images; it has: text"),
    ],
)
def test_what_cannot_be_used_is_one_error(library, rows, text):
    library.rows = rows
    with pytest.raises(DataError, match=text):
        open_source("hf:owner/name")


@pytest.mark.parametrize(("missing", "spec"), [("datasets", "mnist"), ("datasets", "hf:a/b"), ("pyarrow", None)])
def test_a_missing_package_is_one_line_that_says_what_to_install(monkeypatch, mnist, missing, spec):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtraError, match=r'pip install "ganzoo\[data\]"$'):
        open_source(spec or mnist)


def test_the_real_library_reads_a_folder_as_it_reads_the_hub(mnist, digits, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    datasets.disable_progress_bars()

    def from_hub(split="train"):  # by a record: a path is no name that a person may give
        return hub.from_hub(Dataset(name="local", repo=str(mnist), summary=""), split)

    source = from_hub()
    assert (source.count, source.classes, source.native()) == (1000, tuple("0123456789"), (1, 28, 28))
    items = list(source.read())
    assert [item.label for item in items] == digits[1].tolist()
    np.testing.assert_array_equal([np.asarray(open_image(item)) for item in items], digits[0])
    assert from_hub().key == source.key != from_hub("test").key
    with pytest.raises(DataError, match=r"ValueError: Unknown split"):
        from_hub("validation")


@pytest.mark.parametrize("name", ["hf:", "hf:x", "hf:../..", "hf:a/b/c", "hf:/etc", "", "  "])
def test_what_is_no_name_is_refused_before_the_library_sees_it(name):
    with pytest.raises(DataError, match=r"hf:owner/name"):
        open_source(name)


@pytest.mark.parametrize("kind", ["relative", "absolute", "link"])
def test_the_real_library_cannot_be_led_out_of_a_set(noise, pictures, tmp_path, monkeypatch, kind):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    datasets.disable_progress_bars()
    noise().save(tmp_path / "private.png")
    noise().save(pictures / "a.png")
    named = {"relative": "../private.png", "absolute": str(tmp_path / "private.png"), "link": "link.png"}[kind]
    if kind == "link":
        (pictures / named).symlink_to(tmp_path / "private.png")
    rows = [json.dumps({"file_name": name, "caption": ""}) for name in ("a.png", named)]
    (pictures / "metadata.jsonl").write_text("\n".join(rows))
    with pytest.raises(DataError) as caught:
        list(hub.from_hub(Dataset(name="local", repo=str(pictures), summary=""), "train").read())
    assert "\n" not in str(caught.value)
    if kind == "link":
        assert "row 1 of local names the file" in str(caught.value)


def test_the_real_library_reads_the_files_of_a_set(noise, pictures, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    datasets.disable_progress_bars()
    noise().save(pictures / "a.png")
    monkeypatch.chdir(tmp_path)
    for repo in (str(pictures), "pictures"):
        (item,) = hub.from_hub(Dataset(name="local", repo=repo, summary=""), "train").read()
        assert np.array_equal(np.asarray(open_image(item)), np.asarray(noise()))
