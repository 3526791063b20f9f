"""What each process has of its own comes back: random states, and buffers that differ between processes."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import nn

import forks
import ganzoo
from ganzoo import list_architectures
from ganzoo.models.weights import load_tensors
from ganzoo.training import rng_state
from helpers import narrow

LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone"]


def drawn():
    numbers = [random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn(), float(torch.randn(()))]
    return [*numbers, random.gauss(0, 1), np.random.randn()]  # the second of a pair, which a generator keeps


@pytest.mark.parametrize("before", [0, 1, 2])
def test_all_generators_come_back(before):
    rng_state.seed(3)
    for _ in range(before):
        random.gauss(0, 1)  # with an odd number one is kept for the next call
        np.random.randn()
    gan = nn.BatchNorm2d(2)
    kept = rng_state.gather(dict(gan.named_buffers()), Accelerator(cpu=True))
    expected = drawn()
    rng_state.seed(99)
    rng_state.restore(kept, dict(gan.named_buffers()), 0)
    assert drawn() == expected
    assert rng_state.world_size(kept) == 1
    assert not any("buffers" in name for name in kept)  # one process: the networks' own file has them


def test_a_seed_is_for_all_generators():
    rng_state.seed(2**31 * 1000 + 7)
    first = drawn()
    rng_state.seed(2**31 * 1000 + 7)
    assert drawn() == first
    rng_state.seed(8)
    assert drawn() != first


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cyclegan", "dcgan"])
def test_a_resumed_run_of_two_processes_has_the_same_bits(name, mnist, tmp_path):
    options = {**narrow(name), **({"pool": 4, "lr_decay": 0.0} if name == "cyclegan" else {})}
    data = f"A={mnist}:3,B={mnist}:8" if name == "cyclegan" else str(mnist)

    def ganzoo(*words):
        done = forks.run(*words, cwd=tmp_path, processes=2)
        assert done.returncode == 0, done.stderr

    words = ["train", name, "--data", data, "--batch-size", "16", "--precision", "fp32", "--device", "cpu"]
    words += [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    ganzoo(*words, "--images", "96", "--out", "straight")
    ganzoo(*words, "--images", "48", "--out", "parts")
    ganzoo("train", "--resume", "parts", "--images", "96")
    straight, parts = (tmp_path / run / "checkpoints/000000096" for run in ("straight", "parts"))
    for file in sorted(path.name for path in straight.glob("*.safetensors")):
        expected, found = load_tensors(straight / file), load_tensors(parts / file)
        assert expected.keys() == found.keys()
        assert all(torch.equal(expected[key], found[key]) for key in expected), file
    each = load_tensors(straight / "processes.safetensors")
    assert json.loads((straight / "state.json").read_text())["processes"] == rng_state.world_size(each) == 2
    differing = {key.partition("/buffers/")[2] for key in each if "/buffers/" in key}
    assert differing >= (
        {"pool_a.images", "pool_b.images"} if name == "cyclegan" else {"generator.layers.0.running_mean"}
    )


@pytest.mark.slow
def test_every_architecture_is_restored_in_two_processes_with_the_same_bits(tmp_path):
    """In fp32 and bf16, with augmentation: one launch for all, as each start of two processes takes seconds."""
    from ganzoo.testing import DIGITS

    tests = Path(__file__).parents[1]
    launch = [*LAUNCH, str(tests / "training/resume_in_two.py"), str(tmp_path), str(DIGITS)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(tests), *sys.path])}
    done = subprocess.run(launch, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    same = {f"{name} {precision} same" for name in list_architectures() for precision in ("fp32", "bf16")}
    assert set(done.stdout.split("\n")) >= same


def test_two_processes_with_half_the_batch_each_are_one_with_the_whole(mnist, tmp_path):
    """pix2pix with instance norm and without dropout draws nothing at random: only the sums' order differs."""
    options = {**narrow("pix2pix"), "norm": "instance", "dropout": 0.0, "beta1": 0.9}
    words = ["train", "pix2pix", "--data", f"edges:{mnist}", "--batch-size", "16", "--precision", "fp32"]
    words += ["--device", "cpu", "--images", "64"]
    words += [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    for processes, out in ((2, "two"), (1, "one")):
        done = forks.run(*words, "--out", out, cwd=tmp_path, processes=processes)
        assert done.returncode == 0, done.stderr
    one, two = (load_tensors(tmp_path / out / "checkpoints/000000064/gan.safetensors") for out in ("one", "two"))
    torch.manual_seed(0)  # the run's own
    untrained = ganzoo.create("pix2pix", image_size=28, channels=1, **options).state_dict()
    moved = max(float((one[key] - untrained[key]).abs().max()) for key in one)
    assert 1e-4 < moved < 1e-2  # four steps of at most 2e-4, and the running means
    # Adam's first steps are of one size, so that a gradient near 0 may turn by rounding: most must agree closely.
    apart = torch.cat([(one[key] - two[key]).abs().flatten() for key in one])
    assert apart.quantile(0.99) < 1e-6
    assert apart.max() < 1e-3


@pytest.mark.slow
def test_what_one_process_cannot_read_none_goes_on_from(mnist, tmp_path):
    script = tmp_path / "resume.py"
    script.write_text(
        "import os, ganzoo, ganzoo.training.run as run\n"
        "from ganzoo.errors import RunError\n"
        "whole = run.checkpoint.restore\n"
        "def restore(path, *words, **options):\n"
        "    whole(path, *words, **options)\n"
        "    if os.environ['RANK'] == '1' and path.name == '000000096':\n"
        "        raise RunError('the network file system hiccups')\n"
        "run.checkpoint.restore = restore\n"
        "run.resume('run', images=128, progress=False)\n"
    )
    words = ["train", "dcgan", "--data", str(mnist), "--batch-size", "16", "--images", "96", "--checkpoint-every", "48"]
    words += ["--device", "cpu", "--out", "run"]
    words += [word for key, value in narrow("dcgan").items() for word in ("-o", f"{key}={value}")]
    done = forks.run(*words, cwd=tmp_path, processes=2)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(
        [*LAUNCH, str(script)], cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "resuming from 000000048" in done.stderr
    names = sorted(path.name for path in (tmp_path / "run/checkpoints").iterdir())
    assert {"000000096-damaged", "000000128"} <= set(names)
    images = [json.loads(line)["images"] for line in (tmp_path / "run/stats.jsonl").read_text().splitlines()]
    assert images == sorted(images)
