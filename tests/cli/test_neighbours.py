import pytest
from PIL import Image


def test_a_picture_of_the_nearest(call, mnist, tmp_path):
    out = tmp_path / "n.png"
    done = call(
        "neighbours", "dcgan-mnist", "--data", str(mnist), "-e", "mnist-classifier", "-n", "40", "--keep", "3",
        "--neighbours", "2", "-o", str(out),
    )  # fmt: skip
    assert done.code == 0, done.err
    assert len([line for line in done.out.splitlines() if line[:1].isdigit()]) == 3
    with Image.open(out) as picture:
        assert picture.width >= 3 * 64
        assert picture.height >= 3 * (64 + 14)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("-o", "n.jpg"), "is a .png"),
        (("-o", "gone/n.png"), "there is no folder"),
        (("-e", "pixls"), "No extractor is called 'pixls'"),
        (("--neighbours", "0"), "0 is not in the range"),
    ],
)
def test_mistakes_are_one_line(call, mnist, words, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call("neighbours", "dcgan-mnist", "--data", str(mnist), *words)
    assert done.code != 0
    assert text in done.err
    assert not list(tmp_path.iterdir())
