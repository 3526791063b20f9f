"""Array files: the memory that reading them takes."""

from __future__ import annotations

import numpy as np
import pytest

from ganzoo.data import open_source
from ganzoo.data.sources import archive
from ganzoo.data.sources import arrays as arrays_module
from ganzoo.errors import DataError


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_arrays_are_read_an_image_at_a_time(tmp_path, suffix, memory_of):
    path = tmp_path / f"a.{suffix}"
    images = np.zeros((500, 256, 256), np.uint8)
    np.save(path, images) if suffix == "npy" else np.savez_compressed(path, images=images)
    assert memory_of(lambda: [None for _ in open_source(path).read()]) < 2**23 < images.nbytes / 3


def test_the_type_of_an_array_is_looked_at_before_its_values(tmp_path, memory_of):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, images=np.zeros((500, 64, 64)))

    def read():
        with pytest.raises(DataError, match="not float64"):
            open_source(path)

    assert memory_of(read) < 2**21


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_arrays_in_fortran_order_are_read_up_to_a_size(tmp_path, suffix, monkeypatch):
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 9, 3), dtype=np.uint8)
    path = tmp_path / f"a.{suffix}"
    turned = np.asfortranarray(images)
    np.save(path, turned) if suffix == "npy" else np.savez(path, images=turned)
    np.testing.assert_array_equal([item.image for item in open_source(path).read()], images)
    monkeypatch.setattr(arrays_module, "_FORTRAN_UP_TO", images.nbytes - 1)
    with pytest.raises(DataError, match=rf"in Fortran order, has {images.nbytes:,} bytes"):
        open_source(path)


def test_arrays_that_unpack_to_far_more_than_their_file_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_TOTAL_UP_TO", 2**20)
    path = tmp_path / "a.npz"
    np.savez_compressed(path, images=np.zeros((500, 64, 64), np.uint8))
    with pytest.raises(DataError, match=r"a\.npz would unpack to .* over 50 times its size"):
        open_source(path)
    np.savez(path, images=np.zeros((500, 64, 64), np.uint8))
    assert open_source(path).count == 500


def test_arrays_of_too_many_pixels_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    np.savez(path, images=np.zeros((2, 8, 8), np.uint8))
    monkeypatch.setenv("GANZOO_MAX_PIXELS", "63")
    with pytest.raises(DataError, match=r"a\.npz\[0\] is 8x8, of more than the 63 pixels"):
        open_source(path)
