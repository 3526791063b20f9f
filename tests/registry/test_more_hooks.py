"""The hooks ganzoo_trackers and ganzoo_commands: the examples of the page, installed and used."""

import re
from pathlib import Path

import pytest

from installs import ganzoo, install

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def after(text: str) -> list[str]:
    """Return the block with this text and the one that follows it."""
    index = next(i for i, block in enumerate(BLOCKS) if text in block)
    return BLOCKS[index : index + 2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    for dist, module, hook in (
        ("ganzoo-csv", "tracker", "def ganzoo_trackers"),
        ("ganzoo-hello", "command", "def ganzoo_commands"),
    ):
        light, heavy = after(hook)
        install(folder, dist, light)
        (folder / dist.replace("-", "_") / f"{module}.py").write_text(heavy)
    return folder


def test_a_tracker_gets_every_report(site, mnist, tmp_path):
    words = (
        "--data",
        str(mnist),
        "--images",
        "96",
        "--batch-size",
        "32",
        "-o",
        "base_channels=8",
        "--report-every",
        "32",
    )
    done = ganzoo("train", "dcgan", *words, "--tracker", "csv", "--out", str(tmp_path / "run"), site=site)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "run" / "stats.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in lines] == ["32", "64", "96"]
    assert all("images/s=" in line and "lr/G=" in line for line in lines)


def test_an_unknown_tracker_is_named_before_anything_is_written(site, mnist, tmp_path):
    words = ("--data", str(mnist), "--out", str(tmp_path / "run"))
    done = ganzoo("train", "dcgan", *words, "--tracker", "cvs", site=site)
    assert done.returncode == 1
    assert "there is no tracker 'cvs'. Did you mean 'csv'? There are: tensorboard, csv" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_command_is_listed_and_runs(site):
    assert re.search(r"^  hello +Greet a model\.$", ganzoo("--help", site=site).stdout, re.MULTILINE)
    done = ganzoo("hello", "dcgan-mnist", site=site)
    assert done.stdout == "Hello, DCGAN!\n", done.stderr
    assert "Did you mean 'hello'?" in ganzoo("helo", site=site).stderr


def test_help_works_whatever_is_wrong_with_the_plugins(site):
    done = ganzoo("--help", site=site, GANZOO_PLUGINS="nobody")
    assert done.returncode == 0
    assert "plugins" in done.stdout


def test_they_are_among_what_plugins_provide(site):
    out = ganzoo("plugins", site=site).stdout
    assert re.search(r"^ganzoo-csv +ganzoo-csv +1\.0 +csv$", out, re.MULTILINE)
    assert re.search(r"^ganzoo-hello +ganzoo-hello +1\.0 +hello$", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("target", "text"),
    [("nowhere:x", "command 'odd' of ganzoo-odd 1.0 cannot be imported"), ("os:sep", "is no click.Command")],
)
def test_a_broken_command_is_one_line_and_costs_no_other(tmp_path, target, text):
    source = (
        "from ganzoo.registry import Command, hookimpl\n\n\n@hookimpl\ndef ganzoo_commands():\n"
        f"    yield Command(name='odd', target={target!r}, summary='odd')\n"
        "    yield Command(name='list', target='nowhere:x', summary='mine')\n"
    )
    install(tmp_path, "ganzoo-odd", source)
    done = ganzoo("odd", site=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert text in done.stderr
    assert ganzoo("--help", site=tmp_path).returncode == 0
    assert "dcgan" in ganzoo("list", site=tmp_path).stdout
