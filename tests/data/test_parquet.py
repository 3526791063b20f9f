"""Parquet files: the memory that reading them takes, and what they cannot reach."""

from __future__ import annotations

import pytest

from ganzoo.data import open_source, prepare
from ganzoo.data.sources import parquet as parquet_module
from ganzoo.errors import DataError
from helpers import image_specs

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def dictionary(folder, size, rows, kind="binary", column="image"):
    """Write a table of one value of ``size`` bytes in so many rows."""
    value = b"x" * size if kind == "binary" else "x" * size
    repeated = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([value], kind))
    columns = {"image": pa.array([b"x"] * rows)} | {column: repeated}
    pq.write_table(pa.table(columns), folder / "train.parquet", compression="zstd", store_schema=False)
    return folder


def test_a_value_in_many_rows_is_read_a_few_at_a_time(pictures):
    source = open_source(dictionary(pictures, 2**20, 1000))
    assert (pictures / "train.parquet").stat().st_size < 2**13
    sizes = []
    batches = pq.ParquetFile.iter_batches
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pq.ParquetFile, "iter_batches", lambda *a, **o: sizes.append(a[1]) or batches(*a, **o))
        assert sum(len(item.image) for item in source.read()) == 1000 * 2**20
    assert max(sizes) <= 128


def test_a_group_that_unpacks_to_far_more_than_it_takes_is_refused(pictures, monkeypatch):
    monkeypatch.setattr(parquet_module, "_AT_ONCE", 2**19)
    source = open_source(dictionary(pictures, 2**20, 10))
    with pytest.raises(DataError, match=r"train\.parquet: a group of rows would unpack to .* over 50 times"):
        list(source.read())


def test_a_label_of_many_letters_is_refused(pictures):
    with pytest.raises(DataError, match=r"a label of 5,000 letters, and up to 1000"):
        open_source(dictionary(pictures, 5000, 10, "string", "label"))


def test_a_column_that_holds_no_bytes_is_refused(pictures):
    for column in ([["a"]], [1], [{"bytes": [b"a"], "path": "a"}]):
        pq.write_table(pa.table({"image": column}), pictures / "train.parquet")
        with pytest.raises(DataError, match=r"column image.* must hold encoded images \(binary\), not "):
            open_source(pictures)


def test_a_row_of_a_table_opens_no_file(pictures, noise, tmp_path, cache):
    noise().save(tmp_path / "private.png")
    row = {"bytes": None, "path": str(tmp_path / "private.png")}
    column = pa.array([row], pa.struct({"bytes": pa.binary(), "path": pa.string()}))
    pq.write_table(pa.table({"image": column}), pictures / "train.parquet")
    with pytest.raises(DataError, match=r"row 0 .* is not a readable image"):
        prepare(open_source(pictures), image_specs(20, 3), progress=False)


def test_a_name_that_is_no_text_is_refused(pictures):
    path = dictionary(pictures, 8, 4) / "train.parquet"
    path.write_bytes(path.read_bytes().replace(b"image", b"imag\xfc"))
    with pytest.raises(DataError, match="utf-8"):
        open_source(pictures)
