import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from PIL import Image

import broken_gans
import ganzoo
from ganzoo.errors import ConfigError, DataError, MissingExtraError, PluginError, RunError
from ganzoo.models.weights import load_tensors
from ganzoo.registry import Architecture, installed
from ganzoo.registry.zoo import Registered
from helpers import BareConfig, data_for, narrow, open_config

ARCHITECTURES = ganzoo.list_architectures()


def train(name, data, out, **settings):
    options = {"images": 128, "batch_size": 32, "report_every": 32, "preview_every": 64, "checkpoint_every": 64}
    config = settings.pop("config", narrow(name))
    return ganzoo.train(name, data=str(data), out=out, progress=False, config=config, **{**options, **settings})


def stats(run):
    return [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_run_leaves_a_folder_that_loads(name, mnist, tmp_path):
    outcome = train(name, data_for(name, mnist), tmp_path / "run", images=320)
    run = outcome.run
    assert outcome.signal is None
    assert outcome.images >= 320
    config = json.loads((run / "config.json").read_text())
    assert config["architecture"] == name
    assert config["data"]["images"] == 1000
    assert config["training"]["images"] == 320
    last = stats(run)[-1]
    assert last["images"] == outcome.images
    assert {"seconds", "images/s", "lr/G", "lr/D"} <= last.keys()
    assert all(any(term.startswith(f"{phase}/") for term in last) for phase in ("G", "D"))
    gan = ganzoo.load(run)
    with Image.open(run / "samples.png") as preview:
        # 16 inputs, each with its output and its target, for each way; else 64 samples
        assert preview.width * preview.height == (16 * 3 * len(gan.translations) or 64) * 28 * 28
    assert gan.sample(3).shape == (3, 1, 28, 28)
    assert not gan.training
    assert not hasattr(gan, "discriminator")


def test_stop_and_resume_make_the_same_run_as_no_stop(mnist, tmp_path):
    train("dcgan", mnist, tmp_path / "straight", images=256)
    train("dcgan", mnist, tmp_path / "stopped", images=128)
    outcome = ganzoo.resume(tmp_path / "stopped", images=256, progress=False)
    assert outcome.images == 256
    for file in ("model.safetensors", "checkpoints/000000256/gan.safetensors"):
        ours, theirs = (load_tensors(tmp_path / run / file) for run in ("stopped", "straight"))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    lines = [[{k: v for k, v in line.items() if k not in ("seconds", "images/s")} for line in stats(tmp_path / run)]
             for run in ("stopped", "straight")]  # fmt: skip
    assert lines[0] == lines[1]
    for name in ("000000128.png", "000000256.png"):
        assert (tmp_path / "stopped/samples" / name).read_bytes() == (tmp_path / "straight/samples" / name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_step_saves_and_says_how_to_go_on(number, mnist, tmp_path):
    command = [sys.executable, "-m", "ganzoo", "train", "vanilla", "--data", str(mnist), "--images", "10M"]
    command += ["--device", "cpu", "--report-every", "64", "--out", "run", "-o", "hidden=32"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (tmp_path / "run/stats.jsonl").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "ganzoo train --resume run" in err
    assert "Traceback" not in err
    (checkpoint,) = (tmp_path / "run/checkpoints").iterdir()
    assert int(checkpoint.name) > 0
    assert ganzoo.load(tmp_path / "run").sample(1).shape == (1, 1, 28, 28)
    again = ganzoo.resume(tmp_path / "run", images=int(checkpoint.name) + 64, progress=False)
    assert again.images >= int(checkpoint.name) + 64


@pytest.mark.slow
@pytest.mark.parametrize(
    "script", [[sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone"]]
)
def test_two_processes_train_one_model(script, mnist, tmp_path):
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    arguments = [
        "--data",
        str(mnist),
        "--images",
        "96",
        "--batch-size",
        "32",
        "--out",
        "two",
        "--precision",
        "fp32",
    ]  # no --device: the CPU is found
    options = ["-o", "base_channels=8", "-o", "critic_channels=8"]
    done = subprocess.run(
        [*script, "-m", "ganzoo", "train", "wgan-gp", *arguments, *options, "--report-every", "32"],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line["images"] for line in stats(tmp_path / "two")] == [160]
    state = json.loads((tmp_path / "two/checkpoints/000000160/state.json").read_text())
    assert state["processes"] == 2
    each = load_tensors(tmp_path / "two/checkpoints/000000160/processes.safetensors")
    assert not torch.equal(each["0/random/cpu"], each["1/random/cpu"])


def test_a_folder_of_pngs_trains_at_another_size(folder, tmp_path):
    train("dcgan", folder, tmp_path / "run", images=64, config={**narrow("dcgan"), "image_size": 32, "channels": 3})
    assert ganzoo.load(tmp_path / "run").sample(2).shape == (2, 3, 32, 32)


def test_tensorboard_gets_the_terms(mnist, tmp_path):
    pytest.importorskip("tensorboard")
    train("vanilla", mnist, tmp_path / "run", tracker="tensorboard")
    assert list((tmp_path / "run").rglob("events.out.tfevents*"))


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"config": {"lr": -1}}, ConfigError, "lr=-1"),
        ({"batch_size": 0}, ConfigError, "batch_size=0"),
        ({"batch_size": 2000}, DataError, "1000 images, too few for batches of 2000"),
        ({"data": "nowhere/at/all"}, DataError, "no folder or file"),
        ({"split": "validation"}, DataError, "it has: test, train"),
        ({"precision": "fp8"}, ConfigError, "precision=fp8"),
        ({"sed": 3}, ConfigError, "no setting 'sed'"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(changes, error, text, mnist, tmp_path):
    data = changes.pop("data", mnist)
    with pytest.raises(error, match=text):
        train("dcgan", data, tmp_path / "run", **changes)
    assert list(tmp_path.iterdir()) == []


def test_a_conditional_model_refuses_unlabelled_images(folder, tmp_path):
    with pytest.raises(DataError, match="needs labels"):
        train("cgan", folder / "3", tmp_path / "run", batch_size=2)


def test_a_run_is_never_overwritten_and_never_shared(mnist, tmp_path):
    import filelock

    train("vanilla", mnist, tmp_path / "run", images=32)
    with pytest.raises(RunError, match="--resume"):
        train("vanilla", mnist, tmp_path / "run", images=32)
    with filelock.FileLock(tmp_path / "run/.lock"), pytest.raises(RunError, match="another process is training"):
        ganzoo.resume(tmp_path / "run", images=64, progress=False)
    with pytest.raises(RunError, match="32 of 32 images"):
        ganzoo.resume(tmp_path / "run", progress=False)


def test_resume_refuses_what_is_no_run_and_other_images(mnist, tmp_path, folder):
    with pytest.raises(RunError, match="is no run"):
        ganzoo.resume(tmp_path)
    train("vanilla", mnist, tmp_path / "run", images=32)
    config = open_config(tmp_path / "run")
    config["training"]["data"] = str(folder)
    (tmp_path / "run/config.json").write_text(json.dumps(config))
    with pytest.raises(RunError, match=r"are not those that .*--override data"):
        ganzoo.resume(tmp_path / "run", images=64, progress=False)


def lines(run):
    return {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}


def test_a_resume_that_is_refused_changes_nothing(mnist, tmp_path):
    run = train("vanilla", mnist, tmp_path / "run", images=64).run
    before = lines(run)
    with pytest.raises(RunError, match="64 of 32 images"):
        ganzoo.resume(run, images=32, progress=False)
    (run / "checkpoints").rename(run / "elsewhere")
    with pytest.raises(RunError, match="has a model but no checkpoint"):
        ganzoo.resume(run, images=128, progress=False)
    assert lines(run) == before


def damage(path):
    data = bytearray(path.read_bytes())
    data[-20] ^= 1  # one bit of a tensor
    path.write_bytes(data)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "state.json").write_text("{}"),
        lambda folder: (folder / "state.json").write_text('{"step": 1'),
        lambda folder: (folder / "ema.safetensors").write_bytes(b""),
        lambda folder: (folder / "gan.safetensors").unlink(),
        lambda folder: damage(folder / "optimizer-G.safetensors"),
        lambda folder: os.truncate(folder / "gan.safetensors", 1000),
    ],
)
def test_a_damaged_checkpoint_is_set_aside_for_the_one_before(spoil, mnist, tmp_path, caplog):
    train("vanilla", mnist, tmp_path / "straight", images=192)
    run = train("vanilla", mnist, tmp_path / "run", images=128).run
    spoil(run / "checkpoints/000000128")
    assert ganzoo.resume(run, images=192, progress=False).images == 192
    assert "000000128 cannot be restored" in caplog.text
    assert "resuming from 000000064" in caplog.text
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == [
        "000000128", "000000128-damaged", "000000192",
    ]  # fmt: skip
    for name in ("000000128", "000000192"):
        file = f"checkpoints/{name}/gan.safetensors"
        ours, theirs = (load_tensors(tmp_path / folder / file) for folder in ("run", "straight"))
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_without_a_whole_checkpoint_nothing_is_touched(mnist, tmp_path):
    run = train("vanilla", mnist, tmp_path / "run", images=128).run
    for name in ("000000064", "000000128"):
        damage(run / f"checkpoints/{name}/gan.safetensors")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(RunError, match=r"000000128 .*gan.safetensors is damaged"):
        ganzoo.resume(run, images=192, progress=False)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_folder_that_only_looks_like_a_checkpoint_is_passed_over_and_replaced(mnist, tmp_path):
    run = train("vanilla", mnist, tmp_path / "run", images=128).run
    (run / "checkpoints/999999999-old").mkdir()
    (run / "checkpoints/999999999-old/state.json").write_text("{}")
    (run / "checkpoints/000000128/state.json").unlink()
    assert ganzoo.resume(run, images=128, progress=False).images == 128
    assert (run / "checkpoints/000000128/state.json").exists()


def test_a_run_on_a_relative_path_resumes_from_anywhere(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder.parent)
    run = train("vanilla", folder.name, tmp_path / "run", images=64).run
    monkeypatch.chdir(tmp_path)
    assert ganzoo.resume(run, images=96, progress=False).images == 96


def test_an_architecture_without_an_image_size_takes_the_images_as_they_are(mnist, tmp_path, monkeypatch):
    record = Architecture(name="bare", target="helpers:Bare", config=BareConfig, summary="")
    monkeypatch.setitem(installed().architectures._records, "bare", [Registered(record, "ganzoo-bare", "1", "bare")])
    run = train("bare", mnist, tmp_path / "run", images=64, config={}).run
    assert ganzoo.load(run).sample(2).shape == (2, 1, 28, 28)
    (tmp_path / "mixed").mkdir()
    for name, size in (("a", (30, 20)), ("b", (20, 30))):
        Image.new("L", size).save(tmp_path / "mixed" / f"{name}.png")
    with pytest.raises(DataError, match="several sizes"):
        train("bare", tmp_path / "mixed", tmp_path / "other", batch_size=1, config={})


def test_a_missing_tracker_names_the_extra(mnist, tmp_path, monkeypatch):
    monkeypatch.setattr("ganzoo.training.plan.importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"ganzoo\[track\]"):
        train("vanilla", mnist, tmp_path / "run", tracker="tensorboard")


def test_a_split_of_two_folders_is_gone_on_with(folder, tmp_path):
    for name in ("trainA", "trainB", "testA", "testB"):
        shutil.copytree(folder / "3", tmp_path / "both" / name)
    train("cyclegan", tmp_path / "both", tmp_path / "run", images=8, batch_size=4, split="test")
    assert ganzoo.resume(tmp_path / "run", images=16, progress=False).images == 16


@pytest.mark.parametrize(
    ("cls", "text"),
    [
        ("TranslatesAnUnknown", "TranslatesAnUnknown of ganzoo-b translates A to C, and the data has no C"),
        ("HidesImages", "HidesImages of ganzoo-b fails to translate A to B: .*takes no 'images'"),
        ("TranslatesToAList", "TranslatesToAList of ganzoo-b fails to translate A to B"),
        ("TranslatesToAnotherSize", r"TranslatesToAnotherSize of ganzoo-b makes \(1, 1, 14, 28\) of \(1, 1, 28, 28\)"),
    ],
)
def test_a_translator_that_cannot_is_found_out_before_it_trains(cls, text, mnist, tmp_path, monkeypatch):
    record = Architecture(
        name="bad", target=f"broken_gans:{cls}", config=broken_gans.Config, summary="", translates=True
    )
    monkeypatch.setitem(installed().architectures._records, "bad", [Registered(record, "ganzoo-b", "1", "b")])
    with pytest.raises(PluginError, match=text):
        train("bad", f"edges:{mnist}", tmp_path / "run", config={})
    assert list(tmp_path.iterdir()) == []
