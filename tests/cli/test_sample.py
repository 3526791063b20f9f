import pytest
from PIL import Image

import forks
import ganzoo
from ganzoo.cli.conditions import parse_ends, parse_labels
from ganzoo.errors import ConfigError
from helpers import narrow


@pytest.fixture(scope="module")
def run(tmp_path_factory, mnist):
    folder = tmp_path_factory.mktemp("sample") / "run"
    ganzoo.train("cgan", data=str(mnist), images=64, batch_size=32, out=folder, progress=False, config=narrow("cgan"))
    return folder


def call(*arguments, cwd):
    return forks.run("sample", *arguments, cwd=cwd)


@pytest.mark.parametrize(
    ("text", "labels"), [("7", [7]), ("3,1,4", [3, 1, 4]), ("0-3", [0, 1, 2, 3]), ("9,0-1", [9, 0, 1])]
)
def test_labels(text, labels):
    assert parse_labels(text) == labels


@pytest.mark.parametrize("text", ["", "x", "3-1", "1..4", "-1"])
def test_bad_labels(text):
    with pytest.raises(ConfigError, match="--labels"):
        parse_labels(text)


def test_ends():
    assert parse_ends("3:8") == (3, 8)
    for bad in ("3", "3:", "a:b", "-1:3"):
        with pytest.raises(ConfigError, match="two seeds"):
            parse_ends(bad)


def test_a_grid_by_label(run, tmp_path):
    done = call(run, "-n", 20, "--labels", "0-9", "--columns", 10, "-o", "g.png", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "wrote g.png: 20 images" in done.stdout
    with Image.open(tmp_path / "g.png") as picture:
        assert picture.size == (280, 56)


def test_errors_are_one_line(run, tmp_path):
    for arguments, text in (
        ([run, "--labels", "12"], "labels must be whole numbers in 0 ... 9, not 12"),
        ([run, "-c", "colour=red"], "takes no 'colour'"),
        ([run, "-o", "x.jpg"], "not as '.jpg'"),
        ([run, "-c", "seeds=1"], "'seeds' is not a condition"),
        ([run, "-c", "truncation=wide"], "truncation must be a number"),
        ([run, "--truncation", "0"], "truncation must be above 0"),
        ([run, "-c", "truncation=-1"], "truncation must be above 0"),
        ([run, "--labels", "0-99999999999"], "--labels takes class numbers"),
        ([run, "--interpolate", "3:99999999999999999999", "-o", "w.gif"], "below 2**63"),
        ([run, "--device", "meta"], "no device 'meta'"),
        (["nobody"], "No model or architecture is called 'nobody'"),
        ([run, "--device", "abacus"], "no device 'abacus'"),
    ):
        done = call(*arguments, cwd=tmp_path)
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith("Error: ")
        assert done.stderr.count("\n") == 1
        assert text in done.stderr
    assert list(tmp_path.iterdir()) == []
