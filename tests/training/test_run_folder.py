"""A run writes and deletes inside of its own folder only, and keeps its state when that is taken away."""

import shutil
import threading
import time

import pytest
import torch

import forks
import ganzoo
from ganzoo.errors import RunError
from ganzoo.models.weights import load_tensors
from ganzoo.training.checkpoint import list_checkpoints
from ganzoo.training.logs import Reporter
from helpers import narrow


def train(mnist, out, images=96, **settings):
    options = {"batch_size": 32, "report_every": 32, "checkpoint_every": 32, "keep": 1, "device": "cpu"}
    return ganzoo.train(
        "vanilla", data=str(mnist), images=images, out=out, config=narrow("vanilla"), progress=False,
        **{**options, **settings},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["stats.jsonl", "model.safetensors", "config.json", "samples.png", ".lock"])
def test_a_file_that_is_a_link_is_refused_and_its_target_is_as_it_was(name, mnist, tmp_path):
    run = train(mnist, tmp_path / "run").run
    target = tmp_path / "elsewhere"
    if name == "config.json":
        shutil.copy(run / name, target)
        before = target.read_bytes()
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(target)
    with pytest.raises(RunError, match=f"{name} is a link"):
        ganzoo.resume(run, images=192, progress=False)
    assert target.read_bytes() == before if name == "config.json" else not target.exists()


@pytest.mark.parametrize("name", ["checkpoints", "samples", "best"])
def test_a_folder_that_is_a_link_is_refused_and_nothing_in_it_is_deleted(name, mnist, tmp_path):
    run = train(mnist, tmp_path / "run").run
    target = tmp_path / "elsewhere"
    if (run / name).exists():
        (run / name).rename(target)
    (target / "000000001").mkdir(parents=True)
    (target / "000000001/state.json").write_text("{}")
    (run / name).symlink_to(target)
    with pytest.raises(RunError, match=f"{name} is a link"):
        ganzoo.resume(run, images=192, progress=False)
    assert (target / "000000001/state.json").exists()


def test_a_link_inside_of_a_folder_is_refused(mnist, tmp_path):
    run = train(mnist, tmp_path / "run").run
    (tmp_path / "elsewhere").mkdir()
    (run / "checkpoints/000000007").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="000000007 is a link"):
        ganzoo.resume(run, images=192, progress=False)


def test_the_folder_of_a_run_may_be_a_link_itself(mnist, tmp_path):
    (tmp_path / "large").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "large")
    train(mnist, tmp_path / "run")
    assert list_checkpoints(tmp_path / "large")


def taken(monkeypatch, run, take):
    """Do something to a run's folder after 64 images."""
    step = Reporter.step

    def gone(self, new):
        if self.state.images == 64 and self.run == run:
            take(run)
        step(self, new)

    monkeypatch.setattr(Reporter, "step", gone)


@pytest.mark.parametrize("due", [{}, {"checkpoint_every": 10**6}])
@pytest.mark.parametrize(
    "take",
    [shutil.rmtree, lambda run: run.rename(run.with_name("moved")), lambda run: (run / "config.json").unlink()],
    ids=["removed", "renamed", "emptied"],
)
def test_the_last_state_is_saved_beside_a_folder_that_is_gone(take, due, mnist, tmp_path, monkeypatch):
    straight = train(mnist, tmp_path / "straight").run
    taken(monkeypatch, tmp_path / "run", take)
    with pytest.raises(RunError, match=r"removed or renamed.*run-rescued; continue with `ganzoo train --resume"):
        train(mnist, tmp_path / "run", **due)
    rescued = tmp_path / "run-rescued"
    assert [path.name for path in list_checkpoints(rescued)] == ["000000064"]
    ganzoo.resume(rescued, progress=False)
    ours, theirs = (load_tensors(run / "model.safetensors") for run in (rescued, straight))
    assert all(torch.equal(tensor, ours[name]) for name, tensor in theirs.items())


def test_a_folder_that_took_the_place_of_the_runs_is_left_alone(mnist, tmp_path, monkeypatch):
    def take(run):
        run.rename(run.with_name("moved"))
        run.mkdir()
        (run / "own.txt").write_text("somebody's")

    taken(monkeypatch, tmp_path / "run", take)
    with pytest.raises(RunError, match="run-rescued"):
        train(mnist, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["own.txt"]


@pytest.mark.slow
def test_two_processes_save_their_state_beside_a_folder_that_is_gone(mnist, tmp_path):
    run = tmp_path / "run"

    def take():
        while not (run / "model.safetensors").exists():
            time.sleep(0.05)
        run.rename(tmp_path / "moved")

    taker = threading.Thread(target=take, daemon=True)
    taker.start()
    words = ["train", "vanilla", "--data", mnist, "--images", "10M", "--batch-size", 32, "--checkpoint-every", 320]
    done = forks.run(*words, "-o", "hidden=8", "--device", "cpu", "--out", "run", cwd=tmp_path, processes=2)
    assert done.returncode
    assert done.stderr.count("run-rescued; continue with") == 1
    (rescued,) = list_checkpoints(tmp_path / "run-rescued")
    outcome = ganzoo.resume(tmp_path / "run-rescued", images=int(rescued.name) + 64, progress=False)
    assert outcome.images == int(rescued.name) + 64


def test_where_nothing_can_be_saved_the_error_says_so(mnist, tmp_path, monkeypatch):
    def take(run):
        shutil.rmtree(run)
        shutil.rmtree(run.parent)
        run.parent.write_text("no folder any more")

    taken(monkeypatch, tmp_path / "runs/run", take)
    with pytest.raises(RunError, match="cannot be saved beside it"):
        train(mnist, tmp_path / "runs/run")


def test_what_a_killed_process_has_left_is_no_run(mnist, tmp_path):
    (tmp_path / "run").mkdir()
    for name in (".lock", ".config.json.partial-abc.json"):
        (tmp_path / "run" / name).touch()
    train(mnist, tmp_path / "run")
    assert not (tmp_path / "run/.config.json.partial-abc.json").exists()
