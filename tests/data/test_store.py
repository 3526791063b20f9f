"""Images decoded once: what the store holds, when it is made, and that it is whole or absent."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.data import Loader, Source, Store, open_source, prepare
from ganzoo.data import store as store_module
from ganzoo.errors import DataError
from ganzoo.media.base import Item
from helpers import image_specs


def decoded(source, size, channels):
    return prepare(source, image_specs(size, channels), progress=False)


def stores(cache):
    """What is in the cache, but for the locks."""
    return sorted(path.name for path in (cache / "data").iterdir() if path.suffix != ".lock")


def source_of(items, classes=None, count=None):
    count = len(items) if count is None else count
    return Source("made", "key", count, lambda: iter(items), classes)


def grey(value, label=None, where="here", size=8):
    return Item(np.full((size, size), value, np.uint8), label, where)


@pytest.fixture
def no_decoding(monkeypatch):
    """Return a function after which no image can be decoded."""

    def fail(*args):
        raise AssertionError("decoded again")

    return lambda: monkeypatch.setattr("ganzoo.media.image.ImageMedium.read", fail)


# --- what it holds ---


@pytest.mark.parametrize("kind", ["parquet", "folder"])
def test_pixels_are_those_of_the_files_where_none_needs_resizing(kind, mnist, folder, digits, cache):
    images, labels = digits
    store = decoded(open_source(mnist if kind == "parquet" else folder), 28, 1)
    if kind == "folder":
        order = sorted(range(100), key=lambda i: (labels[i], i))
        images, labels = images[order], labels[order]
    assert store.samples.dtype == torch.uint8
    assert store.labels.dtype == torch.int64
    np.testing.assert_array_equal(store.samples, images[:, None])
    np.testing.assert_array_equal(store.labels, labels)
    assert store.labels is not None
    assert store.classes == tuple("0123456789")


def test_arrays_are_stored_as_they_are(tmp_path, cache):
    images = np.random.default_rng(0).integers(0, 256, (700, 6, 6, 3), dtype=np.uint8)  # over one chunk
    np.save(tmp_path / "a.npy", images)
    store = decoded(open_source(tmp_path / "a.npy"), 6, 3)
    np.testing.assert_array_equal(store.samples, images.transpose(0, 3, 1, 2))
    assert store.labels is None
    assert store.labels is None
    assert len(store) == 700


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("size", [10, 20, 40])
def test_the_middle_of_an_oblong_image_is_kept(size, upright, cache):
    image = np.zeros((20, 60), np.uint8)
    image[:, 20:40] = 200
    store = decoded(source_of([Item(image.T if upright else image, None, "")]), size, 1)
    assert store.samples.shape == (1, 1, size, size)
    edge = 0 if size == 20 else size // 3  # the filter reaches a little beyond it
    assert (store.samples[0, 0, edge : size - edge, edge : size - edge] == 200).all()
    assert (store.samples >= 150).all()


def test_shrinking_averages(cache):
    chequers = np.indices((32, 32)).sum(0) % 2 * 255
    store = decoded(source_of([Item(chequers.astype(np.uint8), None, "")]), 8, 1)
    assert (store.samples.float() - 127.5).abs().max() < 16  # picking pixels would leave 0 or 255


def test_grey_becomes_three_equal_channels_and_colour_its_luminance(cache):
    colour = np.full((8, 8, 3), (200, 100, 50), np.uint8)
    grey_store = decoded(source_of([Item(colour, None, "")]), 8, 1)
    assert grey_store.samples.unique().tolist() == [round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)]
    colour_store = decoded(source_of([grey(77)]), 8, 3)
    assert colour_store.samples.shape == (1, 3, 8, 8)
    assert colour_store.samples.unique().tolist() == [77]


# --- the cache ---


def test_a_second_call_decodes_nothing(mnist, cache, no_decoding):
    first = decoded(open_source(mnist, split="test"), 28, 1)
    no_decoding()
    second = decoded(open_source(mnist, split="test"), 28, 1)
    assert torch.equal(first.samples, second.samples)
    assert torch.equal(first.labels, second.labels)
    assert second.classes == first.classes


def test_content_size_and_channels_each_have_a_store(pictures, noise, cache):
    noise().save(pictures / "a.png")
    for size, channels in ((20, 3), (20, 1), (16, 3), (20, 3)):
        decoded(open_source(pictures), size, channels)
    assert len(stores(cache)) == 3
    noise(seed=1).save(pictures / "a.png")
    store = decoded(open_source(pictures), 20, 3)
    assert len(stores(cache)) == 4
    np.testing.assert_array_equal(store.samples[0], np.asarray(noise(seed=1)).transpose(2, 0, 1))


def test_above_the_limit_the_store_is_memory_mapped_and_gives_the_same_batches(mnist, cache, monkeypatch):
    in_memory = decoded(open_source(mnist, split="test"), 28, 1)
    modes, load = [], np.load

    def spy(path, mmap_mode=None):
        modes.append(mmap_mode)
        return load(path, mmap_mode=mmap_mode)

    monkeypatch.setattr(store_module, "_IN_MEMORY_UP_TO", 200 * 784)  # the header is above it
    monkeypatch.setattr(np, "load", spy)
    mapped = decoded(open_source(mnist, split="test"), 28, 1)
    assert modes == ["r", None]
    for position in (0, 150, 1000):
        one, other = (Loader(s, seed=3).batch(position, 64) for s in (in_memory, mapped))
        assert torch.equal(one["image"], other["image"])
        assert torch.equal(one["label"], other["label"])


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="asks the system for its memory")
def test_a_store_larger_than_memory_is_opened_and_read(tmp_path):
    """A file with holes, twice as large as the memory: what is mapped to be written to would be refused."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    count, path = 2 * memory // 3072, tmp_path / "samples.npy"
    try:
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(
                file, {"descr": "|u1", "fortran_order": False, "shape": (count, 3, 32, 32)}
            )
            file.truncate(file.tell() + count * 3072)
            file.seek(-3072, os.SEEK_END)
            file.write(bytes([7] * 3072))
    except OSError:
        pytest.skip("the file system keeps no files with holes of this size")
    store = Store("large", store_module._opened(path), None, None)
    assert len(store) == count
    batch = Loader(Store("end", store.samples[-1000:], None, None), seed=0).batch(0, 1000)["image"]
    assert batch.shape == (1000, 3, 32, 32)
    assert (store.take("image", torch.tensor([count - 1])) == 7 / 127.5 - 1).all()


# --- whole or absent ---


def test_an_unreadable_image_is_named_and_nothing_is_left(pictures, noise, cache):
    for i in range(20):
        noise(seed=i).save(pictures / f"{i:02d}.png")
    (pictures / "13.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"13\.png is not a readable image \(cannot identify image file\)"):
        decoded(open_source(pictures), 20, 3)
    assert stores(cache) == []
    noise().save(pictures / "13.png")
    assert len(decoded(open_source(pictures), 20, 3)) == 20


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (source_of([grey(1, 0), grey(2, 2, "row 1")], ("a", "b")), r"row 1 has the label 2, .* not in 0 \.\.\. 1"),
        (source_of([grey(1, -1, "row 0")], ("a", "b")), r"row 0 has the label -1, .* not in 0 \.\.\. 1"),
        (source_of([grey(1, None, "row 0")], ("a", "b")), "row 0 has the label None"),
        (source_of([grey(1)] * 3, count=4), "made has 3 samples, and should have 4"),
        (source_of([grey(1)] * 3, count=2), "made has 3 samples, and should have 2"),
    ],
)
def test_wrong_labels_or_counts_are_an_error_and_nothing_is_left(source, text, cache):
    with pytest.raises(DataError, match=text):
        decoded(source, 8, 1)
    assert stores(cache) == []


def test_what_a_killed_process_left_is_cleared_away(cache):
    source = source_of([grey(5)])
    decoded(source, 8, 1)
    (name,) = stores(cache)
    whole = cache / "data" / name
    whole.rename(f"{whole}.partial-abc")
    assert decoded(source, 8, 1).samples.unique().tolist() == [5]
    assert stores(cache) == [name]


@pytest.mark.parametrize("damage", ["truncated", "emptied", "removed"])
def test_a_damaged_store_is_an_error_that_says_what_to_delete(cache, damage):
    source = source_of([grey(5)])
    decoded(source, 8, 1)
    (name,) = stores(cache)
    file = cache / "data" / name / "samples.npy"
    file.unlink() if damage == "removed" else file.write_bytes(file.read_bytes()[: 140 if damage == "truncated" else 0])
    with pytest.raises(DataError, match=rf"{name} cannot be read \(.*\): delete that folder"):
        decoded(source, 8, 1)


def test_a_cache_that_cannot_be_made_is_one_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"samples cannot be written to .*file"):
        decoded(source_of([grey(5)]), 8, 1)


def test_a_full_disk_is_one_error_and_nothing_is_left(mnist, cache):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    source = open_source(mnist)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limits[1]))  # of 784,000 bytes
    try:
        with pytest.raises(DataError, match=r"samples cannot be written to .*: File too large"):
            decoded(source, 28, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert stores(cache) == []


def test_images_are_written_and_not_mapped_so_that_a_full_disk_cannot_end_the_process(cache, monkeypatch):
    """A page that the disk has no room for raises SIGBUS, which nothing can catch."""

    def fail(*args, **kwargs):
        raise AssertionError("mapped for writing")

    monkeypatch.setattr(np, "memmap", fail)
    monkeypatch.setattr(np.lib.format, "open_memmap", fail)
    assert len(decoded(source_of([grey(5)]), 8, 1)) == 1


SCRIPT = """
import sys, time
from pathlib import Path
from ganzoo.data import open_source, prepare
from ganzoo.gan import SampleSpec
from ganzoo.media.image import ImageMedium
read = ImageMedium.read
def slow(medium, item, shape, reading):
    Path(sys.argv[2], "decoded", item.where.rpartition("/")[2] + sys.argv[3]).touch()
    time.sleep(0.02)
    return read(medium, item, shape, reading)
ImageMedium.read = slow
source = open_source(sys.argv[1])
Path(sys.argv[2], "ready" + sys.argv[3]).touch()
while len(list(Path(sys.argv[2]).glob("ready*"))) < 2:
    time.sleep(0.01)
made = prepare(source, {"image": SampleSpec((1, 28, 28))}, progress=False)
print(made.samples.sum().item(), made.labels.sum().item())
"""


def test_two_processes_at_once_make_one_store(folder, digits, cache, tmp_path):
    (tmp_path / "decoded").mkdir()
    command = [sys.executable, "-c", SCRIPT, str(folder), str(tmp_path)]
    both = [
        subprocess.Popen([*command, str(i)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for i in range(2)
    ]
    results = [process.communicate(timeout=120) for process in both]
    expected = f"{digits[0][:100].sum()} {digits[1][:100].sum()}\n"
    assert results == [(expected, "")] * 2
    assert len(stores(cache)) == 1
    assert len(list((tmp_path / "decoded").iterdir())) == 100  # each image once, by one of them


def test_a_store_is_made_of_what_pillow_decodes(pictures, cache):
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(pictures / "a.png")
    store = decoded(open_source(pictures), 8, 1)
    assert isinstance(store, Store)
    assert store.samples.flatten().tolist() == list(range(64))
