import shutil
from pathlib import Path

import pytest

from ganzoo.cli.options import size_text


@pytest.fixture
def own(trained, tmp_path):
    """A copy of a run."""
    shutil.copytree(trained, tmp_path / "digits")
    return tmp_path / "digits"


def test_a_report_is_written_into_the_run(call, own):
    done = call("report", str(own))
    assert (done.code, done.err) == (0, "")
    page = own / "report.html"
    assert done.out == f"wrote {page}: {size_text(page.stat().st_size)}, 1 preview\n"
    assert "Nearest neighbours" in page.read_text(encoding="utf-8")  # of the images that it was trained on


def test_or_anywhere_else_and_again(call, own, tmp_path):
    out = tmp_path / "page.html"
    for _ in range(2):
        assert call("report", str(own), "-o", str(out), "--neighbours", "0").code == 0
    assert out.exists()
    assert not (own / "report.html").exists()


def test_a_data_path_in_a_downloaded_config_is_not_read(call, own, mnist, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(own / name, model / name)
    done = call("report", str(model))  # its config.json names a folder of this machine
    assert done.code == 0
    assert done.err == (
        "! no neighbours: model was trained on images not available by name: give the real images with --data\n"
    )
    done = call("report", str(model), "--data", str(mnist))
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "Missing argument 'RUN'"),
        (("",), "the path is empty"),
        (("{tmp}",), "is no run or model folder: it has no config.json"),
        (("dcgan-mnist",), "there is no folder dcgan-mnist: name that of a run, or of a model"),
        (("{run}", "-o", "{tmp}"), "is a folder: name the page"),
        (("{run}", "-o", "{tmp}/gone/page.html", "--neighbours", "0"), "cannot be written"),
        (("{run}", "--neighbours", "-1"), "-1 is not in the range"),
        (("{run}", "--device", "abacus"), "this machine has no device 'abacus'"),
    ],
)
def test_mistakes_are_one_line(call, trained, tmp_path, words, text):
    done = call("report", *(word.format(run=trained, tmp=tmp_path) for word in words))
    assert done.code != 0
    assert text in done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []
    assert not (Path(trained) / "report.html").exists()
