"""``ganzoo translate``, and what other commands say of a model that translates."""

import json
import os

import numpy as np
import pytest
from PIL import Image

import ganzoo
from ganzoo.data import open_data, read_batches
from ganzoo.media.image import to_uint8
from helpers import Painter, image_specs, narrow


@pytest.fixture(scope="module")
def run(tmp_path_factory, mnist):
    """A run of a small pix2pix that makes digits of their edges."""
    out = tmp_path_factory.mktemp("translator") / "run"
    ganzoo.train(
        "pix2pix", data=f"edges:{mnist}", images=64, batch_size=16, out=out, progress=False, config=narrow("pix2pix")
    )
    return str(out)


def test_files_to_a_folder(call, run, folder, tmp_path):
    paths = sorted(folder.rglob("*.png"))[:3]
    done = call("translate", run, *map(str, paths), "-o", str(tmp_path / "made"))
    assert (done.code, done.err) == (0, "")
    assert done.out == f"wrote {tmp_path / 'made'}: 3 images translated from 3 files by {run}\n"
    assert sorted(os.listdir(tmp_path / "made")) == [path.name for path in paths]


def test_one_file_to_a_picture(call, run, folder, tmp_path):
    path = min(folder.rglob("*.png"))
    done = call("translate", run, str(path), "-o", str(tmp_path / "x.png"))
    assert done.out.endswith(f"1 image translated from {path} by {run}\n")
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.size == (28, 28)


def test_a_data_set_with_its_targets(call, run, mnist, tmp_path):
    words = ["-n", "6", "--split", "train", "--beside", "--columns", "2", "-o", str(tmp_path / "x.png")]
    done = call("translate", run, f"edges:{mnist}", *words)
    assert done.code == 0, done.err
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.size == (2 * 3 * 28, 3 * 28)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["{run}"], 2, "Missing argument 'INPUT...'"),
        (["{run}", "--colour", "red"], 2, "Missing argument 'INPUT...'"),
        (["{run}", "nowhere.png"], 1, "No data set or path is called 'nowhere.png'"),
        (["{run}", "./nowhere.png"], 1, "There is no folder or file"),
        (["{run}", "{file}", "{folder}"], 1, "is not an image file"),
        (["{run}", "~no-such-user/x.png"], 1, "cannot be opened"),
        (["{run}", "{file}", "--to", "C"], 1, "does not translate to 'C'; it does to: B"),
        (["{run}", "{file}", "--style", "7"], 1, "takes no 'style'"),
        (["{run}", "{file}", "--labels", "7"], 1, "takes no 'labels'"),
        (["{run}", "{file}", "--style"], 2, "a condition of a model has a value"),
        (["{run}", "{file}", "-c", "seeds=7"], 1, "is not a condition of a model"),
        (["dcgan-mnist", "{file}"], 1, "does not translate images: use sample"),
        (["nobody", "{file}"], 1, "No model or architecture is called 'nobody'"),
        (["{run}", "{file}", "--split", "test"], 0, ""),
    ],
)
def test_bad_wishes_are_one_line(call, run, folder, tmp_path, monkeypatch, words, code, text):
    monkeypatch.chdir(tmp_path)
    file = min(folder.rglob("*.png"))
    done = call("translate", *(word.format(run=run, file=file, folder=folder) for word in words))
    assert done.code == code, done.err
    assert text in done.err
    if code:
        assert os.listdir(tmp_path) == []
    if code == 1:
        assert done.err.startswith("Error: ")
        assert done.err.count("\n") == 1


@pytest.fixture
def painter(monkeypatch, mnist):
    """A translator with labels under any name, and the first 120 images of the digits."""
    gan = Painter()
    monkeypatch.setattr("ganzoo.models.load.load", lambda name, device: gan)
    (batch,) = read_batches(open_data(str(mnist)), image_specs(28, 1), count=120, batch_size=120)
    return lambda n, repeat=1, **options: to_uint8(
        gan.translate(batch["image"][:n].repeat_interleave(repeat, 0), **options)
    ).astype(int)


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["--labels", "dog,cat"], {"labels": [1, 0] * 60}),
        (["--labels", "1-2,cat*2", "--seed", "5"], {"labels": [1, 2, 0, 0] * 30, "seed": 5}),
        (["-c", f"labels={json.dumps([i % 3 for i in range(120)])}"], {"labels": [i % 3 for i in range(120)]}),
        (["-c", "labels=owl", "--shift", "0.2"], {"labels": 2, "shift": 0.2}),
        (["-c", 'labels=["owl"]'], {"labels": 2}),
    ],
)
def test_labels_and_seeds_of_every_input(call, painter, mnist, tmp_path, words, options):
    out = tmp_path / "x.npz"
    done = call("translate", "painter", str(mnist), "-n", "120", "--batch-size", "16", "-o", str(out), *words)
    assert (done.code, done.err) == (0, "")
    assert np.abs(np.load(out)["images"] - painter(120, **options)).max() <= 1


@pytest.mark.parametrize(
    ("words", "width", "options"),
    [
        (["--shift=-0.2..0.2", "--columns", "3"], 3, {"shift": [-0.2, 0.0, 0.2] * 4}),
        (["-c", "shift=0..0.7"], 8, {"shift": [i / 10 for i in range(8)] * 4}),
        (["--labels", "cat..owl"], 3, {"labels": [0, 1, 2] * 4}),
        (["--labels", "1..2", "--shift", "0..0.1"], 2, {"labels": [1, 2] * 4, "shift": [0.0, 0.1] * 4}),
    ],
)
def test_a_range_is_swept_over_the_columns_with_an_input_per_row(call, painter, mnist, tmp_path, words, width, options):
    words = [str(mnist), "-n", "4", "--seed", "3", *words]
    done = call("translate", "painter", *words, "-o", str(tmp_path / "x.png"))
    assert (done.code, done.err) == (0, "")
    assert f"4 images, {width} times each, translated from" in done.out
    expected = painter(4, width, seeds=[3 + i // width for i in range(4 * width)], **options)
    with Image.open(tmp_path / "x.png") as picture:
        cells = np.asarray(picture).reshape(4, 28, width, 28).swapaxes(1, 2).reshape(-1, 28, 28)
    assert np.abs(cells - expected[..., 0]).max() <= 1
    call("translate", "painter", *words, "--beside", "-o", str(tmp_path / "y.png"))
    with Image.open(tmp_path / "y.png") as picture:
        assert picture.size == ((1 + width) * 28, 4 * 28)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--labels", "dgo"], "--labels: there is no class 'dgo'. Did you mean 'dog'? There are: cat, dog, owl"),
        (["--labels", "3"], "labels must be whole numbers in 0 ... 2, not 3"),
        (["--labels", "1", "-c", "labels=2"], "'labels' is given twice"),
        (["-c", "labels=[0,1]"], "4 images need 4 values of labels or one for all, not 2"),
        (["-c", "columns=2"], "'columns' is not a condition of a model"),
    ],
)
def test_wrong_labels_are_one_line(call, painter, mnist, tmp_path, words, text):
    done = call("translate", "painter", str(mnist), "-n", "4", "-o", str(tmp_path / "x.png"), *words)
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert text in done.err
    assert os.listdir(tmp_path) == []


def test_sample_says_where_to_go(call, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("sample", run)
    assert (done.code, done.out) == (1, "")
    assert (done.err.count("\n"), f"ganzoo translate {run} INPUT" in done.err) == (1, True)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("architecture", "data", "text"),
    [
        ("pix2pix", "{mnist}", r"pix2pix needs images that belong together in pairs: say pairs:DATA"),
        ("pix2pix", "A={mnist}:3,B={mnist}:8", r"pix2pix needs images that belong together in pairs"),
        ("cyclegan", "{mnist}", r"cyclegan needs two sets, A and B: say A=DATA,B=DATA"),
        ("dcgan", "A={mnist}:3,B={mnist}:8", r"dcgan needs one set of images, and that is two: name one of them"),
        ("cgan", "edges:{mnist}", r"cgan needs one set of images"),
    ],
)
def test_training_says_which_data_it_needs(call, mnist, tmp_path, architecture, data, text):
    done = call("train", architecture, "--data", data.format(mnist=mnist), "--out", str(tmp_path / "run"))
    assert (done.code, done.out) == (1, "")
    assert text in done.err
    assert os.listdir(tmp_path) == []


def test_show_names_translate(call):
    assert json.loads(call("show", "pix2pix", "--json").out)["translates"] is True
    assert json.loads(call("show", "dcgan", "--json").out)["translates"] is False


def test_eval_compares_what_is_made_with_the_target(call, run, mnist):
    done = call("eval", run, "-m", "fd[pixels:4]@100/train", "--json")
    assert done.code == 0, done.err
    (score,) = json.loads(done.out)
    assert score["protocol"] == "fd[pixels:4]@100/train"
    assert score["value"] > 0
    for words, text in (
        (["-m", "fd[pixels:4]@5k/train"], "asks for more images than the 1,000"),
        (["-m", "fd[pixels:4]@100/train", "--data", str(mnist)], "has no A and B: say the data as for"),
    ):
        done = call("eval", run, *words)
        assert done.code == 1
        assert text in done.err


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("grey:/x/cifar10", "pix2pix-grey-cifar10"),
        ("A=cifar10:horse,B=cifar10:deer", "pix2pix-cifar10-horse-cifar10-deer"),
        ("pairs:facades/train", "pix2pix-train"),
        ("hf:me/zebras", "pix2pix-zebras"),
    ],
)
def test_a_run_is_called_after_its_data(data, name):
    from ganzoo.cli.train_command import _short

    assert f"pix2pix-{_short(data)}" == name
