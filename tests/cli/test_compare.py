import json

import pytest
from PIL import Image


def test_a_table_and_a_picture(call, mnist, tmp_path):
    out = tmp_path / "compare.png"
    words = ["-m", "fd[pixels]@64/train", "-m", "class-entropy[mnist-classifier]@64", "--data", str(mnist)]
    done = call("compare", "dcgan-mnist", "vanilla-mnist", *words, "-n", "5", "-o", str(out))
    assert done.code == 0, done.err
    header, first, second, better, *_ = done.out.splitlines()
    assert header.split()[:2] == ["MODEL", "fd[pixels]@64/train"]
    assert {first.split()[0], second.split()[0]} == {"dcgan-mnist", "vanilla-mnist"}
    assert first.split()[2] == "*"
    assert "lower is better" in better
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


def test_unlike_models_are_not_ranked_and_the_way_out_is_told(call, tmp_path):
    done = call("compare", "dcgan-mnist", "sngan-cifar10", "-o", str(tmp_path / "c.png"))
    assert done.code == 1
    assert "not ranked" in done.out
    assert "nothing to rank them by" in done.err
    assert "ganzoo compare dcgan-mnist sngan-cifar10 -m 'fd[" in done.err
    assert (tmp_path / "c.png").exists(), "the picture compares all the same"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("dcgan-mnist",), "two models or more"),
        (("dcgan-mnist", "dcgan-mnst"), "Did you mean 'dcgan-mnist'"),
        (("dcgan-mnist", "vanilla-mnist", "-o", "c.jpg"), "is a .png"),
        (("dcgan-mnist", "vanilla-mnist", "--data", "mnist"), "--data goes with -m"),
        (("dcgan-mnist", "vanilla-mnist", "-m", "fd"), "is no protocol"),
        (("dcgan-mnist", "sngan-cifar10", "-m", "fd[pixels]@10/test"), "trained on cifar10 and mnist: say which"),
    ],
)
def test_mistakes_are_one_line(call, words, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("compare", *words)
    assert done.code != 0
    assert text in done.err
    assert "Traceback" not in done.err
    assert not list(tmp_path.iterdir())
