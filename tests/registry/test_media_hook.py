"""The hook ganzoo_media: the example of the page, installed, trained, resumed, sampled and checked."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from installs import ganzoo, install

PAGE = Path(__file__).parents[2] / "docs" / "media.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    light, medium, model = (
        next(block for block in BLOCKS if text in block)
        for text in ("def ganzoo_media", "(Medium)", "(AdversarialGAN)")
    )
    install(folder, "ganzoo-curve", light)
    for name, source in (("medium", medium), ("model", model)):
        (folder / "ganzoo_curve" / f"{name}.py").write_text(source)
    return folder


@pytest.fixture(scope="module")
def curves(tmp_path_factory):
    """Return a folder of 40 waves, one of them with more points, beside a picture."""
    folder = tmp_path_factory.mktemp("curves")
    for i in range(40):
        np.savetxt(folder / f"{i}.curve", np.sin(np.linspace(0, 6 + i / 10, 32 if i else 64)))
    Image.new("L", (8, 8)).save(folder / "beside.png")
    return folder


def train(site, *words):
    return ganzoo("train", *words, "--report-every", "64", "--checkpoint-every", "64", site=site)


@pytest.mark.slow
def test_a_medium_of_a_plugin_is_trained_resumed_and_sampled(site, curves, tmp_path):
    run = tmp_path / "run"
    done = train(
        site, "curvegan", "--data", str(curves), "--images", "128", "--batch-size", "8", "--out", str(run),
        "-o", "points=32",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "40 " in done.stderr
    assert "1 .png" in done.stderr  # skipped, as most files are curves
    assert "32 points, 1 resampled" in done.stderr
    with Image.open(run / "samples.png") as grid:
        assert grid.size == (512, 512)
    done = train(site, "--resume", str(run), "--images", "192")
    assert done.returncode == 0, done.stderr
    done = ganzoo("sample", str(run), "-n", "3", "-o", str(tmp_path / "made"), site=site)
    assert done.returncode == 0, done.stderr
    files = sorted((tmp_path / "made").iterdir())
    assert [path.name for path in files] == ["0.curve", "1.curve", "2.curve"]
    assert np.loadtxt(files[0]).shape == (32,)
    done = ganzoo("sample", str(run), "-n", "1", "-o", str(tmp_path / "one.curve"), site=site)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.loadtxt(tmp_path / "one.curve"), np.loadtxt(files[0]), atol=1e-4)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--background", "black"], ["background"]),
        (["--augment", "color"], ["color"]),
    ],
)
def test_what_is_for_images_alone_is_refused_in_one_line(site, curves, tmp_path, words, names):
    done = train(
        site, "curvegan", "--data", str(curves), "--images", "64", "--batch-size", "8", "-o", "points=32", *words,
        "--out", str(tmp_path / "run"),
    )  # fmt: skip
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert all(name in done.stderr for name in names)
    assert "report it" not in done.stderr


def test_images_are_refused_by_a_model_of_curves(site, tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    done = train(site, "curvegan", "--data", str(tmp_path), "--images", "64")
    assert done.returncode == 1
    assert "curve" in done.stderr


@pytest.mark.slow
def test_the_kit_passes_a_model_of_another_medium(site, curves):
    done = ganzoo("check", "curvegan", "--data", str(curves), "-o", "points=32", site=site)
    assert done.returncode == 0, done.stdout + done.stderr
