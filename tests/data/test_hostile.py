"""Files that ask for more memory than is reasonable: each is read within a bound, or ends in one line that names it."""

from __future__ import annotations

import re
import sys

import pytest

from hostile_files import MAKERS
from hostile_reads import LIMIT, read

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux tells it")
# What each error says; others are read to their end.
ERRORS = {
    "png-16-bit": "83,886,080 pixels",
    "png-rgba": "83,886,080 pixels",
    "png-above-pillow": "83,886,080 pixels",
    "tiff-tile": "83,886,080 pixels",
    "png-sparse": "335,544,320 that are read",
    "png-sparse-end": "335,544,320 that are read",
    "png-chunk": "335,544,320 that are read",
    "npy-sparse": "magic string",
    "npz-sparse": "not a zip file",
    "zip-sparse": "not a zip file",
    "parquet-sparse": "not a parquet file",
    "zip-entry-above": "more than 256 MiB",
    "metadata-sparse": "33,556,432 that are read",
    "metadata-rows": "more than once",
    "npy-floats-sparse": "must hold uint8 images",
    "npy-one-image": "83,886,080 pixels",
    "npy-ends-early": "it holds fewer",
    "npz-floats": "more than 1 GiB and over 50 times",
    "npz-bytes": "more than 1 GiB and over 50 times",
    "npz-ends-early": "it holds fewer",
    "npz-one-image": "83,886,080 pixels",
    "npz-labels": "more than 1 GiB and over 50 times",
    "parquet-list": "must hold encoded images",
    "parquet-nulls": "over 131,072 unreadable",
    "parquet-value": "more than 0.125 GiB and over 50 times",
    "parquet-plain": "more than 0.125 GiB and over 50 times",
    "parquet-label": "up to 1000 are supported",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*MAKERS][::3])  # `make attack` reads all of them
def test_no_file_takes_two_gigabytes(name, tmp_path):
    if name.startswith("parquet"):
        pytest.importorskip("pyarrow")
    found = read(name, tmp_path)
    assert found.memory < LIMIT
    assert "\n" not in found.error
    assert bool(found.error) == (name in ERRORS)
    if found.error:
        assert re.search(re.escape(ERRORS[name]), found.error)
        assert str(tmp_path) in found.error
