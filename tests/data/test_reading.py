"""Some images of a source in their order, without a place in the cache."""

import os

import pytest
import torch

from ganzoo.data import open_data, prepare, read_batches
from ganzoo.data.sources.folder import file_names, from_files
from ganzoo.errors import DataError
from helpers import image_specs


@pytest.mark.parametrize("batch_size", [7, 64, 2000])
def test_they_are_those_of_the_store_in_order(mnist, batch_size):
    source = open_data(str(mnist))
    batches = list(read_batches(source, image_specs(28, 1), count=100, batch_size=batch_size))
    images = torch.cat([batch["image"] for batch in batches])
    assert len(batches[0]["image"]) == min(batch_size, 100)
    expected = prepare(source, image_specs(28, 1), progress=False).samples[:100].float() / 127.5 - 1
    torch.testing.assert_close(images, expected)


def test_of_two_sets_image_i_comes_with_image_i(mnist):
    pairs = open_data(f"edges:{mnist}")
    store = prepare(pairs, image_specs(28, 1), progress=False)
    (batch,) = read_batches(pairs, image_specs(28, 1), count=20, batch_size=64)
    for key in ("A", "B"):
        torch.testing.assert_close(batch[key], store.take(key, torch.arange(20)))
    two = open_data(f"A={mnist}:3,B={mnist}:8")
    (batch,) = read_batches(two, image_specs(28, 1), count=10, batch_size=64)
    store = prepare(two, image_specs(28, 1), progress=False)
    for key in ("A", "B"):
        torch.testing.assert_close(batch[key], store.take(key, torch.arange(10)))


def test_nothing_is_kept(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    batches = read_batches(open_data(folder), image_specs(28, 1), count=1000, batch_size=8)
    assert sum(len(batch["image"]) for batch in batches) == 100
    assert os.listdir(tmp_path) == []


def test_files_keep_their_names(folder, tmp_path):
    paths = sorted(folder.rglob("*.png"))[:3]
    source = from_files(paths)
    assert file_names(source, 3) == [path.stem for path in paths]
    assert source.count == 3
    twice = from_files([paths[0], paths[0]])
    assert file_names(from_files([*paths, paths[0]]), 4) == [
        f"{paths[0].stem}-png-0", paths[1].stem, paths[2].stem, f"{paths[0].stem}-png-3",
    ]  # fmt: skip
    assert file_names(twice, 2) == [f"{paths[0].stem}-png-0", f"{paths[0].stem}-png-1"]
    every = sorted(folder.rglob("*.png"))
    assert file_names(open_data(folder), 100) == [str(path.relative_to(folder).with_suffix("")) for path in every]
    assert file_names(open_data(f"edges:{folder}").b, 100) == file_names(open_data(folder), 100)


def test_rows_are_numbered(mnist):
    assert file_names(open_data(str(mnist)), 11) == [f"{i:02d}" for i in range(11)]


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"a\.png is not a readable image"):
        list(read_batches(from_files([tmp_path / "a.png"]), image_specs(28, 1), count=1, batch_size=1))
