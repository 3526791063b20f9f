"""Settings that steady a run: they reach it, come back with it, and are refused where they do not fit."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import forks
import ganzoo
from ganzoo.errors import ConfigError, DataError
from ganzoo.models.config import read_config
from ganzoo.models.weights import load_tensors
from ganzoo.training.settings import Settings
from helpers import narrow

ALL = {
    "optimizer": "adamw", "schedule": "cosine", "warmup": 16, "clip_grad": 1.0, "l1": 1e-5, "l2": 1e-4,
    "accumulate": 2, "augment": "ada", "instance_noise": 0.1, "balance": True,
}  # fmt: skip


@pytest.fixture
def train(mnist, tmp_path):
    def call(name="dcgan", out="run", data=mnist, **settings):
        small = {"images": 96, "batch_size": 16, "precision": "fp32", "device": "cpu", "report_every": 16}
        options = {**small, **settings}
        return ganzoo.train(name, data=str(data), out=tmp_path / out, progress=False, config=narrow(name), **options)

    return call


def tensors(run, images):
    folder = run / f"checkpoints/{images:09d}"
    return {file.name: load_tensors(file) for file in sorted(folder.glob("*.safetensors"))}


def test_a_run_with_all_of_them_is_resumed_with_the_same_bits(train, tmp_path):
    """The budget is one, so that the schedules are; the run is stopped half-way by a signal of its own."""
    train(out="straight", **ALL, checkpoint_every=48)
    train(out="parts", **ALL, checkpoint_every=48)
    for name in ("000000096",):
        folder = tmp_path / "parts/checkpoints" / name
        folder.rename(tmp_path / "lost")  # as if it had been killed before the end
    ganzoo.training.run.resume(tmp_path / "parts", progress=False)
    straight, parts = tensors(tmp_path / "straight", 96), tensors(tmp_path / "parts", 96)
    assert straight.keys() == parts.keys() >= {"augmentation.safetensors"}
    for file, expected in straight.items():
        assert expected.keys() == parts[file].keys()
        assert all(torch.equal(value, parts[file][key]) for key, value in expected.items()), file
    assert straight["augmentation.safetensors"]["strength"] > 0 or straight["augmentation.safetensors"]["signs"][1] > 0


def test_they_are_in_the_statistics_and_in_the_configuration(train, tmp_path):
    train(**ALL)
    lines = [json.loads(line) for line in (tmp_path / "run/stats.jsonl").read_text().splitlines()]
    rates = [line["lr/G"] / 2e-4 for line in lines]
    assert rates[0] == 0  # of the first step, before any image
    assert rates[1] == 1  # the warm-up is over
    assert rates[1:] == sorted(rates[1:], reverse=True)
    assert rates[-1] < 0.2
    assert all(0 <= line["augmentation/strength"] <= 1 for line in lines)
    written = json.loads((tmp_path / "run/config.json").read_text())["training"]
    assert {key: written[key] for key in ALL} == ALL


def test_an_optimizer_of_timms_replaces_the_architectures_own(train, tmp_path):
    train(optimizer="lion")
    kept = tensors(tmp_path / "run", 96)["optimizer-G.safetensors"]
    assert {key.partition(".")[2] for key in kept} == {"exp_avg"}  # Adam has two moments
    groups = json.loads((tmp_path / "run/checkpoints/000000096/state.json").read_text())["optimizers"]["G"]["groups"]
    assert groups[0]["betas"] == [0.5, 0.999]  # the architecture's
    assert groups[0]["initial_lr"] == 2e-4


def test_what_may_change_half_way_and_what_may_not(train, tmp_path):
    train()
    resume = ganzoo.training.run.resume
    with pytest.raises(ganzoo.errors.RunError, match="augment=none, not ada"):
        resume(tmp_path / "run", images=160, augment="ada", progress=False)
    resume(tmp_path / "run", images=160, augment="ada", override=["augment"], progress=False)
    assert "augmentation.safetensors" in tensors(tmp_path / "run", 160)
    resume(tmp_path / "run", images=192, progress=False)
    assert tensors(tmp_path / "run", 192)["augmentation.safetensors"]["signs"].shape == (2,)
    with pytest.raises(ConfigError, match="'optimizer'"):  # its moments would be of no use
        resume(tmp_path / "run", images=256, optimizer="lion", override=["optimizer"], progress=False)


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"schedule": "cosin"}, ConfigError, r"schedule=cosin.* Did you mean 'cosine'\?"),
        ({"clip_mode": "all"}, ConfigError, "clip_mode=all: it must be one of norm, value, agc"),
        ({"clip_grad": 0.0}, ConfigError, "clip_grad=0.0: it must be a number > 0"),
        ({"l2": -1.0}, ConfigError, "l2=-1.0: it must be a number >= 0"),
        ({"instance_noise": float("nan")}, ConfigError, "instance_noise=nan"),
        ({"warmup": 96}, ConfigError, "leaves nothing of 96"),
        ({"accumulate": 3}, ConfigError, "a batch of 16 images cannot be split evenly into 3 parts"),
        ({"optimizer": "adan_"}, ConfigError, "timm has no optimizer 'adan_'. Did you mean 'ada"),
        ({"optimizer": "kron"}, ConfigError, "timm's optimizer 'kron' cannot be used"),
        ({"optimizer": "adahessian"}, ConfigError, "timm's optimizer 'adahessian' cannot be used"),
        ({"accumulate": 16, "name": "vanilla"}, ConfigError, "a batch of 16, 1 in each of 16 parts, .* can on 32"),
        ({"clip_grad": "1"}, ConfigError, "clip_grad=1: it must be a number"),
        ({"balance": "yes"}, ConfigError, "balance=yes"),
        ({"warmup": 1.5}, ConfigError, "warmup=1.5"),
        ({"augment": "color,ada"}, ConfigError, "ada brings its own augmentations"),
        ({"augment": "ada", "name": "progan"}, ConfigError, "progan's discriminator has no decision boundary"),
        ({"augment": "colour"}, ConfigError, "no augmentation 'colour'. Did you mean 'color'"),
        ({"augment": "ada", "name": "wgan-gp"}, ConfigError, "wgan-gp's discriminator has no decision boundary"),
        ({"balance": True, "name": "pix2pix", "data": "edges:"}, DataError, "has no classes to balance"),
        ({"sync_batch_norm": True, "name": "wgan-gp"}, None, ""),
        ({"sync_batch_norm": True, "name": "r3gan"}, ConfigError, "r3gan has no batch norm"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_one_line_before_anything_is_written(
    settings, error, text, train, mnist, tmp_path
):
    if "data" in settings:
        settings = {**settings, "data": f"{settings['data']}{mnist}"}
    if error is None:
        assert train(**settings).images >= 96
        return
    with pytest.raises(error, match=text) as info:
        train(**settings)
    assert "\n" not in str(info.value)
    assert not (tmp_path / "run/config.json").exists()


def test_the_defaults_add_nothing():
    made = Settings("mnist", 1)
    assert (made.accumulate, made.schedule, made.warmup, made.clip_grad, made.l1, made.l2) == (
        1,
        "constant",
        0,
        None,
        0,
        0,
    )
    assert (made.augment, made.instance_noise, made.balance, made.optimizer) == (None, 0, False, None)


@pytest.mark.parametrize("name", ["adan", "lion", "sgd", "rmsprop", "nadamw", "adabelief"])
def test_optimizers_of_all_kinds_take_over_and_are_resumed(name, train, tmp_path):
    """adan has three betas, sgd none."""
    train(optimizer=name, checkpoint_every=48, out="straight")
    train(optimizer=name, checkpoint_every=48, out="parts")
    (tmp_path / "parts/checkpoints/000000096").rename(tmp_path / "lost")
    ganzoo.training.run.resume(tmp_path / "parts", progress=False)
    straight, parts = tensors(tmp_path / "straight", 96), tensors(tmp_path / "parts", 96)
    assert all(torch.equal(value, parts[file][key]) for file in straight for key, value in straight[file].items())


def test_on_the_command_line_what_was_switched_on_can_be_switched_off(train, tmp_path, mnist):
    train(augment="color", clip_grad=1.0, warmup=16, balance=True)
    words = [
        "--resume",
        "run",
        "--images",
        "160",
        "--augment",
        "none",
        "--clip-grad",
        "0",
        "--warmup",
        "0",
        "--no-balance",
    ]
    words += [word for name in ("augment", "clip-grad", "warmup", "balance") for word in ("--override", name)]
    done = forks.run("train", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "run/config.json").read_text())["training"]
    assert [written[name] for name in ("augment", "clip_grad", "warmup", "balance")] == [None, None, 0, False]
    assert {change["name"] for change in written["changes"]} == {"augment", "clip_grad", "warmup", "balance"}


def test_a_card_lists_what_steadied_the_training(train, tmp_path):
    from ganzoo.publishing.card_page import _training

    train(**ALL)
    told = Path(tmp_path / "run/config.json")
    facts = SimpleNamespace(config=read_config(told.parent), architecture=None, training=False)
    text = _training(facts)
    assert all(f"| {key} | {value} |" in text for key, value in ALL.items())
    assert "sync_batch_norm" not in text
