import json
import re
import shutil

import pytest
from PIL import Image

from ganzoo.cli.eval_command import carried
from ganzoo.registry import Score
from helpers import narrow

MODEL = "dcgan-mnist"


def test_a_model_is_measured(call, mnist):
    done = call("eval", MODEL, "-m", "fd[pixels]@100/train", "--data", str(mnist))
    assert done.code == 0, done.err
    assert done.out.splitlines()[1].startswith("fd[pixels]@100/train  ")
    assert done.out.splitlines()[1].endswith("lower is better")
    (carries,) = done.out.splitlines()[2:]
    assert re.fullmatch(r"data own images \(mnist\) [0-9a-f]{8}", carries), "the pixels have no weights"


def test_below_the_values_stands_what_they_carry_once_each(call, mnist):
    words = ["eval", MODEL, "--data", str(mnist), "-m", "fd[mnist-classifier]@20/train", "-m"]
    done = call(*words, "coverage[mnist-classifier]@20/train")
    assert done.code == 0, done.err
    carries = r"data own images \(mnist\) [0-9a-f]{8}; weights mnist-classifier [0-9a-f]{12}"
    assert re.fullmatch(carries, done.out.splitlines()[3])
    assert len(done.out.splitlines()) == 4
    own = call(*words, "fd[cifar10-classifier]@20/train").out.splitlines()[3:]
    assert [line.split()[:2] for line in own] == [
        ["data", "own"], ["weights", "mnist-classifier"], ["weights", "cifar10-classifier"]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("scores", "lines"),
    [
        ([(None, None)], []),
        ([(None, None), (None, "b" * 64)], ["weights x:8 bbbbbbbbbbbb"]),
        ([("mnist", "a" * 64), (None, "a" * 64)], ["data mnist; weights x:8 aaaaaaaaaaaa"]),
        (
            [("mnist", "a" * 64), ("cifar10", "b" * 64), ("mnist", "a" * 64)],
            ["data mnist", "data cifar10", "weights x:8 aaaaaaaaaaaa", "weights x:8 bbbbbbbbbbbb"],
        ),
    ],
)
def test_what_values_carry(scores, lines):
    made = [Score(name="fd", value=1.0, protocol="fd[x:8]@1k", data=data, weights=weights) for data, weights in scores]
    assert carried(made) == lines


def test_as_json(call, mnist):
    protocols = ["fd[pixels]@100/train", "fd[pixels:4]@100/train"]
    done = call("eval", MODEL, "-m", protocols[0], "-m", protocols[1], "--data", str(mnist), "--json")
    scores = json.loads(done.out)
    assert [score["protocol"] for score in scores] == protocols
    assert all(score["value"] > 0 for score in scores)


def test_a_run_is_measured_against_the_images_it_was_trained_on(call, mnist, tmp_path):
    options = [word for key, value in narrow("dcgan").items() for word in ("-o", f"{key}={value}")]
    words = ["--data", str(mnist), "--images", "64", "--batch-size", "32", "--out", str(tmp_path / "run"), *options]
    assert call("train", "dcgan", *words).code == 0
    done = call("eval", str(tmp_path / "run"), "-m", "fd[pixels]@20/train", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)[0]["protocol"] == "fd[pixels]@20/train"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("-m", "fd"), "'fd' is no protocol"),
        (("-m", "fdx[pixels]@10/test"), "No metric is called 'fdx'"),
    ],
)
def test_mistakes_are_one_line(call, words, text):
    done = call("eval", MODEL, *words)
    assert done.code != 0
    assert text in done.err
    assert "Traceback" not in done.err


def test_a_data_path_in_a_downloaded_config_is_not_read(call, trained, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    for name in ("config.json", "model.safetensors"):
        (model / name).write_bytes((trained / name).read_bytes())
    done = call("eval", str(model), "-m", "fd[pixels]@20/train")  # its config.json names a folder of this machine
    assert done.code == 1
    assert "--data" in done.err


def test_a_single_set_has_no_other_split(call):
    from ganzoo.testing import DIGITS

    done = call("eval", MODEL, "-m", "fd[pixels]@20/test", "--data", str(DIGITS))
    assert done.code == 1
    assert "has no split 'test'" in done.err


def test_what_was_measured_is_written_down_and_measured_again(call, mnist, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    done = call("eval", str(run), "-m", "fd[pixels]@20/train", "--data", str(mnist), "--update")
    assert done.code == 0, done.err
    assert f"written into {run}" in done.out
    (score,) = json.loads((run / "config.json").read_text())["metrics"]
    again = json.loads(call("eval", str(run), "--json").out)  # neither the protocol nor the data need be said
    assert again[0]["protocol"] == score["protocol"]
    assert again[0]["value"] == pytest.approx(score["value"], rel=1e-6)


def test_a_model_that_was_never_measured_asks_by_what(call, trained):
    done = call("eval", str(trained))
    assert done.code == 1
    assert "-m 'fd[pixels]@10k/test'" in done.err


def test_the_best_of_a_run_knows_the_images_of_the_run(call, mnist, tmp_path):
    run = tmp_path / "run"
    options = [word for key, value in narrow("dcgan").items() for word in ("-o", f"{key}={value}")]
    words = ["--data", str(mnist), "--images", "64", "--batch-size", "32", "--out", str(run), *options]
    done = call("train", "dcgan", *words, "-m", "fd[pixels]@20/train", "--eval-every", "32", "--patience", "9")
    assert done.code == 0, done.err
    assert "fd[pixels]@20/train: best " in done.out
    again = call("eval", str(run / "best"), "--json")
    assert again.code == 0, again.err
    best = json.loads((run / "best/config.json").read_text())["metrics"][0]["value"]
    assert json.loads(again.out)[0]["value"] == pytest.approx(best, rel=1e-6)


@pytest.fixture
def made(call, tmp_path):
    """A folder of what a model generates."""
    done = call("sample", MODEL, "-n", "100", "-o", str(tmp_path / "made"))
    assert done.code == 0, done.err
    return tmp_path / "made"


def test_pictures_have_the_values_of_the_model_that_made_them(call, mnist, made):
    words = ["-m", "fd[pixels]@100/train", "-m", "class-entropy[mnist-classifier]@100", "--data", str(mnist), "--json"]
    of_model, of_pictures = (json.loads(call("eval", what, *words).out) for what in (MODEL, str(made)))
    facts = [score.pop("pictures") for score in of_pictures]
    assert of_pictures == of_model
    assert facts[0] == facts[1]
    assert facts[0].pop("key").isalnum()
    assert facts[0] == {"name": "own images (made)", "count": 100, "shape": [1, 28, 28], "classes": []}


def test_what_was_read_stands_below_the_values_of_pictures(call, mnist, made):
    (made / "broken.png").write_bytes(b"no picture")
    words = ["eval", str(made), "-m", "fd[pixels]@50/train", "--data", str(mnist), "--size", "32x24", "--fit", "pad"]
    done = call(*words)
    assert done.code == 1
    assert "broken.png" in done.err
    done = call(*words, "--skip-unreadable")
    assert done.code == 0, done.err
    (line,) = (line for line in done.out.splitlines() if line.startswith("pictures"))
    assert re.match(r"pictures own images \(made\) [0-9a-f]{8}: ", line)
    assert "32x24 grey" in line
    assert "padded" in line
    assert "1 unreadable and skipped" in line


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "name a protocol, as in -m"),
        (("-m", "fd[pixels]@10/train"), "say which data"),
        (("-m", "class-entropy[mnist-classifier]@1k"), "asks for 1,000 images, and"),
        (("-m", "class-entropy[mnist-classifier]@10", "--update"), "--update goes with a model"),
        (("-m", "class-entropy[mnist-classifier]@10", "--size", "big"), "'big' is no size: say 64, or 320x448"),
        (("-m", "class-entropy[mnist-classifier]@10", "--background", "beige-ish"), "is no colour"),
        (("-m", "class-entropy[mnist-classifier]@10", "--to", "B"), "no target"),
    ],
)
def test_mistakes_with_pictures_are_one_line(call, folder, words, text):
    done = call("eval", str(folder), *words)
    assert done.code != 0
    assert text in done.err
    assert not done.out
    assert "Traceback" not in done.err


def test_a_model_has_a_size_of_its_own(call):
    done = call("eval", MODEL, "-m", "class-entropy[mnist-classifier]@10", "--size", "32")
    assert done.code == 2
    assert "--size goes with pictures" in done.err


def test_real_images_are_read_as_in_the_training_or_as_it_is_said(call, tmp_path, digits):
    (tmp_path / "wide").mkdir()
    for i, image in enumerate(digits[0][:40]):  # cropped or padded, they differ
        Image.fromarray(image).resize((48, 28)).save(tmp_path / f"wide/{i}.png")
    config = narrow("dcgan") | {"image_size": 28}
    options = [word for key, value in config.items() for word in ("-o", f"{key}={value}")]
    words = ["--data", str(tmp_path / "wide"), "--images", "64", "--batch-size", "32", "--fit", "pad", *options]
    measured = ["-m", "fd[pixels]@40/train"]
    assert call("train", "dcgan", *words, *measured, "--eval-every", "64", "--out", str(tmp_path / "run")).code == 0
    ask = ["eval", str(tmp_path / "run"), *measured, "--json"]
    own, pad, crop = (json.loads(call(*ask, *more).out)[0] for more in ((), ("--fit", "pad"), ("--fit", "crop")))
    (trained,) = json.loads((tmp_path / "run/best/config.json").read_text())["metrics"]
    assert trained["data"] == own["data"]
    assert trained["value"] == pytest.approx(own["value"], rel=1e-6)
    assert own == pad
    assert own["value"] != crop["value"]
    assert own["data"] != crop["data"], "values of images that were read in two ways do not compare"


def test_values_of_a_bundled_model_are_not_written_and_nothing_is_measured(call, mnist):
    done = call("eval", MODEL, "-m", "fd[pixels]@10/train", "--data", str(mnist), "--update")
    assert done.code == 1
    assert "its values with it" in done.err
