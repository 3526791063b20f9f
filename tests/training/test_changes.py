"""A resumed run is unchanged but for what is overridden."""

import json

import pytest
import torch

import ganzoo
from ganzoo.errors import ConfigError, RunError
from ganzoo.models.weights import load_tensors
from helpers import narrow


def train(mnist, out, **settings):
    options = {"images": 64, "batch_size": 32, **settings}
    return ganzoo.train("dcgan", data=str(mnist), out=out, progress=False, config=narrow("dcgan"), **options).run


@pytest.fixture
def run(mnist, tmp_path):
    return train(mnist, tmp_path / "run")


@pytest.mark.parametrize(
    ("wishes", "text"),
    [
        ({"config": {"lr": 1e-3}}, r"lr=0.0002, not 0.001: leave that out .* --override lr to"),
        ({"batch_size": 16}, r"the run has batch_size=32, not 16: .* --override batch_size"),
        (
            {"config": {"lr": 1e-3, "beta1": 0.1}, "seed": 5, "override": ["lr"]},
            r"the run has beta1=0.5, not 0.1; seed=0, not 5: .* --override beta1 --override seed to",
        ),
    ],
)
def test_a_change_is_refused_with_the_difference_shown(run, wishes, text):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(RunError, match=text) as raised:
        ganzoo.resume(run, images=128, progress=False, **wishes)
    assert "\n" not in str(raised.value)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("wishes", "error", "text"),
    [
        ({"config": {"lrr": 1}}, ConfigError, "lrr"),
        ({"config": {"lr": -1}}, ConfigError, "lr=-1"),
        ({"colour": 1}, ConfigError, "takes no 'colour'; it takes: images, balance, batch_size"),
        ({"data": "mnist"}, ConfigError, "takes no 'data'"),
        ({"override": ["lr"]}, ConfigError, "override 'lr' needs a new value"),
        ({"config": {"base_channels": 16}, "override": ["base_channels"]}, RunError, "cannot be restored"),
    ],
)
def test_what_makes_no_sense_is_refused(run, wishes, error, text):
    with pytest.raises(error, match=text):
        ganzoo.resume(run, images=128, progress=False, **wishes)


def test_the_same_values_change_nothing(run, mnist, tmp_path):
    straight = train(mnist, tmp_path / "straight", images=128)
    ganzoo.resume(run, images=128, config={"lr": 2e-4}, batch_size=32, preview_every=64, keep=3, progress=False)
    ours, theirs = (load_tensors(folder / "model.safetensors") for folder in (run, straight))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert "changes" not in json.loads((run / "config.json").read_text())["training"]
    assert (run / "samples/000000128.png").exists()  # what it tells may change freely


def test_an_override_takes_effect_and_is_written_down(run, mnist, tmp_path):
    ganzoo.resume(run, images=96, config={"lr": 1e-3}, override=["lr"], progress=False)
    last = json.loads((run / "stats.jsonl").read_text().splitlines()[-1])
    assert last["lr/G"] == last["lr/D"] == 1e-3
    config = json.loads((run / "config.json").read_text())
    assert config["config"]["lr"] == 1e-3
    assert config["training"]["changes"] == [{"images": 64, "name": "lr", "before": 2e-4, "after": 1e-3}]
    ganzoo.resume(run, images=128, progress=False)  # the new value is the run's own from now on
    last = json.loads((run / "stats.jsonl").read_text().splitlines()[-1])
    assert (last["images"], last["lr/G"]) == (128, 1e-3)
    ganzoo.resume(run, images=160, batch_size=16, override=["batch_size"], progress=False)
    config = json.loads((run / "config.json").read_text())
    assert [change["name"] for change in config["training"]["changes"]] == ["lr", "batch_size"]
    assert ganzoo.load(run).sample(1).isfinite().all()


def test_an_override_that_changes_the_networks_says_so_and_loses_nothing(run):
    before = sorted(path for path in run.rglob("*") if path.name != ".lock")
    with pytest.raises(RunError, match=r"restored .*: leave out"):
        ganzoo.resume(run, images=96, config={"base_channels": 3}, override=["base_channels"], progress=False)
    assert sorted(path for path in run.rglob("*") if path.name != ".lock") == before


def test_on_the_command_line(call, run):
    refused = call("train", "--resume", str(run), "--images", "128", "-o", "lr=0.001")
    assert (refused.code, refused.out) == (1, "")
    assert "lr=0.0002, not 0.001" in refused.err
    done = call("train", "--resume", str(run), "--images", "96", "-o", "lr=0.001", "--override", "lr")
    assert done.code == 0, done.err
    for words, text in (
        (["--resume", str(run), "--data", "mnist"], "leave out --data"),
        (["dcgan", "--data", "mnist", "--override", "lr"], "--override needs --resume"),
    ):
        done = call("train", *words)
        assert done.code == 2
        assert text in done.err
