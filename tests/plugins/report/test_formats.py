import pytest

from ganzoo_report.formats import abbreviated, duration, significant, thousands, value_text


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"), (True, "true"), (12000, "12,000"), (10**400, "a very large number"), (0.0002, "0.0002"),
        (1e9, "1e+09"), ("x", "x"), ([1, "a", None], "1, a, none"), ([[1], [2]], "[[1], [2]]"), ({"a": 1}, '{"a": 1}'),
        (nested(100_000), "deeply nested lists"),
    ],
)  # fmt: skip
def test_a_value_is_written_as_a_person_would(value, text):
    assert value_text(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5 s"), (531, "8 min 51 s"), (3000, "50 min"), (7260, "2 h 01 min"), (float("inf"), "unknown")],
)
def test_a_duration_has_the_units_that_matter(seconds, text):
    assert duration(seconds) == text


def test_numbers_are_short():
    assert [abbreviated(n) for n in (999, 1000, 675_164, 1_800_000, 3 * 10**9)] == [
        "999",
        "1 k",
        "675 k",
        "1.8 M",
        "3 G",
    ]
    assert (significant(1.234567), significant(1.234567, 3), significant(None)) == ("1.2346", "1.23", "")
    assert thousands(12000) == "12,000"
