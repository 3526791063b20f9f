from __future__ import annotations

import click
import pytest

from ganzoo.cli.options import Count, size_text, table


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("64", 64), ("300000", 300_000), ("300k", 300_000), ("1.5M", 1_500_000), ("1.001m", 1_001_000),
        ("2M", 2_000_000),
        ("300_000", 300_000), ("300,000", 300_000), ("1,000,000", 1_000_000), ("1e6", 1_000_000), ("1.5e3k", 1_500_000),
        (" 5K ", 5_000), ("0.001k", 1), ("1.0", 1), (7, 7),
    ],
)  # fmt: skip
def test_a_count_is_read(text, number):
    assert Count().convert(text, None, None) == number


@pytest.mark.parametrize(
    "text",
    [
        "", "k", "0", "-5", "1.5", "0.5", "0k", "nan", "inf", "1e400", "5km", "5kk", "1,5M", "1,50", "٣", "1 000", "5g",
        "0x10", "1.0001k", "9" * 5000 + "x",
    ],
    ids=lambda text: text[:8],
)  # fmt: skip
def test_what_is_no_count_is_refused(text):
    with pytest.raises(click.BadParameter, match=r"300000, 300k or 1.5M"):
        Count().convert(text, None, None)


def test_columns_line_up_and_no_line_ends_in_spaces():
    assert table(["A", "LONG"], [["wide cell", "x"], ["é", ""]]) == "A          LONG\nwide cell  x\né"


def test_a_cell_stays_on_its_line():
    assert table(["A", "B"], [["one\ntwo", "x"]]).splitlines() == ["A        B", "one two  x"]


def test_a_table_may_be_empty():
    assert table(["A", "B"], []) == "A  B"


@pytest.mark.parametrize(("count", "text"), [(500, "0.5 kB"), (99_000, "99.0 kB"), (5_800_000, "5.8 MB")])
def test_sizes_are_for_people(count, text):
    assert size_text(count) == text
