"""Faults, each with the real thing: killed processes, full disks, data that goes away, too little memory."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest
import torch

import ganzoo
from ganzoo.errors import GanzooError, RunError
from ganzoo.models.weights import load_tensors
from ganzoo.training import checkpoint
from ganzoo.training.failures import lost_peer
from ganzoo.training.logs import Reporter
from helpers import narrow

ENV = {**os.environ, "OMP_NUM_THREADS": "1"}
GANZOO = [sys.executable, "-m", "ganzoo"]
INTERVAL = 64


def wait_for(condition, process, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)


def new_run(mnist):
    words = ["train", "vanilla", "--data", str(mnist), "--images", "10M", "--device", "cpu", "-o", "hidden=32"]
    return [*words, "--report-every", "32", "--checkpoint-every", str(INTERVAL), "--batch-size", "32", "--out", "run"]


@pytest.mark.slow
def test_a_process_that_is_killed_loses_no_more_than_an_interval(mnist, tmp_path):
    """Checkpoints follow each other closely, so that most of the kills fall into the writing of one."""
    run, moments = tmp_path / "run", random.Random(0)
    words = new_run(mnist)
    for _ in range(4):
        before = checkpoint.list_checkpoints(run)
        process = subprocess.Popen([*GANZOO, *words], cwd=tmp_path, env=ENV, stderr=subprocess.PIPE, text=True)
        wait_for(lambda before=before: checkpoint.list_checkpoints(run) not in ([], before), process)
        time.sleep(moments.uniform(0, 0.5))
        process.kill()
        process.communicate()
        whole = checkpoint.list_checkpoints(run)
        assert whole
        reported = [json.loads(line)["images"] for line in (run / "stats.jsonl").read_text().splitlines()[:-1]]
        assert int(whole[-1].name) >= max(reported, default=0) - INTERVAL - 32
        for file in whole[-1].glob("*.safetensors"):
            load_tensors(file)
        if (run / "model.safetensors").exists():
            assert ganzoo.load(run).sample(1).isfinite().all()
        words = ["train", "--resume", "run"]
    outcome = ganzoo.resume(run, images=int(whole[-1].name) + 64, progress=False)
    assert outcome.images == int(whole[-1].name) + 64
    assert not [path for path in run.rglob("*") if "partial" in path.name and path.stat().st_mtime > time.time()]


def limited(monkeypatch, at, size):
    """From so many images on no file may be larger than ``size`` bytes: the disk is full."""
    step, (_, most) = Reporter.step, resource.getrlimit(resource.RLIMIT_FSIZE)

    def full(self, new):
        step(self, new)
        if self.state.images >= at:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))

    monkeypatch.setattr(Reporter, "step", full)
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


@pytest.mark.parametrize(("what", "size"), [("checkpoint", 30_000), ("stats.jsonl", 100)])
def test_a_full_disk_leaves_the_last_good_checkpoint(what, size, mnist, tmp_path, monkeypatch):
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    free = limited(monkeypatch, at=128, size=size)
    every = {"checkpoint_every": 64, "report_every": 32 if what == "stats.jsonl" else 10_000}
    try:
        with pytest.raises(GanzooError, match=rf"{what}.*: .*File too large"):
            ganzoo.train(
                "vanilla", data=str(mnist), images=320, batch_size=32, out=tmp_path / "run", progress=False,
                config={"hidden": 32}, **every,
            )  # fmt: skip
    finally:
        free()
        signal.signal(signal.SIGXFSZ, handler)
    monkeypatch.undo()
    assert [path.name for path in checkpoint.list_checkpoints(tmp_path / "run")] == ["000000064"]
    assert not list((tmp_path / "run/checkpoints").glob(".partial*"))
    assert ganzoo.resume(tmp_path / "run", images=192, progress=False).images == 192


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB; needs the right to mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", place], check=False, capture_output=True
    ).returncode:
        pytest.skip("may not mount a file system")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_disk_that_fills_up_is_named(small_disk, mnist):
    with pytest.raises(GanzooError, match=r"cannot be written.*(No space left|not.*written)") as raised:
        ganzoo.train(
            "vanilla", data=str(mnist), images=32_000, batch_size=32, out=small_disk / "run", progress=False,
            config={"hidden": 32}, checkpoint_every=64, preview_every=64, keep=50,
        )  # fmt: skip
    assert str(small_disk) in str(raised.value)
    whole = checkpoint.list_checkpoints(small_disk / "run")
    assert whole
    for file in whole[-1].glob("*.safetensors"):
        load_tensors(file)
    for old in whole[:-1]:
        shutil.rmtree(old)
    goal = int(whole[-1].name) + 64
    assert ganzoo.resume(small_disk / "run", images=goal, keep=1, progress=False).images == goal


def test_data_that_goes_away_is_missed_by_the_next_run_alone(folder, tmp_path, monkeypatch):
    mine = shutil.copytree(folder, tmp_path / "mine")
    step = Reporter.step
    monkeypatch.setattr(
        Reporter, "step", lambda self, new: (shutil.rmtree(mine, ignore_errors=True), step(self, new))[1]
    )
    options = {"batch_size": 16, "out": tmp_path / "run", "progress": False, "config": narrow("dcgan")}
    assert ganzoo.train("dcgan", data=str(mine), images=64, **options).images == 64
    assert not mine.exists()
    with pytest.raises(GanzooError, match="no folder or file"):
        ganzoo.resume(tmp_path / "run", images=128, progress=False)


@pytest.mark.slow
def test_a_second_process_on_one_run_is_refused(mnist, tmp_path):
    first = subprocess.Popen([*GANZOO, *new_run(mnist)], cwd=tmp_path, env=ENV, stderr=subprocess.PIPE, text=True)
    wait_for((tmp_path / "run/stats.jsonl").exists, first)
    second = subprocess.run(
        [*GANZOO, "train", "--resume", "run"], cwd=tmp_path, env=ENV, capture_output=True, text=True, check=False
    )
    first.terminate()
    first.communicate(timeout=60)
    assert first.returncode == 128 + signal.SIGTERM
    assert second.returncode == 1
    assert "another process is training in run" in second.stderr


@pytest.mark.slow
@pytest.mark.parametrize("rank", ["0", "1"])
def test_when_one_of_two_processes_dies_the_other_ends_too(rank, mnist, tmp_path):
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone", "-m"]
    process = subprocess.Popen(
        [*launch, "ganzoo", *new_run(mnist)], cwd=tmp_path, env=ENV, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: checkpoint.list_checkpoints(tmp_path / "run"), process)
    workers = {
        child.environ()["RANK"]: child
        for child in psutil.Process(process.pid).children(recursive=True)
        if "RANK" in child.environ() and "ganzoo" in child.cmdline()
    }
    workers[rank].kill()
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Signal 9 (SIGKILL)" in said
    assert not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers.values())
    last = int(checkpoint.list_checkpoints(tmp_path / "run")[-1].name)
    assert ganzoo.resume(tmp_path / "run", images=last + 64, progress=False).images == last + 64


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "room", "remedy"),
    [
        ("dcgan", 30, "; 25 at a time fit: --accumulate 4, or --batch-size 25"),
        ("dcgan", 12, "; 12 at a time fit: --accumulate 10, or --batch-size 12"),
        ("dcgan", 0, "; not even one image fits: make the networks smaller"),
        ("vanilla", 1, "; not even one image fits: make the networks smaller"),  # and batch norm needs two
    ],
)
def test_too_little_memory_says_which_batch_size_fits(name, room, remedy, mnist, tmp_path, monkeypatch):
    """The allocator itself refuses, at a batch that is known; under a limit of the process native code may crash."""
    generator = type(ganzoo.create(name).generator)
    forward = generator.forward

    def hungry(self, z):
        if len(z) > room:
            torch.empty(2**46)
        return forward(self, z)

    monkeypatch.setattr(generator, "forward", hungry)
    with pytest.raises(RunError) as caught:
        ganzoo.train(
            name, data=str(mnist), images=400, batch_size=100, out=tmp_path / "run", progress=False,
            config=narrow(name),
        )  # fmt: skip
    assert str(caught.value) == f"out of memory with batches of 100 images{remedy}"


def test_a_lost_process_is_told_from_other_errors():
    assert lost_peer(RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:2"))
    assert lost_peer(RuntimeError("shapes cannot be multiplied")) is None
