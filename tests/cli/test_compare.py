import json
import re
from dataclasses import replace

import pytest
from PIL import Image

from ganzoo.registry import Score


def test_a_table_and_a_picture(call, mnist, tmp_path):
    out = tmp_path / "compare.png"
    words = ["-m", "fd[pixels]@64/train", "-m", "class-entropy[mnist-classifier]@64", "--data", str(mnist)]
    done = call("compare", "dcgan-mnist", "vanilla-mnist", *words, "-n", "5", "-o", str(out))
    assert done.code == 0, done.err
    header, first, second, *_ = done.out.splitlines()
    assert header.split()[0] == "PROTOCOL"
    assert set(header.split()[1:]) == {"dcgan-mnist", "vanilla-mnist"}
    assert first.split()[0] == "fd[pixels]@64/train"
    better, worse = re.search(r"([0-9.]+) \*\s+([0-9.]+)\s+lower is better$", first).groups()
    assert float(better) < float(worse), "the best model stands first"
    assert second.endswith("higher is better")
    with Image.open(out) as picture:
        assert picture.size == (5 * 66, 2 * 80)


def test_as_json(call, mnist, tmp_path):
    words = ["-m", "fd[pixels]@64/train", "--data", str(mnist), "--json", "-o", str(tmp_path / "c.png")]
    done = call("compare", "dcgan-mnist", "vanilla-mnist", *words)
    content = json.loads(done.out)
    (ranked,) = content["ranked"]
    assert ranked["best"] == content["models"][0] == min(ranked["values"], key=ranked["values"].get)


def test_the_values_that_they_come_with_are_compared(call, tmp_path):
    done = call("compare", "dcgan-mnist", "wgan-gp-mnist", "-o", str(tmp_path / "c.png"))
    assert done.code == 0, done.err
    assert "fd[mnist-classifier]@10k/test on mnist" in done.out


@pytest.mark.parametrize(
    ("models", "text"),
    [
        (("dcgan-mnist", "sngan-cifar10"), "sngan-cifar10 3x32x32"),
        (("dcgan-mnist", "vanilla-mnist", "cyclegan-mnist-3-8"), "some translate images"),
    ],
)
def test_models_without_a_comparable_value_fail_before_anything_is_written(call, models, text, tmp_path):
    out = tmp_path / "c.png"
    done = call("compare", *models, "-o", str(out))
    assert done.code == 1
    assert text in done.err
    assert not done.out
    assert not out.exists()


def test_models_that_translate_have_no_row_in_the_picture(call, tmp_path, monkeypatch):
    score = Score(name="fd", value=1.0, protocol="fd[pixels]@64/train", data="mnist")
    monkeypatch.setattr(
        "ganzoo.metrics.compare.measured", lambda entry, protocols, data: replace(entry, scores=(score,))
    )
    out = tmp_path / "c.png"
    words = ("-m", score.protocol, "--data", "mnist", "-n", "2", "-o", str(out))
    done = call("compare", "dcgan-mnist", "cyclegan-mnist-3-8", *words)
    assert done.code == 0, done.err
    assert "not of cyclegan-mnist-3-8" in done.out
    with Image.open(out) as picture:
        assert picture.size == (2 * 66, 80)


def test_pictures_are_compared_with_models(call, mnist, folder, tmp_path):
    words = ["-m", "fd[pixels]@64/train", "--data", str(mnist), "-n", "3", "-o", str(tmp_path / "c.png")]
    done = call("compare", "dcgan-mnist", str(folder), *words, "--json")
    assert done.code == 0, done.err
    content = json.loads(done.out)
    assert content["models"] == [str(folder), "dcgan-mnist"], "real digits are nearer to real digits"
    with Image.open(tmp_path / "c.png") as picture:
        assert picture.height == 2 * 80


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("dcgan-mnist",), "two models or more"),
        (("dcgan-mnist", "dcgan-mnst"), "Did you mean 'dcgan-mnist'"),
        (("dcgan-mnist", "vanilla-mnist", "-o", "c.jpg"), "is a .png"),
        (("dcgan-mnist", "vanilla-mnist", "-o", "gone/c.png"), "there is no folder"),
        (("dcgan-mnist", "vanilla-mnist", "--data", "mnist"), "--data goes with -m"),
        (("dcgan-mnist", "vanilla-mnist", "-m", "fd"), "is no protocol"),
        (("dcgan-mnist", "mnist"), "pictures have no stored values"),
        (("mnist", "cifar10", "-m", "fd[pixels]@9/test"), "say which, with --data"),
        (
            ("dcgan-mnist", "sngan-cifar10", "-m", "fd[pixels]@10/test"),
            "trained on cifar10 and mnist: give the real images",
        ),
    ],
)
def test_mistakes_are_one_line(call, words, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("compare", *words)
    assert done.code != 0
    assert text in done.err
    assert "Traceback" not in done.err
    assert not list(tmp_path.iterdir())
