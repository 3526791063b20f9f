"""The hooks of losses, metrics, extractors, trackers and commands: the examples of the page, installed and used."""

import json
import re
from pathlib import Path

import pytest
import torch

from ganzoo.metrics.interfaces import KeepsReal
from installs import ganzoo, install, python

PAGE = Path(__file__).parents[2] / "docs" / "hooks.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def after(text: str) -> list[str]:
    """Return the block with this text and the one that follows it."""
    index = next(i for i, block in enumerate(BLOCKS) if text in block)
    return BLOCKS[index : index + 2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    for dist, module, hook in (
        ("ganzoo-pearson-loss", "losses", "def ganzoo_losses"),
        ("ganzoo-ink", "measures", "def ganzoo_metrics"),
        ("ganzoo-csv", "tracker", "def ganzoo_trackers"),
        ("ganzoo-hello", "command", "def ganzoo_commands"),
    ):
        light, heavy = after(hook)
        install(folder, dist, light)
        (folder / dist.replace("-", "_") / f"{module}.py").write_text(heavy)
    return folder


def test_what_the_example_keeps_of_real_images_gives_the_same_value():
    scope = {}
    for text in ("class Ink:", "class KeptInk(Ink)"):
        exec(after(text)[0], scope)
    real, generated = torch.full((5, 1, 4, 4), 30, dtype=torch.uint8), torch.full((3, 1, 4, 4), 90, dtype=torch.uint8)
    first, again = scope["KeptInk"](), scope["KeptInk"]()
    assert isinstance(first, KeepsReal)
    first.update({"image": real}, real=True)
    again.load_real_state({name: tensor.clone() for name, tensor in first.real_state().items()})
    for measure in (first, again):
        measure.update({"image": generated}, real=False)
        assert measure.compute() == 60


def test_an_extractor_says_what_was_left_out():
    scope = {}
    exec(after("class Ink:")[0], scope)
    assert scope["Edges"]().written == scope["Edges"]("4").written == ":4"
    assert scope["Edges"]("8").written == ":8"


def test_a_tracker_gets_every_report(site, mnist, tmp_path):
    words = f"--data {mnist} --images 96 --batch-size 32 -o base_channels=8 --report-every 32".split()
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


def complete(words, site):
    return python("-m", "ganzoo", site=site, _GANZOO_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD="1")


def test_the_shell_completes_a_plugins_command(site):
    assert complete("ganzoo he", site).stdout == "plain,hello\n"


def test_the_shell_completes_beside_a_broken_command(tmp_path):
    source = "from ganzoo.registry import Command, hookimpl\n\n\n@hookimpl\ndef ganzoo_commands():\n"
    install(tmp_path, "ganzoo-odd", f"{source}    yield Command(name='shatter', target='nowhere:x', summary='')\n")
    done = complete("ganzoo sh", tmp_path)
    assert (done.stdout, done.stderr) == ("plain,show\n", "")


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
    [("nowhere:x", "command 'odd' of ganzoo-odd 1.0 cannot be imported"), ("os:sep", "is not a click.Command")],
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


def test_an_error_in_a_plugin_names_its_package(tmp_path):
    source = (
        "import json, click\nfrom ganzoo.registry import Command, hookimpl\nfrom ganzoo.cli import options\n\n\n"
        "@hookimpl\ndef ganzoo_commands():\n"
        "    return [Command(name=n, target='ganzoo_odd:' + n, summary='') for n in ('mine', 'library', 'ganzoos')]\n\n"
        "@click.command()\ndef mine():\n    1 / 0\n\n\n"
        "@click.command()\ndef library():\n    json.loads([])\n\n\n"
        "@click.command()\ndef ganzoos():\n    options.size_text('x')\n"
    )
    install(tmp_path, "ganzoo-odd", source)
    own = (
        "Error: unexpected ZeroDivisionError in the plugin ganzoo-odd: division by zero (--debug shows where; report it"
    )
    assert ganzoo("mine", site=tmp_path).stderr == f"{own} to its authors)\n"
    assert "unexpected TypeError in the plugin ganzoo-odd: " in ganzoo("library", site=tmp_path).stderr
    assert ganzoo("ganzoos", site=tmp_path).stderr.startswith("Error: unexpected TypeError: ")


SMALL = ("-o", "base_channels=8", "-o", "discriminator_channels=8", "--images", "64", "--batch-size", "32")


@pytest.mark.slow
def test_a_loss_is_trained_with_by_its_name(site, mnist, tmp_path):
    words = ("--data", str(mnist), *SMALL, "-o", "loss=pearson", "--out", str(tmp_path / "run"))
    done = ganzoo("train", "dcgan", *words, site=site)
    assert done.returncode == 0, done.stderr
    run = str(tmp_path / "run")
    code = f"import ganzoo\nfrom ganzoo_pearson_loss import losses\nprint(ganzoo.load({run!r}).loss is losses.PEARSON)"
    assert python("-c", code, site=site).stdout == "True\n"


def test_a_loss_is_found_with_the_contract_alone_imported(site):
    code = (
        "import sys\nfrom ganzoo.gan import get_loss\nfrom ganzoo_pearson_loss import losses\n"
        "print(get_loss('pearson') is losses.PEARSON, 'ganzoo.models' in sys.modules)"
    )
    assert python("-c", code, site=site).stdout == "True False\n"


def test_a_plugins_loss_is_suggested_with_the_others(site, mnist, tmp_path):
    words = ("--data", str(mnist), *SMALL, "-o", "loss=person", "--out", str(tmp_path / "run"))
    done = ganzoo("train", "dcgan", *words, site=site)
    assert "No loss is called 'person'. Did you mean 'pearson'? There are: minimax, " in done.stderr
    assert "two-sided-smoothing, pearson." in done.stderr
    assert not (tmp_path / "run").exists()


def test_metrics_and_extractors_are_used_by_their_names(site, mnist):
    words = [word for text in ("ink@50/train", "fd[edges]@50/train", "fd[edges:2]@50/train") for word in ("-m", text)]
    done = ganzoo("eval", "dcgan-mnist", "--data", str(mnist), *words, "--json", site=site)
    assert done.returncode == 0, done.stderr
    scores = {score["protocol"]: score["value"] for score in json.loads(done.stdout)}
    assert 0 <= scores["ink@50/train"] < 128
    assert scores["fd[edges:4]@50/train"] > scores["fd[edges:2]@50/train"] > 0


def test_list_all_shows_them(site):
    out = ganzoo("list", "--all", site=site).stdout
    for name, package in (
        ("pearson", "ganzoo-pearson-loss"),
        ("ink", "ganzoo-ink"),
        ("edges", "ganzoo-ink"),
        ("csv", "ganzoo-csv"),
    ):
        assert re.search(rf"^{name} +{package} 1\.0 ", out, re.MULTILINE), name


BROKEN = """
from ganzoo.registry import AdversarialLoss, Extractor, Metric, hookimpl


@hookimpl
def ganzoo_losses():
    yield AdversarialLoss(name="hinge", target="nowhere:HINGE", summary="another hinge")
    yield AdversarialLoss(name="odd", target="os:sep", summary="a word")


@hookimpl
def ganzoo_metrics():
    yield Metric(name="raises", target="ganzoo_broken:Raises", summary="raises", better="lower")


@hookimpl
def ganzoo_extractors():
    yield Extractor(name="list", target="ganzoo_broken:make", summary="returns no dict")
    yield Extractor(name="none", target="builtins:dict", summary="makes no module")


class Raises:
    needs, compares = frozenset({"image"}), False

    def update(self, batch, *, real):
        raise RuntimeError("no luck")


def make():
    from torch import nn

    return nn.Flatten()
"""


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("train", "dcgan", "-o", "loss=odd"), "os:sep of ganzoo-broken is no ganzoo.gan.Loss"),
        (("train", "dcgan", "-o", "loss=ganzoo-broken:hinge"), "loss 'hinge' of ganzoo-broken 1.0 cannot be imported"),
        (("eval", "dcgan-mnist", "-m", "raises@5"), "'raises@5' cannot be measured: RuntimeError: no luck"),
        (("eval", "dcgan-mnist", "-m", "fd[list]@5/train"), "'list' must return a dict of tensors"),
        (("eval", "dcgan-mnist", "-m", "fd[none]@5/train"), "makes no torch.nn.Module"),
    ],
)
def test_a_broken_one_is_one_line(tmp_path, mnist, words, text):
    install(tmp_path, "ganzoo-broken", BROKEN)
    done = ganzoo(*words, "--data", str(mnist), site=tmp_path)
    assert done.returncode == 1
    assert text in done.stderr
    assert done.stderr.rstrip().splitlines()[-1].startswith("Error: ")


def test_a_built_in_loss_keeps_its_meaning_when_a_plugin_takes_its_name(tmp_path, mnist):
    install(tmp_path, "ganzoo-broken", BROKEN)
    words = ("--data", str(mnist), *SMALL, "-o", "loss=hinge", "--out", str(tmp_path / "run"))
    assert ganzoo("train", "dcgan", *words, site=tmp_path).returncode == 0
    assert "2 packages provide the loss 'hinge'" in ganzoo("list", site=tmp_path).stderr


def test_a_written_model_says_whose_loss_it_needs(site, mnist, tmp_path):
    run = str(tmp_path / "run")
    words = ("--data", str(mnist), *SMALL, "-o", "loss=pearson", "--out", run)
    assert ganzoo("train", "dcgan", *words, site=site).returncode == 0
    assert json.loads(Path(run, "config.json").read_text())["config"]["loss"] == "ganzoo-pearson-loss:pearson"
    # Without the plugin it still generates, which needs no loss; training does.
    assert ganzoo("sample", run, "-n", "4", "-o", str(tmp_path / "grid.png")).returncode == 0
    done = ganzoo("train", "--resume", run, "--images", "128")
    assert done.returncode == 1
    assert "the loss 'pearson' is one of ganzoo-pearson-loss, which is not installed" in done.stderr
    assert "pip install ganzoo-pearson-loss" in done.stderr
    assert ganzoo("train", "--resume", run, "--images", "128", site=site).returncode == 0


BAD_LOSSES = {
    "raises": "lambda *logits: 1 / 0",
    "floats": "lambda *logits: 0.5",
    "detached": "lambda *logits: logits[0].detach()",
    "matrix": "lambda *logits: logits[0][:, None] * logits[0]",
    "nan": "lambda *logits: logits[0] / 0",
}


@pytest.mark.parametrize("name", BAD_LOSSES)
def test_a_loss_that_does_not_work_is_found_before_anything_is_written(tmp_path, mnist, name):
    source = (
        "from ganzoo.registry import AdversarialLoss, hookimpl\n\n\n@hookimpl\ndef ganzoo_losses():\n"
        f"    yield AdversarialLoss(name={name!r}, target='ganzoo_bad.losses:LOSS', summary='bad')\n"
    )
    install(tmp_path, "ganzoo-bad", source)
    loss = f"from ganzoo.gan import Loss\n\nLOSS = Loss({BAD_LOSSES[name]}, {BAD_LOSSES[name]})\n"
    (tmp_path / "ganzoo_bad" / "losses.py").write_text(loss)
    run = tmp_path / "run"
    done = ganzoo("train", "dcgan", "--data", str(mnist), "-o", f"loss={name}", "--out", str(run), site=tmp_path)
    assert done.returncode == 1
    assert f"Error: the loss '{name}' of ganzoo-bad" in done.stderr
    assert not run.exists()
