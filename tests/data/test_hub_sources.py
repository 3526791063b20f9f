"""Data sets of the Hub: with the real library on a local folder, and with a stand-in for what a folder cannot show."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from ganzoo.data import open_source
from ganzoo.data.sources import hub
from ganzoo.errors import DataError, MissingExtraError
from ganzoo.media.image import open_image
from ganzoo.registry import Dataset


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
def library(monkeypatch):
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


def test_an_image_may_be_a_file_and_a_missing_one_is_named(library, pictures, noise):
    noise().save(pictures / "a.png")
    rows = [cell(None, str(pictures / "a.png")), None, cell(None, None)]
    library.rows = Rows([{"image": image, "label": 0} for image in rows])
    first, second, third = open_source("hf:owner/name").read()
    assert np.array_equal(np.asarray(open_image(first)), np.asarray(noise()))
    for item, row in ((second, 1), (third, 2)):
        with pytest.raises(DataError, match=f"row {row} of hf:owner/name "):
            open_image(item)


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
