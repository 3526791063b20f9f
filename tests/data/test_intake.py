"""What is told of a data set as it is read: unreadable files, changes, and sets that stay encoded."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.data import Loader, open_data, open_source, prepare
from ganzoo.data import intake as intake_module
from ganzoo.data.encoded import EncodedSamples
from ganzoo.errors import DataError
from ganzoo.gan import SampleSpec
from ganzoo.gan.sample_spec import Reading
from ganzoo.media.base import Item

SPECS = {"image": SampleSpec((3, 16, 24))}


@pytest.fixture
def mixed(tmp_path):
    """Return a folder of 12 pictures of two classes: plain, transparent, oblong, and two that are damaged."""
    rng = np.random.default_rng(0)
    for name in "ab":
        (tmp_path / "set" / name).mkdir(parents=True)
        for i in range(5):
            pixels = rng.integers(0, 256, (16, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "set" / name / f"{i}.png")
        (tmp_path / "set" / name / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    Image.new("RGBA", (24, 16), (9, 9, 9, 100)).save(tmp_path / "set" / "a" / "0.png")
    Image.new("RGB", (24, 32)).save(tmp_path / "set" / "b" / "0.png")
    return tmp_path / "set"


def test_all_unreadable_files_are_named_at_once(mixed, cache):
    with pytest.raises(DataError) as caught:
        prepare(open_source(mixed), SPECS, progress=False)
    for name in "ab":
        assert str(mixed / name / "damaged.png") in str(caught.value)
    assert "--skip-unreadable" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unreadable_files_are_skipped_on_request_with_their_labels(mixed, cache):
    store = prepare(open_source(mixed), SPECS, progress=False, skip_unreadable=True)
    assert len(store) == len(store.labels) == 10
    assert store.labels.bincount().tolist() == [5, 5]
    assert set(store.intake.skipped) == {str(mixed / name / "damaged.png") for name in "ab"}
    again = prepare(open_source(mixed), SPECS, progress=False, skip_unreadable=True)
    assert again.intake == store.intake
    assert torch.equal(again.samples, store.samples)


def test_a_cache_without_what_was_skipped_is_no_way_around_the_error(mixed, cache):
    prepare(open_source(mixed), SPECS, progress=False, skip_unreadable=True)
    with pytest.raises(DataError, match="--skip-unreadable"):
        prepare(open_source(mixed), SPECS, progress=False)
    for name in "ab":
        (mixed / name / "damaged.png").unlink()
    prepare(open_source(mixed), SPECS, progress=False, skip_unreadable=True)
    stores = len(list(cache.rglob("samples.npy")))
    prepare(open_source(mixed), SPECS, progress=False)  # what reads all of it is the same store
    assert len(list(cache.rglob("samples.npy"))) == stores


def test_what_was_changed_is_counted(mixed, cache):
    intake = prepare(open_source(mixed), SPECS, progress=False, skip_unreadable=True).intake
    assert intake.count == 10
    assert sorted(intake.notes.values()) == [1, 1]
    assert str(intake).startswith("16x24 RGB, ")
    assert "2 unreadable" in str(intake)


def test_a_set_of_nothing_readable_is_an_error_even_where_it_is_skipped(tmp_path, cache):
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"a\.png"):
        prepare(open_source(tmp_path), SPECS, progress=False, skip_unreadable=True)


def test_nothing_of_pairs_is_skipped(tmp_path, cache):
    for side in "AB":
        (tmp_path / side).mkdir()
        (tmp_path / side / "1.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="pairs"):
        prepare(open_data(f"pairs:A={tmp_path}/A,B={tmp_path}/B"), SPECS, progress=False, skip_unreadable=True)


def test_sixteen_bits_later_in_a_set_are_surveyed_too(tmp_path, cache):
    for i in range(40):
        Image.new("L", (8, 8), 7).save(tmp_path / f"{i:02d}.png")
    for i in (38, 39):
        Image.fromarray(np.full((8, 8), 4095 * (i - 38), np.uint16)).save(tmp_path / f"{i}.png")
    store = prepare(open_source(tmp_path), {"image": SampleSpec((1, 8, 8))}, progress=False)
    assert store.samples[[0, 38, 39], 0, 0, 0].tolist() == [7, 0, 255]
    assert list(store.intake.notes.values()) == [2]


def test_another_way_of_reading_is_another_store(mixed, cache):
    options = {"progress": False, "skip_unreadable": True}
    crop = prepare(open_source(mixed), SPECS, Reading(), **options)
    dark = prepare(open_source(mixed), SPECS, Reading(background="black"), **options)
    stretch = prepare(open_source(mixed), SPECS, Reading(fit="stretch"), **options)
    assert not torch.equal(crop.samples, dark.samples)
    assert stretch.samples.shape == crop.samples.shape


def test_encoded_samples_are_served_as_decoded_ones(mixed, cache):
    options = {"progress": False, "skip_unreadable": True}
    decoded = prepare(open_source(mixed), SPECS, encoded=False, **options)
    encoded = prepare(open_source(mixed), SPECS, encoded=True, **options)
    assert isinstance(encoded.samples, EncodedSamples)
    assert encoded.samples.shape == tuple(decoded.samples.shape)
    everything = torch.arange(10)
    assert torch.equal(encoded.stored(everything), decoded.stored(everything))
    loaders = [Loader(store, seed=3) for store in (decoded, encoded)]
    for position, n in ((0, 4), (4, 4), (8, 4), (12, 2), (100, 4), (4, 4), (14, 6)):
        one, other = (loader.batch(position, n) for loader in loaders)
        assert torch.equal(one["image"], other["image"]), position
        assert torch.equal(one["label"], other["label"])


def test_a_set_stays_encoded_where_the_decoded_one_is_large(mixed, cache, monkeypatch):
    monkeypatch.setattr(intake_module, "ENCODED_ABOVE", 12 * 16 * 24 * 3 - 1)
    options = {"progress": False, "skip_unreadable": True}
    assert isinstance(prepare(open_source(mixed), SPECS, **options).samples, EncodedSamples)
    monkeypatch.setattr(intake_module, "ENCODED_ABOVE", 12 * 16 * 24 * 3)
    assert isinstance(prepare(open_source(mixed), SPECS, **options).samples, torch.Tensor)


def test_batches_ahead_are_decoded_before_they_are_asked_for(mixed, cache):
    store = prepare(open_source(mixed), SPECS, progress=False, skip_unreadable=True, encoded=True)
    begun = []
    start = store.samples.start
    store.samples.start = lambda index: begun.append(index.tolist()) or start(index)
    loader = Loader(store, seed=0)
    loader.batch(0, 2)
    assert len(begun) == 3  # this batch and the next two
    loader.batch(2, 2)
    assert len(begun) == 4
    assert begun[3] == loader.indices(6, 2).tolist()


@pytest.mark.parametrize("damage", ["samples.bin", "offsets.npy"])
def test_a_damaged_encoded_store_is_an_error_that_names_its_folder(mixed, cache, damage):
    options = {"progress": False, "skip_unreadable": True, "encoded": True}
    prepare(open_source(mixed), SPECS, **options)
    (path,) = cache.rglob(damage)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(DataError, match=str(path.parent)):
        prepare(open_source(mixed), SPECS, **options)


def test_a_and_b_may_differ_in_size_and_channels(tmp_path, cache):
    for side, size in (("A", 8), ("B", 32)):
        (tmp_path / side).mkdir()
        for i in range(3):
            Image.new("RGB", (size, size), (i, 10 * i, 0)).save(tmp_path / side / f"{i}.png")
    source = open_data(f"pairs:A={tmp_path}/A,B={tmp_path}/B")
    specs = {"A": SampleSpec((1, 8, 8)), "B": SampleSpec((3, 32, 32))}
    batch = Loader(prepare(source, specs, progress=False), seed=0).batch(0, 3)
    assert (batch["A"].shape, batch["B"].shape) == ((3, 1, 8, 8), (3, 3, 32, 32))


@pytest.mark.parametrize(("most", "ahead"), [(0, 1), (35, 4), (10**9, 8)])
def test_what_is_read_ahead_is_bounded_by_bytes_and_by_number(monkeypatch, most, ahead):
    monkeypatch.setattr(intake_module, "_AHEAD", 7)
    monkeypatch.setattr(intake_module, "_AHEAD_BYTES", most)
    taken = []

    def items():
        for i in range(20):
            taken.append(i)
            yield Item(bytes(6), i, str(i))

    found = intake_module.read_ahead(items(), lambda item: item.label, 4)
    for i, (item, label) in enumerate(found):
        assert (item.where, label) == (str(i), i)
        assert len(taken) <= i + ahead
    assert len(taken) == 20


def test_bytes_arrays_and_pictures_are_held_and_files_are_not(tmp_path):
    held = [Item(image, None, "").held for image in (bytes(7), np.zeros((2, 3), np.uint8), Image.new("L", (2, 3)))]
    assert held == [7, 6, 24]
    assert Item(tmp_path, None, "").held == 0


def test_a_set_of_unreadable_images_is_given_up(mixed, cache, monkeypatch):
    monkeypatch.setattr(intake_module, "_UNREADABLE_UP_TO", 1)
    with pytest.raises(DataError, match=r"over 1 unreadable images: .*damaged\.png is not"):
        prepare(open_source(mixed), SPECS, progress=False, skip_unreadable=True)
