import numpy as np
import pytest
from PIL import Image

import forks
import ganzoo
from ganzoo.cli.conditions import parse_ends
from ganzoo.data import open_data
from ganzoo.errors import ConfigError
from ganzoo.media.image import grid, to_uint8
from helpers import narrow


@pytest.fixture(scope="module")
def run(tmp_path_factory, mnist):
    folder = tmp_path_factory.mktemp("sample") / "run"
    ganzoo.train("cgan", data=str(mnist), images=64, batch_size=32, out=folder, progress=False, config=narrow("cgan"))
    return folder


def forked(*arguments, cwd):
    return forks.run("sample", *arguments, cwd=cwd)


def test_ends():
    assert parse_ends("3:8") == (3, 8)
    for bad in ("3", "3:", "a:b", "-1:3"):
        with pytest.raises(ConfigError, match="two seeds"):
            parse_ends(bad)


def test_a_grid_by_label(run, tmp_path):
    done = forked(run, "-n", 20, "--labels", "0-9", "--columns", 10, "-o", "g.png", cwd=tmp_path)
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
        ([run, "--labels", "0-99999999999"], "--labels 0-99999999999 has more than 1,000,000 labels"),
        ([run, "--labels", "seven"], "--labels: there is no class 'seven'. There are: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        ([run, "--labels", "7", "-c", "labels=7"], "'labels' is given twice"),
        ([run, "--labels", "0..9", "--interpolate", "3:4"], "cannot be combined with a range"),
        ([run, "--by-class"], "--by-class writes a folder"),
        ([run, "--by-class", "--interpolate", "3:4", "-o", "x"], "--by-class writes a folder"),
        (["dcgan-mnist", "--by-class", "-o", "x"], "takes no 'labels'"),
        (["dcgan-mnist", "--labels", "dog"], "takes no 'labels'"),
        ([run, "--interpolate", "3:99999999999999999999", "-o", "w.gif"], "below 2**63"),
        ([run, "--device", "meta"], "no device 'meta'"),
        (["nobody"], "No model or architecture is called 'nobody'"),
        ([run, "--device", "abacus"], "no device 'abacus'"),
    ):
        done = forked(*arguments, cwd=tmp_path)
        assert done.returncode == 1
        assert done.stdout == ""
        assert done.stderr.startswith("Error: ")
        assert done.stderr.count("\n") == 1
        assert text in done.stderr
    assert list(tmp_path.iterdir()) == []


def sampled(call, tmp_path, *words):
    """Return the images of a ganzoo sample into an array."""
    done = call("sample", *words, "-o", str(tmp_path / "x.npz"))
    assert (done.code, done.err) == (0, "")
    return np.load(tmp_path / "x.npz")["images"]


@pytest.mark.parametrize("flag", ["--labels={}", "--labels {}", "-c labels={}"])
@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("dog,cat", [1, 0, 1, 0, 1]), ("owl", [2] * 5), ("0-1,owl*2", [0, 1, 2, 2, 0]), ("2", [2] * 5),
        ("[1,2,0,0,1]", [1, 2, 0, 0, 1]), ('["owl",1,0,0,"cat"]', [2, 1, 0, 0, 0]),
    ],
)  # fmt: skip
def test_classes_in_turn_by_name_and_number(call, by_class, tmp_path, flag, text, labels):
    images = sampled(call, tmp_path, str(by_class), "-n", "5", *flag.format(text).split(maxsplit=1))
    expected = to_uint8(ganzoo.load(by_class).sample(5, labels=labels))
    assert np.abs(images.astype(int) - expected).max() <= 1


def test_without_n_as_many_as_are_named_by_a_number_of_times(call, by_class, tmp_path):
    assert len(sampled(call, tmp_path, str(by_class), "--labels", "cat*3,dog*2")) == 5
    assert len(sampled(call, tmp_path, str(by_class), "--labels", "cat,dog")) == 64
    assert len(sampled(call, tmp_path, str(by_class), "--labels", "cat*3", "-n", "4")) == 4


@pytest.mark.parametrize("text", ["0..2", "cat..owl"])
def test_a_range_of_classes_is_swept_over_the_columns(call, by_class, tmp_path, text):
    images = sampled(call, tmp_path, str(by_class), "--labels", text, "-n", "6", "--seed", "4")
    expected = to_uint8(ganzoo.load(by_class).sample(seeds=[4, 4, 4, 5, 5, 5], labels=[0, 1, 2] * 2))
    assert np.abs(images.astype(int) - expected).max() <= 1


def test_a_sub_folder_for_each_class(call, by_class, tmp_path):
    done = call("sample", str(by_class), "-n", "7", "--seed", "2", "--by-class", "-o", str(tmp_path / "all"))
    assert (done.code, done.err) == (0, "")
    paths = sorted(path.relative_to(tmp_path / "all").as_posix() for path in (tmp_path / "all").rglob("*.png"))
    assert paths == ["cat/3.png", "cat/6.png", "dog/4.png", "dog/7.png", "owl/2.png", "owl/5.png", "owl/8.png"]
    expected = to_uint8(ganzoo.load(by_class).sample(7, seed=2))  # its own choice of classes
    with Image.open(tmp_path / "all" / "dog" / "4.png") as picture:
        assert np.abs(np.asarray(picture).astype(int) - expected[2, ..., 0]).max() <= 1
    assert open_data(str(tmp_path / "all")).classes == ("cat", "dog", "owl")  # can be trained on
    done = call("sample", str(by_class), "--labels", "owl*2", "--by-class", "-o", str(tmp_path / "owls"))
    assert done.code == 0, done.err
    assert [path.name for path in (tmp_path / "owls").iterdir()] == ["owl"]
    assert sorted(path.name for path in (tmp_path / "owls" / "owl").iterdir()) == ["0.png", "1.png"]


def test_classes_during_an_interpolation(call, by_class, tmp_path):
    out = str(tmp_path / "x.png")
    done = call("sample", str(by_class), "--interpolate", "3:8", "--labels", "dog*2,owl*2", "-o", out)
    assert (done.code, done.err) == (0, "")
    expected = grid(ganzoo.interpolate(by_class, 3, 8, steps=4, labels=[1, 1, 2, 2]), 4)
    with Image.open(out) as picture:
        assert np.abs(np.asarray(picture).astype(int) - np.asarray(expected).astype(int)).max() <= 1
