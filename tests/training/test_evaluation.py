"""Measurements in training: what is written is the value of what is kept, and nothing of the training changes."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import torch

import ganzoo
from ganzoo import _files
from ganzoo.errors import ConfigError, PluginError, RunError, UnknownNameError
from ganzoo.metrics import evaluate
from ganzoo.models.weights import load_tensors
from ganzoo.training import evaluation
from ganzoo.training.evaluation import BestMetric, best_metric
from ganzoo_metrics.frechet import FrechetDistance
from helpers import open_config

FD, ENTROPY = "fd[pixels:4]@64/train", "class-entropy[mnist-classifier]@64"


def train(mnist, out, **settings):
    options = {"images": 192, "batch_size": 32, "report_every": 32, "eval_every": 64, "metrics": (FD, ENTROPY)}
    narrow = {"base_channels": 8, "discriminator_channels": 8}
    return ganzoo.train("dcgan", data=str(mnist), out=out, progress=False, config=narrow, **{**options, **settings})


def measured(run):
    lines = [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]
    return {line["images"]: line["metrics"] for line in lines if "metrics" in line}


@pytest.fixture(scope="module")
def run(mnist, tmp_path_factory):
    return train(mnist, tmp_path_factory.mktemp("runs") / "run").run


def test_every_measurement_is_a_line(run):
    assert list(measured(run)) == [64, 128, 192]
    assert all(set(values) == {FD, ENTROPY} for values in measured(run).values())


def test_the_best_model_is_the_one_that_was_measured(run, mnist):
    found = best_metric(run, FD)
    assert found.best == min(values[FD] for values in measured(run).values())
    again = evaluate(ganzoo.load(run / "best"), [FD, ENTROPY], data=str(mnist), progress=False)
    assert [score.value for score in again] == pytest.approx([*measured(run)[found.images].values()], rel=1e-6)
    written = json.loads((run / "best/config.json").read_text())
    assert written["trained"]["images"] == found.images
    assert [metric["protocol"] for metric in written["metrics"]] == [FD, ENTROPY]


def test_the_last_one_is_measured_too(run):
    written = json.loads((run / "config.json").read_text())
    assert {metric["protocol"]: metric["value"] for metric in written["metrics"]} == measured(run)[192]


def test_fine_tuning_begins_with_all_of_the_best(run, mnist, tmp_path):
    outcome = ganzoo.train(
        data=str(mnist), images=32, batch_size=32, start=run / "best", out=tmp_path / "on", progress=False
    )
    assert outcome.images == 32
    kept = load_tensors(run / "best/training.safetensors")
    assert kept
    assert all(name.startswith("discriminator.") for name in kept)


def test_measuring_changes_no_bit_of_the_training(run, mnist, tmp_path):
    bare = train(mnist, tmp_path / "bare", metrics=()).run
    for file in ("model.safetensors", "checkpoints/000000192/processes.safetensors"):
        ours, theirs = load_tensors(run / file), load_tensors(bare / file)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert not (bare / "best").exists()


def test_a_run_that_was_stopped_measures_as_one_that_was_not(run, mnist, tmp_path):
    stopped = tmp_path / "stopped"
    train(mnist, stopped, images=128)
    assert list(measured(stopped)) == [64, 128]
    ganzoo.resume(stopped, images=192, progress=False)
    assert measured(stopped) == measured(run)


def test_a_line_that_was_cut_short_costs_nothing(run, mnist, tmp_path):
    stopped = tmp_path / "stopped"
    train(mnist, stopped, images=128)
    with (stopped / "stats.jsonl").open("a") as file:
        file.write('{"images": 128, "sec')
    ganzoo.resume(stopped, images=192, progress=False)
    assert measured(stopped) == measured(run)


def test_a_measurement_that_was_cut_short_is_made_when_it_goes_on(run, mnist, tmp_path):
    stopped = tmp_path / "stopped"
    train(mnist, stopped, images=128, checkpoint_every=128)
    path = stopped / "stats.jsonl"
    path.write_text("".join(f"{line}\n" for line in path.read_text().splitlines()[:-1]))
    assert list(measured(stopped)) == [64]
    ganzoo.resume(stopped, images=192, progress=False)
    assert measured(stopped) == measured(run)


def test_a_best_model_from_after_the_checkpoint_is_set_aside(mnist, tmp_path, caplog):
    there = tmp_path / "run"
    train(mnist, there, images=128, metrics=(FD,))
    config = open_config(there / "best")
    config["trained"]["images"] = 160
    (there / "best/config.json").write_text(json.dumps(config))
    before = (there / "best/model.safetensors").read_bytes()
    outcome = ganzoo.resume(there, images=192, progress=False)
    assert (there / "best-000000160/model.safetensors").read_bytes() == before
    assert "renamed to best-000000160" in caplog.text
    assert outcome.best_images in (None, outcome.best_metric.images)


def test_a_best_model_that_was_deleted_is_not_named(mnist, tmp_path, monkeypatch):
    values = iter([1.0, 2.0, 3.0])
    real = evaluation.evaluate

    def rising(*words, **more):
        (score,) = real(*words, **more)
        return [type(score)(name=score.name, value=next(values), protocol=score.protocol)]

    monkeypatch.setattr(evaluation, "evaluate", rising)
    outcome = train(mnist, tmp_path / "run", images=128, metrics=(FD,))
    assert outcome.best_images == outcome.best_metric.images == 64
    shutil.rmtree(tmp_path / "run/best")
    outcome = ganzoo.resume(tmp_path / "run", images=192, progress=False)
    assert outcome.best_metric == BestMetric(FD, 1.0, 64, 3.0, 2)
    assert outcome.best_images is None


def test_it_ends_when_it_gets_no_better(mnist, tmp_path, monkeypatch):
    real, values = evaluation.evaluate, iter([3.0, 2.0, 2.5, 2.0, 1.0])

    def falling(*words, **more):
        (score,) = real(*words, **more)
        return [type(score)(name=score.name, value=next(values), protocol=score.protocol)]

    monkeypatch.setattr(evaluation, "evaluate", falling)
    outcome = train(mnist, tmp_path / "run", images=640, metrics=(FD,), patience=2)
    assert outcome.stopped_early
    assert outcome.images == 4 * 64, "the best was the second; an equal one is no better"
    assert outcome.best_metric == BestMetric(FD, 2.0, 128, 2.0, 2)
    assert json.loads((tmp_path / "run/best/config.json").read_text())["trained"]["images"] == 128
    assert (tmp_path / "run/checkpoints/000000256").is_dir()


def test_what_cannot_be_measured_is_logged_and_the_training_goes_on(mnist, tmp_path, monkeypatch, caplog):
    def broken(*_, **__):
        raise PluginError("no number")

    monkeypatch.setattr(evaluation, "evaluate", broken)
    outcome = train(mnist, tmp_path / "run")
    assert outcome.images == 192
    assert "after 64 images: no number" in caplog.text
    assert outcome.best_metric is None


def test_one_that_fails_leaves_the_others_and_no_best_of_it(mnist, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(FrechetDistance, "compute", lambda self: float("nan"))
    outcome = train(mnist, tmp_path / "run")
    assert f"after 64 images: '{FD}' gave nan" in caplog.text
    assert all(set(values) == {ENTROPY} for values in measured(tmp_path / "run").values())
    assert len(measured(tmp_path / "run")) == 3
    assert outcome.best_metric is None
    assert outcome.measures
    assert not (tmp_path / "run/best").exists()


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"metrics": ("fd[pixls]@64/train",)}, UnknownNameError, "No extractor is called 'pixls'"),
        ({"metrics": ("fd[pixels]@64",)}, ConfigError, "name their split"),
        ({"metrics": ("fd",)}, ConfigError, "is no protocol"),
        ({"metrics": ("fd[pixels]@64/train:1M",)}, ConfigError, "asks for more real images"),
        ({"patience": 0}, ConfigError, "patience=0"),
        ({"metrics": (), "patience": 3}, ConfigError, "without metrics"),
        ({"eval_every": 0}, ConfigError, "eval_every=0"),
    ],
)
def test_mistakes_are_raised_before_anything_is_trained_or_written(mnist, tmp_path, settings, error, text):
    with pytest.raises(error, match=text):
        train(mnist, tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


def test_a_best_model_that_cannot_be_written_leaves_the_one_before(run, mnist, tmp_path, monkeypatch):
    there = tmp_path / "run"
    shutil.copytree(run, there)
    before = (there / "best/model.safetensors").read_bytes()
    (there / "new").mkdir()
    monkeypatch.setattr(_files, "sync", lambda path: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        _files.swap_folder(there / "new", there / "best")
    assert (there / "best/model.safetensors").read_bytes() == before


def test_a_full_disk_is_reported(mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation, "swap_folder", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(RunError, match=r"best .*No space left"):
        train(mnist, tmp_path / "run")
    assert not list((tmp_path / "run").glob(".best*"))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], None),
        ([{"fd@1/t": 3.0}], BestMetric("fd@1/t", 3.0, 10, 3.0, 0)),
        ([{"fd@1/t": 3.0}, {"fd@1/t": 2.0}, {"fd@1/t": 4.0}], BestMetric("fd@1/t", 2.0, 20, 4.0, 1)),
        ([{"recall@1/t": 0.3}, {"recall@1/t": 0.2}], BestMetric("recall@1/t", 0.3, 10, 0.2, 1)),
        ([{"fd@1/t": 3.0}, {"recall@1/t": 0.2, "fd@1/t": 9.0}], BestMetric("fd@1/t", 3.0, 10, 9.0, 1)),
        ([{"fd@1/t": 3.0}, {"recall@1/t": 0.2}], BestMetric("fd@1/t", 3.0, 10, 3.0, 0)),
        ([{"gone@1": 3.0}], None),
        ([{"fd@1/t": "three"}], None),
        ([{"fd@1/t": 10**400}, {"fd@1/t": 2.0}], BestMetric("fd@1/t", 2.0, 20, 2.0, 0)),
        ([[1, 2]], None),
    ],
)
def test_how_a_run_does_is_read_from_its_lines(lines, expected, tmp_path):
    text = [json.dumps({"images": 10 * (i + 1), "seconds": 1, "metrics": line}) for i, line in enumerate(lines)]
    (tmp_path / "stats.jsonl").write_text("\n".join(text))
    protocol = next(iter(lines[0]), "fd@1/t") if lines and isinstance(lines[0], dict) else "fd@1/t"
    assert best_metric(tmp_path, protocol) == expected


def test_a_folder_takes_the_place_of_another_whole(tmp_path):
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(name)
    _files.swap_folder(tmp_path / "new", tmp_path / "old")
    assert [p.name for p in (tmp_path / "old").iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["old"]


@pytest.mark.slow
def test_two_processes_measure_what_one_does(mnist, tmp_path):
    words = ["train", "dcgan", "--data", str(mnist), "--images", "128", "--batch-size", "32", "--device", "cpu"]
    words += ["-o", "base_channels=8", "-o", "discriminator_channels=8", "--precision", "fp32", "--patience", "1"]
    words += ["-m", FD, "--eval-every", "64", "--out", "run"]
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone", "-m", "ganzoo"]
    done = subprocess.run(
        [*launch, *words], cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    values = measured(tmp_path / "run")
    assert list(values) == [64, 128]
    (score,) = evaluate(ganzoo.load(tmp_path / "run"), [FD], data=str(mnist), progress=False)
    assert values[128][FD] == pytest.approx(score.value, rel=1e-5)
    assert FD in done.stdout
