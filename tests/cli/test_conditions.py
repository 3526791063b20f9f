import click
import pytest
from PIL import Image

import ganzoo
from ganzoo.cli.conditions import Labels, from_options, parse_labels, spread_sweeps
from ganzoo.errors import ConfigError
from helpers import narrow


def test_options_that_the_command_does_not_know_are_conditions():
    assert from_options(["--noise", "const", "--c1=-2..2", "--style-mix", "3"]) == [
        "noise=const", "c1=-2..2", "style_mix=3",
    ]  # fmt: skip
    assert from_options(["--shift", "-1"]) == ["shift=-1"]


@pytest.mark.parametrize(
    "words", [["--noise"], ["--noise", "--c1", "2"], ["stray"], ["-x", "1"], ["--", "1"], ["--1", "2"]]
)
def test_what_is_no_option_is_refused(words):
    with pytest.raises(click.UsageError):
        from_options(words)


def test_a_range_is_swept_over_the_columns_and_again_in_each_row():
    values, swept = spread_sweeps({"c1": "-2..2", "c2": "0.5", "noise": "const"}, count=10, columns=5)
    assert swept
    assert values == {"c1": [-2, -1, 0, 1, 2] * 2, "c2": 0.5, "noise": "const"}


@pytest.mark.parametrize("word", ["1..", "..2", "a..b", "1...2", "1..2..3", "nan..1"])
def test_what_is_no_range_is_a_word(word):
    assert spread_sweeps({"c": word}, 4, 4) == ({"c": word}, False)


def test_one_column_is_the_first_value():
    assert spread_sweeps({"c": "3..9"}, 2, 1) == ({"c": [3.0, 3.0]}, True)


NAMES = ("cat", "dog", "owl", "t-shirt", "tench, Tinca tinca", "5*", "a..b", "0-4")


@pytest.mark.parametrize(
    ("text", "classes"),
    [("7", [7]), ("3,1,4", [3, 1, 4]), ("0-3", [0, 1, 2, 3]), ("9,0-1", [9, 0, 1]), ("2*3", [2, 2, 2])],
)
def test_classes_by_number(text, classes):
    assert parse_labels(text).classes == classes
    assert parse_labels(text, NAMES).classes == classes


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("dog", [1]), ("dog, cat", [1, 0]), ("cat*3", [0, 0, 0]), ("1-2,dog*2", [1, 2, 1, 1]), ("0-2*2", [0, 1, 2] * 2),
        ("t-shirt", [3]), ("tench, Tinca tinca", [4]), ("t-shirt*2,tench, Tinca tinca*2,dog", [3, 3, 4, 4, 1]),
        ("5*", [5]), ("5**2", [5, 5]), ("a..b", [6]), ("a..b*2,a..b", [6] * 3), ("0-4", [7]), ("0-4 * 2", [7, 7]),
    ],
)  # fmt: skip
def test_classes_by_name_whatever_they_are_called(text, classes):
    assert parse_labels(text, NAMES) == Labels(classes, repeated="*" in text and text != "5*")


def test_a_range_with_two_dots_is_swept_in_each_row():
    labels = parse_labels("dog..t-shirt", NAMES)
    assert labels == Labels([1, 2, 3], swept=True) == parse_labels("1..3", NAMES)
    assert labels.spread(7, 3) == [1, 2, 3, 1, 2, 3, 1]
    assert labels.spread(4, 2) == [1, 2, 1, 2]
    assert parse_labels("1-3").spread(4, 2) == [1, 2, 3, 1]


def test_names_that_are_numbers_win_where_all_are_names(caplog):
    names = [str(i + 1) for i in range(10)]  # as folders 1 to 10
    assert parse_labels("1-10", names).classes == [*range(10)]
    assert parse_labels("3,4*2", names).classes == [2, 3, 3]
    assert len(caplog.messages) == 2
    assert parse_labels("0-9", [str(i) for i in range(10)]).classes == [*range(10)]
    assert parse_labels("0-5", names).classes == [*range(6)]  # 0 is no name
    assert len(caplog.messages) == 2


@pytest.mark.parametrize(
    "text", ["", "x", "3-1", "4..1", "-1", "1,,2", "x*2", "*2", "cat*0", "0-9999999", "2*9999999", "9" * 5000]
)
def test_bad_labels_are_refused_at_once(text):
    for names in ((), ("cat", "dog")):
        with pytest.raises(ConfigError, match=r"^--labels\b"):
            parse_labels(text, names)


@pytest.fixture(scope="module")
def run(tmp_path_factory, mnist):
    folder = tmp_path_factory.mktemp("infogan") / "run"
    ganzoo.train(
        "infogan", data=str(mnist), images=64, batch_size=32, out=folder, progress=False, config=narrow("infogan")
    )
    return folder


def test_a_sweep_is_a_strip_for_each_seed(run, call, tmp_path):
    out = tmp_path / "strip.png"
    done = call("sample", str(run), "--code", "c1=-2..2", "-n", "8", "--columns", "4", "--seed", "5", "-o", str(out))
    assert done.code == 0, done.err
    assert "8 images of" in done.out
    assert "seeds 5 to 6" in done.out
    gan = ganzoo.load(run)
    values = [-2, -2 / 3, 2 / 3, 2]
    expected = ganzoo.grid(gan.sample(8, seeds=[5] * 4 + [6] * 4, c1=values * 2), columns=4)
    with Image.open(out) as picture:
        assert list(picture.tobytes()) == pytest.approx(list(expected.tobytes()), abs=1)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--c9", "1"), "takes no 'c9' when it is sampled; it takes: truncation, category, c1, c2"),
        (("--category", "10"), "category must be whole numbers in 0 ... 9, not 10"),
        (("--c1", "[1, 2]"), "4 images need 4 values of c1 or one for all, not 2"),
        (("--c1", "wide"), "c1 must be a number, or a list with one for each image, not 'wide'"),
        (("--c1", "NaN"), "c1 must be a finite number"),
        (("--code", "category=0..2"), "category must be whole numbers in 0 ... 9, not 0.666667"),
        (
            ("--interpolate", "1:2", "--code", "c1=-2..2"),
            "--interpolate cannot be combined with a range",
        ),
        (("--c1", "1", "-c", "c1=2"), "'c1' is given twice"),
        (("--c1",), "a condition of a model has a value"),
    ],
)
def test_a_wrong_condition_is_one_line(run, call, tmp_path, words, text):
    done = call("sample", str(run), "-n", "4", "-o", str(tmp_path / "x.png"), *words)
    assert done.code != 0
    assert text in done.err
    assert not (tmp_path / "x.png").exists()
