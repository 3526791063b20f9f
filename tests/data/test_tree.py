"""What a folder of images is understood as: classes, splits, metadata, links, and what is skipped."""

import json
import os

import pytest
from PIL import Image

from ganzoo.data import open_data, open_source
from ganzoo.data.sources import labels
from ganzoo.errors import DataError


@pytest.fixture
def make(pictures):
    """Make a folder of small images, and of other files with a content."""

    def make(*images, **others):
        for name in images:
            (pictures / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (16, 16), len(name)).save(pictures / name)
        for name, content in others.items():
            (pictures / name.replace("__", "/").replace("_dot_", ".")).write_text(content, encoding="utf-8")
        return pictures

    return make


def found(source):
    return {name: item.label for name, item in zip(source.names, source.read(), strict=True)}


def refused(spec, split="train"):
    with pytest.raises(DataError) as raised:
        open_data(str(spec), split=split)
    assert "\n" not in str(raised.value)
    return str(raised.value)


# --- classes and order ---


def test_classes_and_images_come_in_natural_order(make):
    source = open_source(make(*(f"{c}/{i}.png" for c in (1, 2, 10) for i in (1, 10, 2))))
    assert source.classes == ("1", "2", "10")
    assert list(source.names) == [f"{c}/{i}.png" for c in (1, 2, 10) for i in (1, 2, 10)]
    assert list(source.labels) == [0] * 3 + [1] * 3 + [2] * 3


def test_a_stray_image_does_not_unlabel_the_set(make):
    source = open_source(make("stray.png", "cats/1.png", "cats/2.png", "dogs/1.png"))
    assert found(source) == {"cats/1.png": 0, "cats/2.png": 0, "dogs/1.png": 1}
    assert source.skipped == {"beside the class folders": ["stray.png"]}
    assert source.describe() == "3 images (1 skipped: 1 beside the class folders (stray.png)), 2 classes: cats, dogs"


def test_where_most_images_are_beside_the_folders_these_are_no_classes(make):
    source = open_source(make("1.png", "2.png", "3.png", "thumbs/1.png"))
    assert (source.count, source.classes, source.skipped) == (4, None, {})
    assert source.describe() == "4 images; no classes, as most images are beside the folders"


def test_other_files_are_counted_by_suffix_and_empty_classes_named(make):
    folder = make("cats/1.png", "dogs/1.png", a_dot_txt="", b_dot_TXT="", LICENSE="")
    (folder / "cats" / "x.heic").write_bytes(b"")
    (folder / "fox").mkdir()
    source = open_source(folder)
    assert {reason: len(paths) for reason, paths in source.skipped.items()} == {
        ".txt": 2,
        ".heic": 1,
        "without suffix": 1,
    }
    assert source.notes == ("no images in fox",)
    assert source.describe().startswith("2 images (4 skipped: ")


def test_many_classes_are_shortened(make):
    line = open_source(make(*(f"{i}/a.png" for i in range(12)))).describe()
    assert line == "12 images, 12 classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ..."


def test_a_folder_of_nothing_usable_says_what_it_found(make):
    folder = make(**{f"{i}_dot_txt": "" for i in range(7)}, a_dot_heic="", b_dot_heic="")
    assert refused(folder).endswith("but 7 .txt, 2 .heic")


# --- links ---


@pytest.fixture
def linked(make):
    folder = make("cats/1.png", "dogs/1.png")
    try:
        (folder / "probe").symlink_to(folder / "cats")
    except OSError:
        pytest.skip("symbolic links need rights here")
    (folder / "probe").unlink()
    return folder


def test_folders_that_are_links_are_followed(linked, tmp_path):
    Image.new("L", (16, 16)).save(tmp_path / "f.png")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "f.png").rename(tmp_path / "elsewhere" / "f.png")
    (linked / "foxes").symlink_to(tmp_path / "elsewhere")
    assert found(open_source(linked)) == {"cats/1.png": 0, "dogs/1.png": 1, "foxes/f.png": 2}


def test_loops_and_broken_links_are_named_once(linked):
    (linked / "a").symlink_to(linked / "dogs")  # though it comes first, the folder itself counts
    (linked / "cats" / "loop").symlink_to(linked)
    (linked / "gone.png").symlink_to(linked / "nowhere")
    source = open_source(linked)
    assert found(source) == {"cats/1.png": 0, "dogs/1.png": 1}
    assert source.skipped == {"broken link": ["gone.png"], "folder that is read already": ["a", "cats/loop"]}


def test_folders_that_cannot_be_read_are_named(make, monkeypatch):
    folder, scandir = make("cats/1.png", "dogs/1.png"), os.scandir

    def guarded(path):
        if str(path).endswith(locked):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    locked = "dogs"
    assert open_source(folder).skipped == {"folder that cannot be read": ["dogs"]}
    locked = folder.name
    assert refused(folder) == f"{folder} cannot be read: Permission denied"


# --- splits ---


def test_splits_are_no_classes(make):
    folder = make("train/cats/1.png", "train/dogs/1.png", "Test/cats/2.png", "Test/dogs/3.png", "stray.png")
    train, test = open_source(folder), open_source(folder, split="test")
    assert found(train) == {"train/cats/1.png": 0, "train/dogs/1.png": 1}
    assert found(test) == {"Test/cats/2.png": 0, "Test/dogs/3.png": 1}
    assert train.classes == test.classes == ("cats", "dogs")
    assert train.skipped == test.skipped == {"beside the splits": ["stray.png"]}
    assert train.key == open_source(folder / "train").key != test.key


def test_a_split_alone_is_one(make):
    source = open_source(make("train/1.png", "train/2.png"))
    assert (source.count, source.classes) == (2, None)


def test_a_split_that_is_not_there_names_those_that_are(make):
    folder = make("val/1.png", "test/1.png")
    assert refused(folder).endswith("has no split 'train'; it has: test, val")
    assert "has no split 'eval'; it has: test, val" in refused(folder, "eval")
    assert "its only split is 'train'" in refused(folder / "val", "test")


def test_train_among_classes_may_be_either_and_is_refused(make):
    folder = make("train/1.png", "plane/1.png", "car/1.png")
    assert f"has the folder train beside car, plane: say {folder}/train" in refused(folder)


def test_pairs_have_splits_too(tmp_path):
    for i, split in enumerate(("train", "test")):
        (tmp_path / "both" / split).mkdir(parents=True)
        Image.new("L", (32, 16), i).save(tmp_path / "both" / split / "1.png")
        for side in "AB":
            (tmp_path / "apart" / split / side).mkdir(parents=True)
            Image.new("L", (16, 16) if side == "A" else (64, 64), i).save(tmp_path / "apart" / split / side / "1.png")
    for name in ("both", "apart"):
        train, test = (open_data(f"pairs:{tmp_path / name}", split=split) for split in ("train", "test"))
        assert train.matched
        assert (train.count, test.count) == (1, 1)
        assert train.key != test.key
        assert "has no split 'val'" in refused(f"pairs:{tmp_path / name}", "val")
        assert "it has: " in refused(f"pairs:{tmp_path / name}", "val")
    assert train.native() == (1, 64, 64)
    assert {side: source.native() for side, source in train.sides.items()} == {"A": (1, 16, 16), "B": (1, 64, 64)}
    assert train.describe() == "A: 1 image; B: 1 image"
    assert open_source(tmp_path / "apart").classes == ("A", "B")  # without "pairs:" they are classes


# --- metadata ---


CSV = "file_name,label\n1.png,dog\nsub/2.png,cat\n3.png,dog\n"


def test_labels_come_from_a_table_and_count_before_folders(make):
    source = open_source(make("1.png", "sub/2.png", "3.png", "4.png", metadata_dot_csv=CSV))
    assert source.classes == ("cat", "dog")
    assert found(source) == {"1.png": 1, "3.png": 1, "sub/2.png": 0}
    assert source.skipped == {"not in metadata.csv": ["4.png"]}


@pytest.mark.parametrize("column", ["label", "class", "category"])
def test_labels_come_from_lines_of_json(make, column):
    lines = "\n".join(json.dumps({"file_name": f"{i}.png", "text": "\u2028", column: i * 5}) for i in (0, 1, 2))
    source = open_source(make("0.png", "1.png", "2.png", metadata_dot_jsonl=lines))
    assert source.classes == ("0", "5", "10")
    assert found(source) == {"0.png": 0, "1.png": 1, "2.png": 2}
    assert source.notes == ("labels numbered anew from 0, as no image has 1, 2, 3, ...",)


def test_labels_come_from_stylegans_list(make):
    labels = {"labels": [["00000/a.png", 6], ["00001/b.png", 7], ["00000/c.png", 6]]}
    names = [name for name, _ in labels["labels"]]
    source = open_source(make(*names, dataset_dot_json=json.dumps(labels)))
    assert (source.classes, list(source.labels)) == (("6", "7"), [0, 0, 1])
    assert open_source(make(dataset_dot_json='{"labels": null}')).classes is None  # said to have none
    assert open_source(make(dataset_dot_json="[1]")).classes == ("00000", "00001")
    assert open_source(make(dataset_dot_json="[1]")).skipped == {".json": ["dataset.json"]}


def test_the_key_changes_with_the_labels_in_a_table(make):
    folder = make("1.png", "sub/2.png", "3.png", metadata_dot_csv=CSV)
    before = open_source(folder).key
    assert open_source(make(metadata_dot_csv=CSV.replace("1.png,dog", "1.png,cat"))).key != before


def test_a_table_at_the_top_covers_all_splits(make):
    table = "file_name,label\ntrain/1.png,a\ntest/1.png,b\n"
    folder = make("train/1.png", "test/1.png", metadata_dot_csv=table)
    for split, label in (("train", 0), ("test", 1)):
        source = open_source(folder, split=split)
        assert (source.classes, list(source.labels), source.skipped) == (("a", "b"), [label], {})


def test_a_table_without_labels_leaves_the_class_folders(make):
    source = open_source(make("a/1.png", "b/1.png", metadata_dot_csv="file_name,text\na/1.png,red\n"))
    assert (source.classes, source.skipped) == (("a", "b"), {".csv": ["metadata.csv"]})


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("metadata.csv", "file,label\n1.png,a\n", "a column file_name that is filled everywhere; it has: file"),
        ("metadata.csv", "file_name,label\n1.png,a\n9.png,b\n", "names 9.png though there is no such file"),
        ("metadata.csv", '"file\nname",label\n1.png,a\n', "it has: file name, label"),
        ("metadata.csv", 'file_name,label\n"a\nb",a\n', "names a b though there is no such file"),
        ("metadata.csv", "file_name,label\n../1.png,a\n", "names ../1.png though there is no such file"),
        ("metadata.csv", "file_name,label\n1.png,a\n./1.png,a\n", "names 1.png more than once"),
        ("metadata.csv", "file_name,label\n1.png,a,b\n", "rows of another form"),
        ("metadata.csv", "file_name,label\n1.png,\n", "leaves images without a label"),
        ("metadata.csv", "file_name,label\n1.png,0.5\n", "labels that are fractions: one class per image"),
        ("metadata.csv", 'file_name,label\n1.png,"[1, 2]"\n', "several labels per image: one class per image"),
        ("metadata.jsonl", '{"file_name": "1.png", "label": [1, 2]}', "several labels per image: one class per image"),
        ("metadata.jsonl", '{"file_name": "1.png", "label": {"x": 1}}', "several labels per image"),
        ("metadata.jsonl", '["1.png", 1]', "rows of another form"),
        ("metadata.jsonl", "{", "metadata.jsonl cannot be read: "),
        ("dataset.json", '{"labels": [["1.png", [0.1, 0.2]]]}', "several labels per image: one class per image"),
        ("dataset.json", '{"labels": [["1.png", 0.1]]}', "labels that are fractions"),
        ("dataset.json", '{"labels": [["1.png", -1]]}', "class indices in 0 ... 65535"),
        ("dataset.json", '{"labels": {"1.png": 1}}', 'must hold {"labels": [["file name", class], ...]}'),
        ("dataset.json", '{"labels": [["1.png", 1, 2]]}', 'must hold {"labels": '),
        ("dataset.json", "[" * 100_000, "dataset.json cannot be read: "),
        ("dataset.json", "no json", "dataset.json cannot be read: "),
        ("dataset.json", '{"labels": [["1.png", "a\\u001bb"]]}', "names a class 'a\\x1bb', which is not printable"),
    ],
)  # fmt: skip
def test_metadata_that_cannot_be_used_is_one_line(make, name, content, text):
    message = refused(make("1.png", **{name.replace(".", "_dot_"): content}))
    assert text in message
    assert name in message


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl", "dataset.json"])
def test_metadata_of_far_more_bytes_than_images_is_not_read(make, monkeypatch, name):
    monkeypatch.setattr(labels, "_METADATA_UP_TO", 100)
    message = refused(make("1.png", **{name.replace(".", "_dot_"): " " * 3000}))
    assert f"{name} has 3,000 bytes, more than the 2,100 that are read" in message
