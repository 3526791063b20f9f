"""The guide's code, as it stands in the pages, does what the guide says."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganzoo.testing import CHECKS
from ganzoo.testing.subject import DIGITS
from installs import ganzoo, install, python

DOCS = Path(__file__).parents[1] / "docs"
SMALL = ("-o", "width=8", "-o", "latent_dim=16")


def blocks(page, language="python"):
    found = re.findall(
        rf"^```{language}\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert found, page
    return found


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The package of "Write your first architecture"."""
    site = tmp_path_factory.mktemp("first")
    light, model, *_ = blocks("first-architecture.md")
    install(site, "ganzoo-pearson", light)
    (site / "ganzoo_pearson" / "model.py").write_text(model)
    return site


def test_the_first_architecture_is_short():
    light, model, *_ = blocks("first-architecture.md")
    lines = [line for line in (light + model).splitlines() if line.strip() and not line.strip().startswith("#")]
    assert len(lines) <= 75


def test_the_entry_point_of_the_page_names_its_module():
    assert blocks("first-architecture.md", "toml") == ['[project.entry-points.ganzoo]\npearson = "ganzoo_pearson"\n']


@pytest.mark.slow
def test_the_first_architecture_passes_the_whole_kit(first):
    done = ganzoo("check", "pearson", *SMALL, site=first)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"pearson: {len(CHECKS)} passed" in done.stdout


def test_the_first_architecture_is_used_as_the_page_says(first, mnist, tmp_path):
    assert "from 1 to 1024" in ganzoo("show", "pearson", site=first).stdout
    refused = ganzoo("train", "pearson", "--data", str(mnist), "-o", "width=0", site=first)
    assert "width=0: it must be an integer from 1 to 1024" in refused.stderr
    out = str(tmp_path / "run")
    words = ["--data", str(mnist), "--images", "128", "--batch-size", "32", *SMALL, "--out", out]
    assert ganzoo("train", "pearson", *words, site=first).returncode == 0
    picture = tmp_path / "digits.png"
    assert ganzoo("sample", out, "-n", "4", "-o", str(picture), site=first).returncode == 0
    assert picture.exists()
    done = python("-c", blocks("first-architecture.md")[2], site=first)
    assert done.stdout == "torch.Size([4, 3, 32, 32])\n", done.stderr


GAMES = ["Game", "ManyCritics", "LazyR1", "TwoGenerators", "BiGAN", "Growing"]
LIGHT = """
from dataclasses import dataclass
from typing import Annotated

from ganzoo.registry import Architecture, Meta, fields, hookimpl


@dataclass(frozen=True)
class Config:
    image_size: fields.ImageSize = 28
    channels: fields.Channels = 1
    latent_dim: fields.LatentDim = 64
    width: fields.Width = 32
    lr: fields.LearningRate = 1e-3
    grow: Annotated[int, Meta(ge=1, description="images of a stage")] = 960


@hookimpl
def ganzoo_architectures():
    for name in {names}:
        yield Architecture(name=name.lower(), target=f"ganzoo_games.model:{{name}}", config=Config, summary=name)
"""


@pytest.fixture(scope="module")
def games(tmp_path_factory):
    site = tmp_path_factory.mktemp("games")
    install(site, "ganzoo-games", LIGHT.format(names=GAMES))
    (site / "ganzoo_games" / "model.py").write_text("\n\n".join(blocks("phases.md")))
    return site


@pytest.fixture(scope="module")
def restorer(tmp_path_factory):
    """The model of the page about translation, as a package."""
    site = tmp_path_factory.mktemp("restorer")
    _, light, one, larger, both = blocks("translation.md")
    entry = light[light.index("    yield") :]
    for name in ("BothWays", "FourTimes"):
        light += entry.replace('name="restorer"', f'name="{name.lower()}"').replace("model:Restorer", f"model:{name}")
    install(site, "ganzoo-games", light)
    (site / "ganzoo_games" / "model.py").write_text(one + larger + both)
    return site


@pytest.fixture(scope="module")
def enlargements(tmp_path_factory):
    """The digits as pairs: 16x16 for A, 64x64 for B."""
    folder = tmp_path_factory.mktemp("pairs")
    digits = np.load(DIGITS)["images"]
    for side, size in (("A", 16), ("B", 64)):
        (folder / side).mkdir()
        for i, digit in enumerate(digits[:300]):
            Image.fromarray(digit.squeeze()).resize((size, size)).save(folder / side / f"{i}.png")
    return f"pairs:A={folder}/A,B={folder}/B"


@pytest.mark.slow
def test_a_model_that_enlarges_passes_the_kit(restorer, enlargements):
    short = ["--expect", "hyper_parameters_are_explained=the page is to be short"]
    done = ganzoo("check", "fourtimes", "--data", enlargements, "-o", "width=8", *short, site=restorer)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_model_that_enlarges_is_trained_and_translates(restorer, enlargements, tmp_path):
    run, small = tmp_path / "run", tmp_path / "small.png"
    words = ["--images", "64", "--batch-size", "16", "-o", "width=8", "--out", str(run)]
    done = ganzoo("train", "fourtimes", "--data", enlargements, *words, site=restorer)
    assert done.returncode == 0, done.stderr
    assert "A: 16x16 grey" in done.stderr
    assert "B: 64x64 grey" in done.stderr
    Image.new("L", (16, 16), 90).save(small)
    done = ganzoo("translate", str(run), str(small), "-o", str(tmp_path / "large.png"), site=restorer)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "large.png") as large:
        assert large.size == (64, 64)
    done = ganzoo("translate", str(run), str(small), "--beside", "-o", str(tmp_path / "both.png"), site=restorer)
    with Image.open(tmp_path / "both.png") as both:
        assert both.size == (128, 64)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["restorer", "bothways"])
def test_a_model_that_translates_passes_the_kit(restorer, name):
    short = ["--expect", "hyper_parameters_are_explained=the page is to be short"]
    done = ganzoo("check", name, "-o", "width=8", *short, site=restorer)
    assert done.returncode == 0, done.stdout + done.stderr


def test_images_of_images_in_code():
    done = python("-c", blocks("translation.md")[0] + "\nprint(translated.shape)")
    assert done.stdout == "torch.Size([4, 3, 32, 32])\n", done.stderr


def test_every_class_of_the_page_is_tried():
    classes = re.findall(r"^class (\w+)\((?:GAN|Game)\)", "\n".join(blocks("phases.md")), re.MULTILINE)
    assert classes == GAMES


@pytest.mark.slow
@pytest.mark.parametrize(("name", "width"), [*((name, 8) for name in GAMES[:-1]), (GAMES[-1], 24)])
def test_a_worked_example_passes_the_whole_kit(games, name, width):
    done = ganzoo("check", name.lower(), "-o", f"width={width}", "-o", "latent_dim=16", site=games)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_condition_of_the_page_chooses_the_generator(games):
    code = (
        "import ganzoo, torch\n"
        "gan = ganzoo.create('twogenerators', width=8)\n"
        "turns, second = gan.sample(4), gan.sample(4, which=1)\n"
        "print([bool(torch.equal(a, b)) for a, b in zip(turns, second)])\n"
    )
    assert python("-c", code, site=games).stdout == "[False, True, False, True]\n"


@pytest.mark.slow
def test_a_growing_model_grows(games, mnist, tmp_path):
    code = (
        "import ganzoo, torch\n"
        "for images in (480, 1440, 1920):\n"
        f"    run = {str(tmp_path)!r} + f'/{{images}}'\n"
        f"    ganzoo.train('growing', data={str(mnist)!r}, images=images, batch_size=32, out=run, progress=False,\n"
        "                 config={'width': 8})\n"
        "    gan = ganzoo.load(run)\n"
        "    image, share = gan.sample(1), float(gan.generator.share)\n"
        "    coarse = torch.equal(image[..., ::2, ::2], image[..., 1::2, 1::2])\n"
        "    print(round(share, 2), coarse)\n"
    )
    assert python("-c", code, site=games).stdout.splitlines() == ["0.0 True", "0.47 False", "0.97 False"]


@pytest.mark.slow
def test_the_encoder_reads_what_is_drawn_again(games, mnist, tmp_path):
    run = str(tmp_path / "run")
    code = (
        "import ganzoo, torch\n"
        f"ganzoo.train('bigan', data={str(mnist)!r}, images=64, batch_size=32, out={run!r}, progress=False,\n"
        "             config={'width': 8})\n"
        f"gan = ganzoo.load({run!r})\n"
        "images = gan.sample(3)\n"
        "print(tuple(gan.sample(3, images=images).shape), [name for name, _ in gan.named_children()])\n"
        "for wrong in (images[:2], 5):\n"
        "    try:\n"
        "        gan.sample(3, images=wrong)\n"
        "    except ganzoo.GanzooError as error:\n"
        "        print(type(error).__name__)\n"
    )
    done = python("-c", code, site=games)
    assert done.stdout.splitlines() == [
        "(3, 1, 28, 28) ['generator', 'encoder']", "ConfigError", "ConfigError",
    ], done.stderr  # fmt: skip
