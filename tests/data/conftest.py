"""Images made on the spot, and a cache of each test's own."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("GANZOO_CACHE", str(folder))
    return folder


@pytest.fixture
def pictures(tmp_path):
    """An empty folder for images."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


@pytest.fixture
def noise():
    """Make a random image."""

    def make(width=20, height=20, mode="RGB", seed=0):
        rng = np.random.default_rng(seed)
        return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).convert(mode)

    return make


@pytest.fixture
def memory_of():
    """Measure the bytes of Python and numpy that a call takes at most."""

    def measure(call):
        tracemalloc.start()
        try:
            call()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return measure
