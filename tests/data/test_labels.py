"""Labels that are classes, and those that are none."""

import pytest

from ganzoo.data.sources.labels import classes_of, classes_of_column
from ganzoo.errors import DataError


@pytest.mark.parametrize(
    ("labels", "names", "numbers"),
    [
        ([2, 0, 1], ("0", "1", "2"), {0: 0, 1: 1, 2: 2}),
        (["2", "00", "1"], ("0", "1", "2"), {"00": 0, "1": 1, "2": 2}),
        ([1.0, 0.0], ("0", "1"), {0.0: 0, 1.0: 1}),
        (["b10", "b9", "a"], ("a", "b9", "b10"), {"a": 0, "b9": 1, "b10": 2}),
        ([True, False], ("false", "true"), {False: 0, True: 1}),
        (["1", "x"], ("1", "x"), {"1": 0, "x": 1}),
    ],
)
def test_whole_numbers_and_words_are_classes(labels, names, numbers):
    found = classes_of("here", labels)
    assert (found.names, found.numbers, found.notes) == (names, numbers, ())


def test_numbers_that_do_not_occur_are_no_classes():
    found = classes_of("here", [1, 5, 3])
    assert (found.names, found.numbers) == (("1", "3", "5"), {1: 0, 3: 1, 5: 2})
    assert found.notes == ("labels numbered anew from 0, as no image has 0, 2, 4",)


def test_the_key_is_another_only_where_numbers_change():
    assert classes_of("here", [0, 1, 2]).keyed("k") == "k"
    assert len({"k", *(classes_of("here", labels).keyed("k") for labels in ([0, 2], ["a"], [False, True]))}) == 2


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ([0.5, 1.0], "labels that are fractions"),
        ([float("nan")], "labels that are fractions"),
        ([[0, 1]], "several labels per image"),
        (["{1: 2}"], "several labels per image"),
        ([0, None], "images without a label"),
        (["a", ""], "images without a label"),
        ([0, 2**16], r"0 \.\.\. 65535, not 0 \.\.\. 65536"),
        ([10**400], "labels that are fractions"),
        ([f"w{i}" for i in range(2**16 + 1)], "65,537 different labels"),
    ],
)
def test_all_else_is_refused_in_one_line(labels, text):
    with pytest.raises(DataError, match=f"^here.*{text}"):
        classes_of("here", labels)


def test_a_column_of_another_type_is_told_and_not_read():
    found = classes_of_column("here", "label", "float", lambda: pytest.fail("read"))
    assert found.names == ()
    assert found.notes == (
        "the column label (float) is not used: one class per image is supported, a whole number or a word",
    )
    assert classes_of_column("here", "label", "large_string", lambda: ["b", None, "a"]).names == ("a", "b")
    assert classes_of_column("here", "label", "int64", lambda: [None]).names == ()
